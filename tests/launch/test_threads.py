"""The number of CPU threads of a run, and the advice to use one where it is faster."""

import json

import pytest
import torch

from gengap.config.identity import run_directory
from gengap.config.schema import Runtime
from gengap.launch import execute as execute_module
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.launch.threads import thread_advice, threads_of
from tests.trainers import trainer_of

SHORT = ("workload.epochs=4", "workload.milestones=[3]")


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("typed", "record", "expected"),
    [
        (None, {}, None),
        (None, {"hardware": {"device": "cpu", "threads": 3}}, 3),
        (None, {"hardware": {"device": "cuda", "threads": 16}}, None),
        (2, {"hardware": {"device": "cpu", "threads": 3}}, 2),
    ],
)
def test_resumed_run_keeps_its_threads_unless_overridden(typed, record, expected):
    assert threads_of(Runtime(threads=typed), record) == expected
    with_default = expected or 1  # as for the processes of a launcher
    assert threads_of(Runtime(threads=typed), record, default=1) == with_default


def test_run_resumes_with_the_threads_in_its_record(digits):
    config = digits("lb", *SHORT, "runtime.threads=2", "runtime.time_budget=1e-9")
    assert execute(config) == Outcome.STOPPED
    config.runtime.threads, config.runtime.time_budget = None, None
    torch.set_num_threads(1)
    assert execute(config) == Outcome.FINISHED
    record = json.loads((run_directory(config) / "run.json").read_text())
    assert (record["hardware"]["threads"], record["earlier"]) == (2, [])
    torch.set_num_threads(1)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_resume_with_another_number_of_threads_is_announced(threads, digits, caplog):
    config = digits("lb", *SHORT, "runtime.threads=1", "runtime.time_budget=1e-9")
    assert execute(config) == Outcome.STOPPED
    config.runtime.threads, config.runtime.time_budget = threads, None
    assert execute(config) == Outcome.FINISHED
    told = [line for line in caplog.messages if "resumes with runtime.threads=2 instead of 1: valid" in line]
    assert len(told) == threads - 1
    torch.set_num_threads(1)


def test_threads_of_one_run_do_not_carry_over_to_the_next(digits):
    execute(digits("lb", *SHORT, "runtime.threads=2"))
    config = digits("lb", *SHORT, "seed=1", "runtime.threads=null")
    execute(config)
    assert json.loads((run_directory(config) / "run.json").read_text())["hardware"]["threads"] == 1


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("with_two", "with_one", "advised"), [(100, 300, True), (100, 109, False), (300, 100, False)]
)
def test_advice_is_given_where_one_thread_is_faster(with_two, with_one, advised, digits):
    trainer = trainer_of(digits("lb", "workload.epochs=1000"))
    line = thread_advice(trainer, lambda _: with_one if torch.get_num_threads() == 1 else with_two)
    assert torch.get_num_threads() == 2
    assert (line is not None) == advised
    if line:
        assert line.startswith("1 thread trains about 300 images/s here, and 2 threads only 100 ")
        assert line.endswith("add runtime.threads=1")


@pytest.mark.usefixtures("two_threads")
def test_short_run_gets_no_advice(digits):
    trainer = trainer_of(digits("lb"))
    assert thread_advice(trainer, lambda _: 1e9 / torch.get_num_threads()) is None


def test_run_with_one_thread_is_not_measured(digits):
    assert thread_advice(trainer_of(digits("lb")), lambda _: pytest.fail("measured")) is None


def test_no_advice_if_threads_are_set(digits, monkeypatch):
    monkeypatch.setattr(execute_module, "thread_advice", lambda _: pytest.fail("measured"))
    assert execute(digits("lb", *SHORT, "runtime.threads=2")) == Outcome.FINISHED
    torch.set_num_threads(1)
