"""Where a record says it comes from: versions, the commit of the code that ran, and the hardware."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

import gengap
from gengap.__main__ import dispatch
from gengap.errors import DONE
from gengap.runs.provenance import cpu_features, hardware_name, lacks_bf16, origin

ROOT = Path(__file__).resolve().parents[2]
PRINT = "from gengap.runs.provenance import git_commit; print(git_commit())"


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit_of(folder: Path) -> str:
    """git_commit() of the package in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", PRINT]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def copied(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("gengap", "conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A checkout of the package with one commit."""
    folder = copied(tmp_path_factory.mktemp("checkout"))
    (folder / "README.md").write_text("read me\n")
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


def test_clean_checkout_gives_its_commit(checkout):
    assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "name", ["gengap/ghost/base.py", "gengap/data/stream.py", "conf/method/lb_gbn.yaml", "gengap/__init__.py"]
)
def test_changes_to_code_or_conf_are_marked_dirty(name, checkout):
    file = checkout / name
    before = file.read_bytes()
    file.write_bytes(before + b"\n# changed\n")
    try:
        assert commit_of(checkout) == f"{git(checkout, 'rev-parse', 'HEAD')}-dirty"
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("name", ["README.md", "notes.txt", "gengap/notes.txt"])
def test_other_changes_are_not_marked_dirty(name, checkout):
    file = checkout / name
    before = file.read_bytes() if file.exists() else None
    file.write_text("changed\n")
    try:
        assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD")
    finally:
        file.unlink() if before is None else file.write_bytes(before)


def test_no_commit_outside_a_checkout(tmp_path):
    assert commit_of(copied(tmp_path)) == "None"


def test_no_commit_if_the_surrounding_repository_does_not_track_the_package(tmp_path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "theirs")
    assert commit_of(copied(tmp_path)) == "None"


def test_a_checkout_that_is_not_installed_knows_its_version(monkeypatch, capsys):
    installed = metadata.distribution

    def distribution(name):
        if name == "gengap":
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    assert origin(torch.device("cpu"))["versions"]["gengap"] == gengap.__version__
    assert dispatch(["--version"], 0.0) == DONE
    assert capsys.readouterr().out == f"gengap {gengap.__version__}\n"


@pytest.mark.parametrize(
    ("hardware", "expected"),
    [
        ({"device": "cpu", "name": "AMD EPYC", "threads": 1}, "AMD EPYC, 1 thread"),  # an older record
        ({"device": "cpu", "name": "AMD EPYC", "threads": 2, "features": ["avx2"]}, "AMD EPYC, 2 threads"),
        (
            {"device": "cpu", "name": "AMD EPYC", "threads": 2, "features": ["avx2", "avx512_bf16"]},
            "AMD EPYC (avx512_bf16), 2 threads",
        ),
        ({"device": "cuda", "name": "NVIDIA H100", "threads": 16}, "NVIDIA H100"),
    ],
)
def test_hardware_is_named_with_what_decides_its_speed(hardware, expected):
    assert hardware_name(hardware) == expected
    assert hardware_name(hardware | {"ranks": 4}) == f"4 x {expected}"


def test_features_are_those_of_the_first_processor(monkeypatch):
    text = (
        "processor: 0\nmodel name : X\nflags\t\t: fpu avx2 avx512_bf16 sse\n\nprocessor: 1\nflags: avx512f\n"
    )
    monkeypatch.setattr(Path, "read_text", lambda _: text)
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert cpu_features() == ["avx2", "avx512_bf16"]


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("flags : avx2 avx512f", True),  # Intel before Cooper Lake; AMD's Zen 3 has no AVX-512 at all
        ("flags : avx2 avx512f avx512_bf16", False),
        ("flags : avx2 amx_bf16 amx_tile", False),
        ("Features : fp asimd bf16 i8mm", False),  # Arm
        ("Features : fp asimd", True),
        ("", False),  # unknown, as outside Linux
    ],
)
def test_processors_that_are_known_to_lack_bf16(text, lacking, monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda _: f"processor : 0\n{text}\n")
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert lacks_bf16() == lacking
