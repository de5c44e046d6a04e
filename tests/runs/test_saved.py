"""The updates in a checkpoint, read without torch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gengap.runs.checkpoint import NEWEST, PREVIOUS, save_checkpoint
from gengap.runs.saved import saved_updates


def checkpoint(done: int) -> dict[str, object]:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    tensors = {"weights": torch.zeros(9), "half": torch.zeros(2, dtype=torch.bfloat16)}
    return {"model": model.state_dict(), "parameter": nn.Parameter(torch.ones(1)), "done": done} | tensors


def test_updates_are_those_of_the_newest_readable_checkpoint(tmp_path: Path) -> None:
    assert saved_updates(tmp_path) == 0
    for done in (3, 70_000):
        save_checkpoint(tmp_path, checkpoint(done))
        assert saved_updates(tmp_path) == done
    (tmp_path / NEWEST).rename(tmp_path / "elsewhere")  # killed while it was written
    assert saved_updates(tmp_path) == 3
    whole = (tmp_path / "elsewhere").read_bytes()
    (tmp_path / NEWEST).write_bytes(whole[: len(whole) // 2])
    assert saved_updates(tmp_path) == 3
    (tmp_path / PREVIOUS).write_bytes(b"")
    assert saved_updates(tmp_path) is None


@pytest.mark.slow
def test_reading_them_imports_no_torch(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(5))
    probe = f"import sys, pathlib; from gengap.runs.saved import saved_updates; folder = {str(tmp_path)!r}; "
    probe += "assert saved_updates(pathlib.Path(folder)) == 5 and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", probe], check=True)
