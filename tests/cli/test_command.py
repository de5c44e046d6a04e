"""The `gengap` command in a process of its own, and installed from a wheel."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from gengap import __version__

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SHORT = ["workload.epochs=1", "workload.milestones=[0.5]", "runtime.threads=1"]


def gengap(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gengap", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_help_lists_every_command_without_heavy_imports(tmp_path):
    done = gengap("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert all(f"gengap {c}" in done.stdout for c in ("train", "status", "report"))
    probe = "import sys, gengap.__main__; assert not {'torch', 'hydra', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", probe], check=True)


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["train", "--version"], ["report", "-V"]])
def test_every_command_knows_the_version(words, tmp_path):
    assert gengap(*words, cwd=tmp_path).stdout == f"gengap {__version__}\n"


@pytest.mark.parametrize(
    "module",
    ["gengap.cli.report", "gengap.runs", "gengap.regime", "gengap.config.compose", "gengap.cli.status"],
)
def test_reading_records_does_not_import_torch(module):
    subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; assert 'torch' not in sys.modules"], check=True
    )


def test_mistake_prints_one_line_and_writes_no_files(tmp_path):
    done = gengap("train", "+experiment=digits_lb", "sed=3", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "gengap: unknown key sed: did you mean seed?\n"
    assert list(tmp_path.iterdir()) == []


def test_progress_without_a_terminal_is_plain_lines(tmp_path):
    done = gengap("train", "+experiment=digits_lb", *SHORT, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\r" not in done.stderr
    assert "finished, validation accuracy" in done.stderr


def test_wheel_in_its_own_environment_works_from_any_folder(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("gengap-*.whl")
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    (site,) = home.glob("lib/python*/site-packages")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True)
    # Use this environment's libraries through its site-packages alone, which gengap's checkout is not in.
    (site / "libraries.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}  # it may name a checkout

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [home / "bin" / "gengap", *arguments],
            cwd=elsewhere, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [python, "-c", "import gengap.config.conf as c; print(c.CONF)"],
        cwd=elsewhere, env=variables, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(home)
    run("train", "+experiment=digits_lb_gbn", *SHORT)
    (record,) = (elsewhere / "results" / "runs").glob("*/seed0/run.json")
    assert '"git_commit": null' in record.read_text()
    assert "digits_f1-lb_gbn" in run("status")
    run("report")
    assert (elsewhere / "results" / "report" / "table1.md").exists()


def test_training_without_compilation_does_not_import_the_compiler(tmp_path):
    """It takes seconds at the start of every run."""
    words = ["+experiment=digits_lb", f"results_dir={tmp_path}", *SHORT]
    probe = f"import sys; from gengap.cli.train import main; assert main({words}) == 0; "
    probe += "assert not {'torch._inductor', 'torch._dynamo'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)
