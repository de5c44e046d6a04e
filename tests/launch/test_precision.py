"""The warning of a run in bf16 where fp32 trains faster, from rates that are given to it."""

import json
import logging

import pytest
import torch

from gengap.config.identity import run_directory
from gengap.launch import precision
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.launch.place import Place
from gengap.launch.precision import both_rates, precision_advice
from gengap.launch.trial import measured_rate
from gengap.runs.record import METRICS, RECORD
from tests.trainers import trainer_of

SHORT = ("workload.epochs=4", "workload.milestones=[3]", "precision=bf16")
WARNING = (
    "precision=bf16 trains about 61 images/s here, and fp32 1,100 (this processor has no bf16 arithmetic): "
    "to train in fp32, stop this run and type precision=fp32 instead"
)


@pytest.fixture
def slow_bf16(monkeypatch):
    """A processor without bf16 arithmetic; returns the trainers that were measured."""
    measured = []
    monkeypatch.setattr(precision, "lacks_bf16", lambda: True)
    monkeypatch.setattr(precision, "both_rates", lambda trainer: measured.append(trainer) or (1100.0, 61.0))
    return measured


@pytest.mark.parametrize(
    ("fp32", "bf16", "lacking", "expected"),
    [
        (1100.0, 61.2, True, WARNING),
        (1100.0, 61.2, False, WARNING.replace(" (this processor has no bf16 arithmetic)", "")),
        (20.0, 1.84, True, WARNING.replace("61 ", "1.8 ").replace("1,100 ", "20 ")),
        (124.0, 100.0, True, None),  # no slower to speak of, whatever the processor lacks
        (60.0, 100.0, False, None),
    ],
)
def test_warns_with_both_rates_where_fp32_is_faster(fp32, bf16, lacking, expected, digits, monkeypatch):
    monkeypatch.setattr(precision, "lacks_bf16", lambda: lacking)
    assert precision_advice(trainer_of(digits("lb", *SHORT)), lambda _: (fp32, bf16)) == expected


def test_fp32_is_not_measured(digits):
    assert precision_advice(trainer_of(digits("lb")), lambda _: pytest.fail("measured")) is None


def test_run_says_so_before_its_first_update_and_trains_the_same(digits, slow_bf16, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "gengap")
    config = digits("lb_gbn", *SHORT, "runtime.threads=1")
    assert execute(config) == Outcome.FINISHED
    messages = [record.getMessage() for record in caplog.records]
    assert "estimated memory per update" in messages[messages.index(WARNING) - 1]
    assert messages.index(WARNING) < len(messages) - 1
    assert slow_bf16[0].flat.weights.isfinite().all()
    log = (run_directory(config) / "run.log").read_text()
    assert WARNING in log

    monkeypatch.setattr(precision, "both_rates", both_rates)  # really measured
    again = digits("lb_gbn", *SHORT, "runtime.threads=1", f"results_dir={config.results_dir}/again")
    assert execute(again) == Outcome.FINISHED
    assert rows(again) == rows(config)


def rows(config):
    lines = (run_directory(config) / METRICS).read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


@pytest.mark.parametrize(("moved", "measured"), [(False, 1), (True, 2)])
def test_run_that_continues_is_measured_again_on_another_machine_only(moved, measured, digits, slow_bf16):
    config = digits("lb", *SHORT, "runtime.time_budget=1e-9")
    assert execute(config) == Outcome.STOPPED
    path = run_directory(config) / RECORD
    if moved:
        record = json.loads(path.read_text())
        record["hardware"]["name"] = "another machine"
        path.write_text(json.dumps(record))
    config.runtime.time_budget = None
    assert execute(config) == Outcome.FINISHED
    assert len(slow_bf16) == measured


def test_sweep_measures_once_per_cell(digits, slow_bf16):
    for seed in (0, 1):
        config = digits("lb", *SHORT, f"seed={seed}")
        assert execute(config, place=Place(seed + 1, 2, opens_cell=seed == 0)) == Outcome.FINISHED
    assert len(slow_bf16) == 1


def test_slow_bf16_is_not_tried_with_fewer_threads(digits, slow_bf16, monkeypatch):
    monkeypatch.setattr("gengap.launch.execute.thread_advice", lambda _: pytest.fail("measured"))
    assert execute(digits("lb", *SHORT, "runtime.threads=null")) == Outcome.FINISHED


@pytest.mark.parametrize("measure", [measured_rate, lambda trainer: min(both_rates(trainer))])
@pytest.mark.parametrize("network", ["f1", "tests.networks:convolutional", "tests.networks:with_dropout"])
def test_measuring_has_no_side_effects(network, measure, digits):
    words = [] if network == "f1" else [f"model.name={network}"]
    trainer = trainer_of(digits("lb_gbn", *words, "precision=bf16"))
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}
    random, gradient = torch.random.get_rng_state(), trainer.flat.gradient.clone()
    assert measure(trainer) > 0
    assert all(torch.equal(v, before[k]) for k, v in trainer.model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert torch.equal(trainer.flat.gradient, gradient)
    assert trainer.model.training


@pytest.mark.parametrize(
    ("fp32", "ghost", "samples"),
    [
        (1e6, "null", 512),  # images/s: all that a trial has
        (1e6, "16", 512),
        (2000.0, "null", 200),  # 0.1 s
        (2000.0, "16", 16),  # at most one ghost, which may have any size
        (10.0, "null", 8),
        (10.0, "4", 4),
    ],
)
def test_slow_networks_are_measured_on_fewer_samples(fp32, ghost, samples, digits, monkeypatch):
    asked = []
    monkeypatch.setattr(precision, "measured_rate", lambda *found: asked.append(found[1:]) or fp32)
    both_rates(trainer_of(digits("lb", f"method.ghost_size={ghost}", "precision=bf16")))
    assert asked[1:] == [(False, samples), (True, samples)]
