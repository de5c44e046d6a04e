"""Measurements of trained runs equal what the runs recorded, and cost what the maximization must take."""

import pytest
import torch

from gengap.config.identity import run_directory
from gengap.landscape.batch_norm import Mode, running
from gengap.landscape.line import alphas, between, line
from gengap.landscape.settings import Curvature, Line, Sharpness, SurfaceSettings
from gengap.landscape.sharpness import sharpness
from gengap.landscape.subject import Subject
from gengap.landscape.surface import nothing
from gengap.runs.record import metric_rows, read_record
from tests.conftest import composed
from tests.landscape.conftest import SHORT

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


@pytest.fixture
def config(short_runs):
    return lambda method: composed([f"+experiment=digits_{method}", *SHORT], short_runs)


def subject(config, settings, between=nothing):
    return Subject(config, settings, CPU, between)


def recorded(config):
    """Validation loss and error and training error of a run, as it evaluated itself."""
    directory = run_directory(config)
    last = metric_rows(directory)[-1]
    return last["val_loss"], last["val_error"], 100 - read_record(directory)["summary"]["train_accuracy"]


@pytest.mark.parametrize("method", ["sb", "lb"])
def test_trained_mode_measures_what_the_run_recorded(method, config):
    measured = subject(config(method), SurfaceSettings())
    surface = measured.surface(measured.trained())
    loss, error, train_error = recorded(config(method))
    assert surface.measure(measured.validation) == pytest.approx((loss, error), rel=1e-5)
    assert surface.measure()[1] == pytest.approx(train_error, abs=1e-4)


@pytest.mark.parametrize("mode", ["trained", "interpolated"])
@pytest.mark.parametrize("path", ["linear", "curved"])
def test_ends_of_a_line_are_what_the_runs_recorded(path, mode, config):
    settings = Line(batch_norm=mode, path=path, points=4)
    found = list(line(subject(config("lb"), settings), settings, config("sb"), 0))
    assert [row["alpha"] for row in found] == alphas(settings)
    for method, alpha in (("sb", 0), ("lb", 1)):
        (row,) = [row for row in found if row["alpha"] == alpha]
        expected = recorded(config(method))
        assert (row["val_loss"], row["val_error"]) == pytest.approx(expected[:2], rel=1e-5)
        assert row["train_error"] == pytest.approx(expected[2], abs=1e-4)
        assert (row["batch_norm"], row["path"]) == (mode, path)
    assert list(line(subject(config("lb"), settings), settings, config("sb"), 2)) == found[2:]


def test_points_of_a_line():
    linear = alphas(Line())
    assert (len(linear), linear[0], linear[-1]) == (31, -1, 2)
    assert {0.0, 1.0, 0.5} <= set(linear)
    assert {0.0, 1.0} <= set(alphas(Line(points=8)))
    curved = alphas(Line(path="curved"))
    assert (len(curved), curved[0], curved[-1]) == (31, 0, 1)
    start, end = torch.randn(2, 50, dtype=torch.float64)
    for path in ("linear", "curved"):
        assert torch.equal(between(start, end, 0.0, path), start)
        assert torch.equal(between(start, end, 1.0, path), end)
    torch.testing.assert_close(between(start, end, -1.0, "linear"), 2 * start - end)
    torch.testing.assert_close(between(start, end, 0.5, "curved"), (start + end) / 2**0.5)


def test_a_line_measures_its_other_points_with_the_statistics_of_the_mode(config):
    """At α = 0.25, by moving weights and running statistics in the network itself."""
    measured = subject(config("lb"), Line())
    expected = {}
    for mode, weight in (("trained", 0.0), ("interpolated", 0.25)):
        start, end = measured.trained(config("sb")), measured.trained()
        with torch.no_grad():
            for p, q in zip(start.parameters(), end.parameters(), strict=True):
                p.lerp_(q, 0.25)
            for layer, other in zip(running(start), running(end), strict=True):
                layer.running_mean.lerp_(other.running_mean, weight)
                layer.running_var.lerp_(other.running_var, weight)
        expected[mode] = subject(config("lb"), SurfaceSettings()).surface(start).measure()
    for mode, values in expected.items():
        settings = Line(batch_norm=mode, path="linear", points=13)
        found = {
            row["alpha"]: row for row in line(subject(config("lb"), settings), settings, config("sb"), 0)
        }
        row = found[0.25]
        assert (row["train_loss"], row["train_error"]) == pytest.approx(values, rel=1e-5)


@pytest.mark.parametrize("epsilon", [1e-3, 5e-4])
def test_full_space_sharpness_takes_at_most_ten_evaluations_more_than_its_iterations(epsilon, config):
    images = []
    measured = subject(config("lb"), Sharpness(), images.append)
    surface = measured.surface(measured.trained())
    found = sharpness(surface, epsilon)
    assert found["iterations"] <= 10
    assert found["evaluations"] <= 10 + 1 + found["iterations"]
    assert sum(images) == found["evaluations"] * len(measured.train)


def test_a_sample_is_the_same_for_every_run(config):
    first, second = (subject(config(m), SurfaceSettings(samples=200)).train for m in ("sb", "lb"))
    assert len(first) == 200
    (images, labels), (others, same) = (next(one.evaluation_batches(200)) for one in (first, second))
    assert torch.equal(images, others)
    assert torch.equal(labels, same)


def test_float64_is_measured_in_float64(config):
    losses = {}
    for dtype in ("float32", "float64"):
        measured = subject(config("lb"), Curvature(dtype=dtype))
        surface = measured.surface(measured.trained())
        losses[dtype] = surface.loss()
        assert {p.dtype for p in surface.network.parameters()} == {getattr(torch, dtype)}
    assert losses["float32"] == pytest.approx(losses["float64"], rel=1e-5)
    assert losses["float32"] != losses["float64"]


def test_recomputed_statistics_depend_on_no_batch_size(config):
    losses = []
    for batch in (1437, 100):
        measured = subject(config("lb"), SurfaceSettings(batch_norm=Mode.RECOMPUTED, batch=batch))
        losses.append(sharpness(measured.surface(measured.trained()), 1e-3)["sharpness"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
