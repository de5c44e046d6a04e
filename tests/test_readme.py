"""What README.md and CONTRIBUTING.md tell a reader to type works, and what they name is there."""

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gengap.__main__ import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    _, _, rest = README.partition(f"\n## {heading}")
    assert rest, f"README has no section {heading}"
    return rest.partition("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    return [body for found, body in BLOCK.findall(text) if found == language]


def commands(text: str) -> list[list[str]]:
    """The words of every `gengap …` line, without its comment."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("gengap ")]


def write_python_blocks(folder: Path) -> dict[str, Path]:
    """Every Python block under the file name in its first line."""
    files = {}
    for block in blocks(README, "python"):
        name = re.match(r"# (\w+\.py)\n", block)
        assert name, f"a Python block that doesn't open with its file's name: {block[:60]}"
        files[name[1]] = folder / name[1]
        files[name[1]].write_text(block)
    return files


def test_its_numbers_are_the_report_s():
    script = runpy.run_path(str(ROOT / "scripts" / "readme"))
    assert script["SLOT"].search(README)
    assert script["filled"](README) == README, "type scripts/readme"


def test_python_examples_run(tmp_path):
    files = write_python_blocks(tmp_path)
    assert set(files) == {"own.py", "loop.py"}
    for file in files.values():
        done = subprocess.run([sys.executable, file], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_own_network_and_data_set_train_from_any_folder(tmp_path):
    write_python_blocks(tmp_path)
    typed = commands(section("Your own network and data set"))
    assert [words[1] for words in typed] == ["train", "train", "report"]
    for words in typed:
        run = [sys.executable, "-m", *words]
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    records = [f.read_text() for f in sorted(tmp_path.glob("results/runs/*/seed0/run.json"))]
    assert ['"name": "own:convnet"' in r for r in records] == [True, False]
    assert ['"name": "own:parity"' in r for r in records] == [False, True]
    assert all('"status": "finished"' in r for r in records)
    assert "parity-lb_ra-" in (tmp_path / "results" / "report" / "README.md").read_text()


@pytest.mark.parametrize("words", commands(README), ids=" ".join)
def test_every_command_is_one_that_gengap_takes(words, tmp_path, monkeypatch, capsys):
    only_show = ["--cfg", "job"] if words[1] == "train" and words[-1] not in ("--help", "job") else []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [*words, *only_show])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as end:
        main()
    fails = "--check" in words  # here, where there is nothing to check
    assert end.value.code == fails, capsys.readouterr().err


def test_every_workload_method_and_sweep_is_named():
    for group in ("workload", "method"):
        names = {f"`{file.stem}`" for file in (ROOT / "conf" / group).glob("*.yaml")}
        assert {name for name in names if name not in README} == set()


def test_every_choice_of_ours_is_listed():
    listed = section("What the paper leaves open")
    for file in (ROOT / "conf").rglob("*.yaml"):
        comments = " ".join(line for line in file.read_text().splitlines() if line.startswith("#"))
        if re.search(r"\bours\b", comments, re.IGNORECASE):
            assert f"`{file.relative_to(ROOT)}`" in listed


def test_links_lead_somewhere():
    anchors = {
        re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", README, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif not target.startswith("https://"):
            assert (ROOT / target).exists(), target


def test_the_map_shows_every_module():
    drawn = (ROOT / "CONTRIBUTING.md").read_text()
    modules = {file.stem for file in (ROOT / "gengap").rglob("*.py")} - {"__init__"}
    packages = {f"{file.parent.name}/" for file in (ROOT / "gengap").glob("*/__init__.py")}
    assert len(modules) > 50
    assert {name for name in modules | packages if name not in drawn} == set()
    named = set(re.findall(r"(\w+\.py)\b", drawn))
    assert named <= {file.name for place in ("gengap", "tests") for file in (ROOT / place).rglob("*.py")}
