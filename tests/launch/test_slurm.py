"""scripts/slurm.sbatch with fake cluster commands that log their calls; test_on_slurm.py has real ones."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from gengap.errors import UNFINISHED

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm.sbatch"


@pytest.fixture
def submit(tmp_path):
    """Runs the script as task 2 of an array whose training ends with `code`; returns exit code and calls."""

    def run(code: int, ends: str, **environment: str) -> tuple[int, list[str]]:
        bodies = {"srun": 'exec "$@"', "gengap": f"exit {code}", "scontrol": "exit 0"}
        for name, body in bodies.items():
            _command(tmp_path / name, f'echo {name} "$@" >>"{tmp_path}/calls"\n{body}')
        _command(tmp_path / "squeue", f"echo {ends}")
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        task = {"SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "2"}
        command = ["bash", str(SCRIPT), "+sweep=table1", "precision=bf16"]
        ended = subprocess.run(command, env=os.environ | path | task | environment, check=False)
        return ended.returncode, (tmp_path / "calls").read_text().splitlines()

    return run


def _command(file: Path, body: str) -> None:
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("code", "requeued", "exits"),
    [(0, False, 0), (1, False, 1), (UNFINISHED, True, 0), (138, True, 0), (143, False, 143)],
)
def test_only_unfinished_tasks_are_requeued(code, requeued, exits, submit):
    ended, calls = submit(code, ends="N/A", GENGAP_MINUTES="5")
    assert ended == exits
    train = "gengap train +sweep=table1 precision=bf16 seed=2 runtime.time_budget=5"
    assert calls == [f"srun {train}", train] + (["scontrol requeue 70_2"] if requeued else [])


@pytest.mark.parametrize(("hours", "minutes"), [(4, 228), (1, 57), (None, None)])
def test_the_time_budget_is_all_but_a_twentieth_of_the_time_left(hours, minutes, submit):
    # 30 s more than whole hours: the quotient is cut off, whenever within them the script looks
    ends = f"{time.time() + 3600 * hours + 30:.0f}" if hours else "N/A"
    _, calls = submit(0, ends)
    assert calls[-1].endswith(f" runtime.time_budget={minutes if hours else 'null'}")
