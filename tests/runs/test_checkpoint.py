"""A checkpoint or metrics that changed in any way are never continued from."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gengap.errors import UserError
from gengap.runs.checkpoint import load_checkpoint, save_checkpoint
from gengap.runs.record import METRICS, NEWEST, PREVIOUS, name_of
from gengap.runs.seal import damage, sealed
from gengap.runs.store import Run
from tests.records import row

SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def archive() -> bytes:
    buffer = io.BytesIO()
    torch.save({"weights": torch.arange(40.0), "done": 3}, buffer)
    return buffer.getvalue()


def altered(data: bytes) -> Iterator[bytes]:
    """Every version of the data with one flipped bit, a shorter one of every length, and some longer ones."""
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)
    yield from (data[:length] for length in range(len(data)))
    yield from (data + more for more in (b"\0", b"\n", data))


def test_no_change_of_a_checkpoint_passes() -> None:
    data = sealed(archive())
    assert damage(data) == ""
    assert all(damage(changed) for changed in altered(data))


def test_a_sealed_checkpoint_is_still_a_file_of_torch() -> None:
    assert torch.load(io.BytesIO(sealed(archive())), weights_only=True)["done"] == 3


def test_checkpoints_from_before_checksums_pass_and_their_tensors_are_checked() -> None:
    data = archive()
    assert damage(data) == ""
    start = data.index(torch.arange(40.0).numpy().tobytes())
    changes = list(altered(data))
    assert all(damage(changed) for changed in changes[8 * start : 8 * (start + 160)])
    assert all(damage(changed) for changed in changes[8 * len(data) : 9 * len(data)])  # cut off


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A run with two checkpoints, saved after its second and third row, and a fourth row since."""
    found = tmp_path / "digits_f1-sb-0badcafe" / "seed0"
    with Run(found) as run:
        for update in (1, 2, 3, 4):
            run.append_metrics(row(update))
            if update in (2, 3):
                state = {"done": update, "weights": torch.full((40,), float(update)), "run": name_of(found)}
                save_checkpoint(found, state | run.sync_metrics())
    return found


@SETTINGS
@given(data=st.data())
def test_what_is_loaded_was_saved_and_fits_the_metrics(directory: Path, data: st.DataObject) -> None:
    """Whatever happens to the three files: an older checkpoint, or one line, and no other state."""
    names = (NEWEST, PREVIOUS, METRICS)
    whole = {name: (directory / name).read_bytes() for name in names}
    changed = {name: data.draw(change(whole[name]), label=name) for name in names}
    for name in names:
        (directory / name).write_bytes(changed[name])
    logging.disable()
    try:
        with suppress(UserError):
            check(load_checkpoint(directory), changed[METRICS])
    finally:
        logging.disable(logging.NOTSET)
        for name in names:
            (directory / name).write_bytes(whole[name])


def check(state: dict[str, Any] | None, metrics: bytes) -> None:
    assert state is not None
    assert torch.equal(state["weights"], torch.full((40,), float(state["done"])))
    rows = "".join(json.dumps(row(u)) + "\n" for u in range(1, state["done"] + 1)).encode()
    assert metrics.startswith(rows)
    assert state["metrics_bytes"] == len(rows)


@st.composite
def change(draw: st.DrawFn, data: bytes) -> bytes:
    """The data, or with a flipped bit, cut off, or longer."""
    kind = draw(st.sampled_from(("none", "flip", "cut", "append")))
    place = draw(st.integers(0, len(data) - 1))
    if kind == "flip":
        return data[:place] + bytes([data[place] ^ 1 << draw(st.integers(0, 7))]) + data[place + 1 :]
    if kind == "cut":
        return data[:place]
    return data + draw(st.binary(min_size=1, max_size=99)) if kind == "append" else data


def test_falling_back_leaves_a_good_checkpoint_at_any_time(directory: Path) -> None:
    """The next save moves the newest one to the place of the one before."""
    (directory / NEWEST).write_bytes(b"damaged")
    assert load_checkpoint(directory)["done"] == 2
    (directory / NEWEST).replace(directory / PREVIOUS)  # killed in the middle of that save
    assert load_checkpoint(directory)["done"] == 2


def hole(path: Path, start: bytes, end: bytes, size: int = 3 * 2**30) -> None:
    """A file of this size that takes no place on the disk, with content at both ends."""
    with path.open("wb") as file:
        file.write(start)
        file.seek(size - len(end))
        file.write(end)
        file.truncate(size)


@pytest.mark.parametrize("kept", ["nothing", "start", "end", "both"])
def test_the_end_of_a_huge_file_is_looked_at_before_it_is_read(
    kept: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (directory / NEWEST).read_bytes()
    hole(
        directory / NEWEST,
        whole[:500] if kept in ("start", "both") else b"",
        whole if kept in ("end", "both") else b"",
    )
    read = Path.read_bytes

    def read_small(path: Path) -> bytes:
        assert path.stat().st_size < 2**20
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_small)
    found = load_checkpoint(directory)
    assert found is not None
    assert found["done"] == 2


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")], ids=str
)
def test_memory_that_is_refused_is_no_damage(
    error: Exception, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Falling back would throw away the newest one, which is whole."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    before = {name: (directory / name).read_bytes() for name in (NEWEST, PREVIOUS)}
    monkeypatch.setattr(torch, "load", refuse)
    with pytest.raises(type(error)):
        load_checkpoint(directory)
    assert {name: (directory / name).read_bytes() for name in before} == before
