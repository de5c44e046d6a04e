"""A checkpoint whose seal is whole but whose values are not: one line, and nothing is trained from them."""

import logging
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from gengap.config.identity import run_directory
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.runs.checkpoint import save_checkpoint
from gengap.runs.record import NEWEST, PREVIOUS

pytestmark = pytest.mark.slow

SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from([[], {}, (), [[]], {"row": 1}, (1, [0.0] * 4), (-1, [0.0] * 4), 10**30, b"x"]),
)
TENSORS = st.builds(
    lambda shape, dtype: torch.zeros(shape, dtype=dtype),
    st.sampled_from([(), (1,), (4,), (7, 2)]),
    st.sampled_from([torch.float32, torch.int64, torch.bool, torch.complex64, torch.bfloat16]),
)


def places(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every entry in a tree of objects."""
    for key, inner in value.items():
        yield (*above, key)
        if isinstance(inner, dict):
            yield from places(inner, (*above, key))


@pytest.fixture
def saved(digits: Any) -> tuple[Any, dict[str, Any]]:
    """A run that was saved after its second update, and what its checkpoint holds."""
    config = digits("lb_gbn", "workload.epochs=6", "runtime.threads=1", "runtime.time_budget=1e-9")
    for _ in range(2):
        assert execute(config) == Outcome.STOPPED
    return config, torch.load(run_directory(config) / NEWEST, weights_only=True)


def restored_from(config: Any, state: dict[str, Any], caplog: Any) -> Outcome:
    """The outcome of going on from this state, after checking that a failure is one line."""
    directory = run_directory(config)
    for name in (NEWEST, PREVIOUS):
        (directory / name).unlink(missing_ok=True)
    save_checkpoint(directory, state)
    caplog.clear()
    outcome = execute(config)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == (outcome in (Outcome.FAILED, Outcome.REFUSED))
    assert all("\n" not in line and str(directory) in line for line in errors), errors
    return outcome


@SETTINGS
@given(data=st.data())
def test_any_value_of_any_key(data: st.DataObject, saved: Any, caplog: pytest.LogCaptureFixture) -> None:
    config, whole = saved
    directory = run_directory(config)
    kept = {path.name: path.read_bytes() for path in directory.iterdir()}
    state = deepcopy(whole)
    *above, key = data.draw(st.sampled_from(sorted(places(state))))
    inner = state
    for name in above:
        inner = inner[name]
    before = inner[key]
    if data.draw(st.booleans()):
        inner[key] = data.draw(st.one_of(PLAIN, TENSORS))
    else:
        del inner[key]
    try:
        outcome = restored_from(config, state, caplog)
        if outcome == Outcome.STOPPED and isinstance(before, Tensor):
            assert torch.can_cast(inner[key].dtype, before.dtype)
            assert inner[key].shape == before.shape
    finally:
        for name, content in kept.items():
            (directory / name).write_bytes(content)


WRONG: dict[str, Any] = {
    "metrics_bytes": "x",
    "metrics_sha256": 5,
    "done": "x",
    "seconds": None,
    "marks": [],
    "run": 3,
    "data": "x",
    "weights": torch.zeros(1),  # which would be copied to all
    "totals": torch.ones(4, dtype=torch.complex64),
    "buffers": None,
}


@pytest.mark.parametrize("key", WRONG)
def test_a_value_of_the_wrong_type_is_a_damaged_checkpoint(
    key: str, saved: Any, caplog: pytest.LogCaptureFixture
) -> None:
    config, whole = saved
    assert restored_from(config, whole | {key: WRONG[key]}, caplog) == Outcome.FAILED
    assert any(word in caplog.text for word in ("damaged", "does not match"))


@pytest.mark.parametrize("done", [1, 10**6])
def test_an_update_that_the_run_does_not_have_is_refused(
    done: int, saved: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Past the last update, the run would be finished at once."""
    config, whole = saved
    assert restored_from(config, whole | {"done": done}, caplog) == Outcome.FAILED
    assert f"it is at update {done} of " in caplog.text
