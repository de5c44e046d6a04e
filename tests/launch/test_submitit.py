"""Sweeps through Hydra's submitit launcher, on this machine and on a real Slurm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gengap.errors import FAILED, UNFINISHED
from gengap.runs.state import run_state
from tests.launch.test_on_slurm import NETWORK, ROOT

pytestmark = pytest.mark.slow
pytest.importorskip("hydra_plugins.hydra_submitit_launcher")

RUNS = "train -m +experiment=digits_lb seed=0,1 workload.epochs=4 workload.milestones=[3] results_dir=mine"
SETTINGS = ["hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=9"]
DEADLY = """\
import os, signal
from pathlib import Path
from gengap.models import build

def once(num_classes, in_features, width):
    try:
        Path("killed").touch(exist_ok=False)
    except FileExistsError:
        return build("f1", num_classes, in_features=in_features, width=width)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def begin(tmp_path):
    """Starts a sweep in tmp_path; it is killed if it outlives the test."""
    processes = []

    def start(launcher: str, *words: str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "gengap", *RUNS.split(), f"hydra/launcher={launcher}", *SETTINGS]
        path = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
        processes.append(
            subprocess.Popen(
                [*command, *words],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": path} | environment,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def states(folder: Path) -> list[str]:
    return [run_state(directory).name for directory in sorted(folder.glob("mine/runs/*/seed*"))]


def test_a_sweep_on_this_machine(begin, tmp_path):
    process = begin("submitit_local")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert said.splitlines()[-1] == "gengap: 2 runs: 2 finished"
    assert said.count(": finished, validation accuracy ") == 2
    assert states(tmp_path) == ["finished", "finished"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["runs"]


def test_a_job_that_is_killed_is_named(begin, tmp_path):
    (tmp_path / "deadly.py").write_text(DEADLY)
    process = begin("submitit_local", "model.name=deadly:once")
    _, said = process.communicate(timeout=120)
    assert process.returncode == FAILED, said
    assert "Traceback" not in said.rpartition("gengap: a job ended without a result (")[2]
    assert "killed: " in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("requeues", "code", "last"),
    [(1, 0, "2 finished"), (0, UNFINISHED, "2 interrupted (run the same command again to continue)")],
)
def test_a_sweep_on_slurm_whose_jobs_reach_their_limit(requeues, code, last, begin, slurm, tmp_path):
    """Slurm warns of it by the signal that submitit asks for; the run is saved before submitit gets it."""
    network = NETWORK.replace('Path("begun")', 'Path(f"begun{os.getpid()}")')
    (tmp_path / "first.py").write_text(network)
    words = ["model.name=first:attempt", "runtime.threads=1", f"hydra.launcher.max_num_timeout={requeues}"]
    process = begin("submitit_slurm", *words, **slurm.environment, UNTIL="SIGUSR2")
    slurm.wait(lambda: len(list(tmp_path.glob("begun*"))) == 2, "the first updates")
    for job in slurm.jobs("running"):
        slurm.run("scancel", "--signal=USR2", job)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert said.splitlines()[-1].endswith(last), said
    for log in tmp_path.glob("mine/runs/*/*/run.log"):
        assert "stopped (SIGUSR2) after update 1 of " in log.read_text()
