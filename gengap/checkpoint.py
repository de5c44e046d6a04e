"""Checkpoints: written beside the old one and renamed, the one before kept, so that a kill loses nothing."""

import io
import logging
import pickle
from pathlib import Path
from typing import Any, cast

import torch

from gengap.runs import write_atomically

NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"

log = logging.getLogger(__name__)


def save_checkpoint(directory: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values) so that at every moment a whole checkpoint is on the disk."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    if (directory / NEWEST).exists():
        (directory / NEWEST).replace(directory / PREVIOUS)
    write_atomically(directory / NEWEST, buffer.getvalue())


def load_checkpoint(directory: Path) -> dict[str, Any] | None:
    """The newest checkpoint that can be read, on the CPU; None when there is none."""
    for name in (NEWEST, PREVIOUS):
        path = directory / name
        if not path.exists():
            continue
        try:
            return cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))
        except (RuntimeError, EOFError, pickle.UnpicklingError, OSError) as error:
            log.warning("%s is damaged and was left aside (%s)", path, str(error).splitlines()[0])
    return None


def remove_checkpoints(directory: Path) -> None:
    """Delete the checkpoints of a run that needs them no more."""
    for name in (NEWEST, PREVIOUS):
        (directory / name).unlink(missing_ok=True)
