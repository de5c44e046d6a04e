"""scripts/slurm.sbatch with fake cluster commands that log their calls."""

import os
import subprocess
from pathlib import Path

import pytest

from gengap.errors import UNFINISHED

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm.sbatch"


@pytest.mark.parametrize(
    ("code", "requeued", "exits"),
    [(0, False, 0), (1, False, 1), (UNFINISHED, True, 0), (138, True, 0), (143, False, 143)],
)
def test_only_unfinished_tasks_are_requeued(code, requeued, exits, tmp_path):
    for name, body in {"srun": 'exec "$@"', "gengap": f"exit {code}", "scontrol": "exit 0"}.items():
        command = tmp_path / name
        command.write_text(f'#!/bin/sh\necho {name} "$@" >>"{tmp_path}/calls"\n{body}\n')
        command.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_ARRAY_JOB_ID": "70",
        "SLURM_ARRAY_TASK_ID": "2",
        "GENGAP_MINUTES": "5",
    }
    arguments = ["bash", str(SCRIPT), "+sweep=table1", "precision=bf16"]
    assert subprocess.run(arguments, env=environment, check=False).returncode == exits
    train = "gengap train +sweep=table1 precision=bf16 seed=2 runtime.time_budget=5"
    expected = [f"srun {train}", train] + (["scontrol requeue 70_2"] if requeued else [])
    assert (tmp_path / "calls").read_text().splitlines() == expected
