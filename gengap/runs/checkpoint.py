"""Checkpoints, written atomically; the last two are kept."""

import io
import logging
from pathlib import Path
from typing import Any, cast

import torch

from gengap.errors import UserError
from gengap.runs.record import NEWEST, PREVIOUS
from gengap.runs.store import write_atomically

log = logging.getLogger(__name__)


def save_checkpoint(directory: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values); at any time a complete checkpoint is on disk."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    if (directory / NEWEST).exists():
        (directory / NEWEST).replace(directory / PREVIOUS)
    write_atomically(directory / NEWEST, buffer.getvalue())


def load_checkpoint(directory: Path) -> dict[str, Any] | None:
    """The newest readable checkpoint, with tensors on the CPU, or None; logs a warning for damaged ones."""
    paths = [p for p in (directory / NEWEST, directory / PREVIOUS) if p.exists()]
    for number, path in enumerate(paths, 1):
        try:
            return cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # the unpickler may raise anything
            instead = "trying the previous one" if number < len(paths) else "starting from scratch"
            log.warning("%s is damaged (%s): %s", path, type(error).__name__, instead)
    return None


def mismatch(directory: Path, error: Exception) -> UserError:
    """The error for a readable checkpoint of another network or another version of gengap."""
    reason = str(error).splitlines()[0]
    return UserError(
        f"{directory / NEWEST} does not match this network ({type(error).__name__}: {reason}): "
        "delete it to restart from scratch"
    )


def remove_checkpoints(directory: Path) -> None:
    """Delete the checkpoints of a finished run."""
    for name in (NEWEST, PREVIOUS):
        (directory / name).unlink(missing_ok=True)
