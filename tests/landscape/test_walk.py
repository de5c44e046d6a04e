"""`gengap landscape walk`: the run repeated bit by bit, and what is recorded on the way."""

import json

import numpy as np
import pytest
import torch

from gengap.cli.landscape import main
from gengap.config.identity import run_directory
from gengap.errors import DONE, MISTAKE, UserError
from gengap.landscape.replay import recorded_distances, replayed, spaced_updates
from gengap.landscape.settings import Walk
from gengap.landscape.subject import Subject
from gengap.landscape.walk import walk
from gengap.launch.execute import execute
from gengap.launch.outcome import Outcome
from gengap.regime import build_regime
from gengap.training.trained import load_trained

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
SHORT = Walk(sizes=(16, 32), draws=3, points=3)


def subject(config, settings=SHORT) -> Subject:
    return Subject(config, settings, CPU, lambda _: None)


@pytest.mark.parametrize("method", ["lb", "lb_gbn"])
def test_the_replay_is_the_run(digits, method):
    config = digits(method, "runtime.keep_weights=true")
    assert execute(config) == Outcome.FINISHED
    one = subject(config)
    updates = build_regime(config, 1437).updates
    recorded = recorded_distances(one)
    for done, trainer in replayed(one, [0, 5, 5, updates]):
        distance = float(torch.linalg.vector_norm((trainer.flat.weights - trainer.initial).double()))
        assert done == 0 or float(f"{distance:.6g}") == recorded[done]
    trained = load_trained(run_directory(config)).network.parameters()
    for own, replay in zip(trained, trainer.flat.parameters, strict=True):
        assert torch.equal(own, replay)


def test_measured_weights_are_those_of_the_run(digits):
    config = digits("lb")
    execute(config)
    found = list(walk(subject(config), SHORT, 0))
    later = [m for m in found if m["update"]]
    assert later
    assert all(float(f"{m['distance']:.6g}") == m["run_distance"] for m in later)
    assert {m["run_distance"] for m in found if not m["update"]} == {None}


def test_a_killed_measurement_continues_where_it_stopped(digits):
    config = digits("lb")
    whole = list(walk(subject(config), SHORT, 0))
    assert [(m["update"], m["batch_size"]) for m in whole][:3] == [(0, 16), (0, 32), (whole[2]["update"], 16)]
    for done in (1, 2, 3, len(whole)):
        assert list(walk(subject(config), SHORT, done)) == whole[done:]


def test_steps_follow_from_the_gradient_and_the_rules(digits):
    for m in walk(subject(digits("lb")), Walk(sizes=(16, 64), draws=4, points=2), 0):
        assert m["lr_none"] == 0.05
        assert m["lr_sqrt"] == pytest.approx(0.05 * np.sqrt(m["batch_size"] / 16))
        for rule in ("none", "sqrt"):
            lr = m[f"lr_{rule}"]
            assert m[f"step_covariance_{rule}"] == pytest.approx(lr**2 * m["covariance"])
            assert m[f"step_std_{rule}"] == pytest.approx(np.sqrt(m[f"step_covariance_{rule}"]))
            assert m[f"step_mean_{rule}"] == pytest.approx(lr * np.sqrt(max(0, m["squared_mean"])))
        assert sum(m["tensor_covariance"]) == pytest.approx(m["covariance"], rel=1e-4)


def test_steps_of_adam_are_left_out_and_its_noise_scale_stays(digits, caplog):
    caplog.set_level("INFO", "gengap")
    adam = digits("lb", "workload.optimizer=adam")
    for m in walk(subject(adam), Walk(sizes=(16, 64), draws=4, points=1), 0):
        assert {name for name, value in m.items() if name.startswith("step_") and value is not None} == set()
        assert m["lr_none"] == 0.05
        assert m["covariance"] > 0
    assert m["noise_scale"] > 0
    assert "ADAM's updates are not" in caplog.text


def test_a_diverged_run_is_not_walked_along(digits, caplog):
    config = digits("lb")
    execute(config)
    file = run_directory(config) / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"status": "diverged"}))
    assert main(["walk", "+experiment=digits_lb", f"results_dir={config.results_dir}"]) == MISTAKE
    assert "diverged, so there is nothing to measure: name another run" in caplog.text


@pytest.mark.parametrize("mode", ["ghost", "batch", "trained"])
def test_the_mode_and_what_is_not_valid_in_it_are_recorded(digits, mode):
    small, large = walk(subject(digits("lb")), Walk(mode, (16, 32), 3, 1), 0)
    assert (small["batch_norm"], large["batch_norm"]) == (mode, mode)
    assert small["ghost_size"] == large["ghost_size"] == (None if mode == "batch" else 16)
    assert small["noise_scale"] is None  # a batch of one ghost
    assert (large["noise_scale"] is None) == (mode == "batch" or large["squared_mean"] <= 0)


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (("digits_lb",), 7),
        (("cifar10_c1_sb",), 120),  # its learning rate rises first
        (("cifar10_sb",), 81),
        (("digits_lb", "workload.lr=[0.1]", "workload.milestones=[]"), 10),
    ],
)
def test_updates_are_recorded_ones_until_the_highest_rate_ends(words, end):
    from gengap.config.compose import compose_config
    from gengap.training.distance import recorded_updates

    name, *others = words
    config = compose_config([f"+experiment={name}", *others])
    samples = 1437 if name.startswith("digits") else 50000
    regime = build_regime(config, samples)
    for points in (1, 2, 8):
        found = spaced_updates(regime, points)
        assert found[0] == 0
        assert len(found) <= points
        assert set(found[1:]) <= set(recorded_updates(regime.updates))
        last = end * samples / config.method.batch_size
        assert points == 1 or 0.8 * last - 1 < found[-1] < last


def test_the_command_makes_a_record_without_a_run(tmp_path, capsys):
    words = ["walk", "+experiment=digits_lb", f"results_dir={tmp_path}", "sizes=16,64", "draws=3", "points=2"]
    assert main(words) == DONE
    (file,) = tmp_path.glob("landscape/*/seed0/walk-*.json")
    record = json.loads(file.read_text())
    assert record["config"]["walk"]["sizes"] == [16, 64]
    first, *others = record["measurements"]
    assert len(first["tensors"]) == len(first["tensor_covariance"])
    assert all("tensors" not in m for m in others)
    assert "tensor_covariance (22 values)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("sizes=2000", "sizes=2000 is more than the 1437 training images"),
        ("sizes=24", "sizes=24 is no multiple of the ghost size: set sizes to multiples of 16"),
    ],
)
def test_a_size_that_does_not_fit_is_one_line(tmp_path, caplog, word, says):
    assert main(["walk", "+experiment=digits_lb", f"results_dir={tmp_path}", word]) == MISTAKE
    assert says in caplog.text


def test_recomputed_statistics_are_refused():
    with pytest.raises(UserError, match="batch_norm=recomputed is unknown"):
        main(["walk", "+experiment=digits_lb", "batch_norm=recomputed"])
