"""Checkpoints, written atomically and checksummed; the last two are kept."""

import io
import logging
from pathlib import Path
from typing import Any

import torch

from gengap.errors import FaultError
from gengap.faults import PASSING, check_is_file, is_of_memory
from gengap.runs.checks import keys, number, text, whole
from gengap.runs.record import NEWEST, PREVIOUS, name_of
from gengap.runs.saved_metrics import DIGEST, LENGTH, changed_since
from gengap.runs.schema import DATA, NETWORK, sentence
from gengap.runs.seal import damage, damage_at_end, sealed
from gengap.runs.store import write_atomically

log = logging.getLogger(__name__)


def _mark(value: Any) -> str:
    """Check a pair of updates done and the four running sums at that point."""
    good = isinstance(value, tuple | list) and len(value) == 2 and type(value[0]) is int
    sums = value[1] if good else None
    good = isinstance(sums, list) and len(sums) == 4 and all(type(one) is float for one in sums)
    return "" if good else " is not a pair of an update and four sums"


_SECONDS = number(0, 1e10)
# Contents of a checkpoint other than tensors; those of older versions lack some of them
PLAIN = keys(
    {},
    {
        "done": whole(),
        "marks": keys({"row": _mark, "evaluation": _mark}),
        "seconds": _SECONDS,
        "measuring": _SECONDS,
        "run": text,
        "data": DATA,
        "network": NETWORK,
        LENGTH: whole(),
        DIGEST: text,
    },
)


class _UnusableError(Exception):
    """A checkpoint can't be resumed from; the text says why."""


def save_checkpoint(directory: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values); at all times, a complete checkpoint is on disk."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = sealed(buffer.getvalue())
    if (directory / NEWEST).exists():
        (directory / NEWEST).replace(directory / PREVIOUS)
    write_atomically(directory / NEWEST, data)


def load_checkpoint(directory: Path) -> dict[str, Any] | None:
    """Load the newest usable checkpoint, with tensors on the CPU; return None if there is no checkpoint.

    A checkpoint is usable if it is intact and metrics.jsonl starts with the rows it was saved with. An
    unusable one is replaced by its predecessor, with a warning.

    Raises:
        FaultError: none is usable, or one belongs to another run or is not a regular file.
        OSError: one can't be read at the moment, which doesn't mean it is damaged.
        MemoryError: likewise.
    """
    paths = [p for p in (directory / NEWEST, directory / PREVIOUS) if check_is_file(p)]
    unusable: list[str] = []
    for path in paths:
        try:
            state = _read(path)
        except _UnusableError as error:
            unusable.append(f"{path.name} can't be used ({error})")
            continue
        if unusable:
            log.warning("%s: %s: continuing from %s", directory, unusable[0], path.name)
            path.replace(directory / NEWEST)  # or else the next save would overwrite it with the unusable one
        return state
    if not paths:
        return None
    both = "both" if len(paths) > 1 else "it"
    raise FaultError(f"{directory}: {', '.join(unusable)}: restore {both}, or delete {both} to start over")


def _read(path: Path) -> dict[str, Any]:
    try:
        if reason := damage_at_end(path):
            raise _UnusableError(f"damaged: {reason}")
        data = path.read_bytes()
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise _UnusableError(error.strerror) from error
    if reason := damage(data):
        raise _UnusableError(f"damaged: {reason}")
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler may raise anything
        if is_of_memory(error):
            raise
        raise _UnusableError(f"damaged: {type(error).__name__}") from error
    if wrong := PLAIN(state):
        raise _UnusableError(f"damaged: {sentence(wrong)}")
    _check_run(path, state)
    if reason := changed_since(path.parent, state):
        raise _UnusableError(reason)
    return state


def _check_run(path: Path, state: dict[str, Any]) -> None:
    """Reject a checkpoint of another run; old ones that don't store the run's name are trusted."""
    name, saved = name_of(path.parent), state.get("run")
    if saved not in (None, name):
        raise FaultError(
            f"{path} is of another run, {saved}, and this one is {name}: "
            f"put it back, and delete {NEWEST} and {PREVIOUS} here to start over"
        )


def mismatch(directory: Path, error: Exception) -> FaultError:
    """Create the error for a readable checkpoint of another network or another version of gengap."""
    reason = str(error).splitlines()[0]
    return FaultError(
        f"{directory / NEWEST} does not match this network ({type(error).__name__}: {reason}): "
        f"delete it, and {PREVIOUS} if there is one, to start over"
    )
