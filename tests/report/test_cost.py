"""What a run that has not been made would take."""

import pytest

from gengap.duration import in_words
from gengap.report.cells import read_records
from gengap.report.findings.cost import cost, costs

SAMPLES, UPDATES, LARGE = 256_000, 2_000, 4_096  # of the store's runs
AMD = {"device": "cpu", "name": "AMD EPYC", "threads": 2}
H200 = {"device": "cuda", "name": "NVIDIA H200", "threads": 16}


@pytest.mark.parametrize(
    ("method", "seconds"),
    [("lb_gbn", 100), ("lb_ra", 100 * UPDATES * LARGE / SAMPLES), ("sb", 400)],
    ids=["as many samples as LB", "as many updates as SB", "SB's own rate"],
)
def test_samples_at_the_rate_of_the_same_batch_size(method, seconds, store):
    store.add("mnist_sb", wall_seconds=400.0, hardware=AMD)
    store.add("mnist_lb", wall_seconds=100.0, hardware=AMD)
    store.add("mnist_lb", seed=1, wall_seconds=300.0, hardware=AMD)  # beside something else
    found = cost(read_records(store.root), "mnist_f1", method)
    assert found == f"{in_words(seconds)} on AMD EPYC, 2 threads, in fp32"


def test_the_fastest_device_first_and_another_batch_size_where_there_is_no_other(store):
    store.add("mnist_lb", wall_seconds=500.0, hardware=AMD)
    store.add("mnist_lb", seed=1, wall_seconds=50.0, hardware=H200)
    found = cost(read_records(store.root), "mnist_f1", "sb")
    on_gpu, on_cpu = f"{in_words(50)} on NVIDIA H200", f"{in_words(500)} on AMD EPYC, 2 threads"
    assert found == f"{on_gpu}, in fp32 or {on_cpu}, in fp32"


def test_nothing_is_known_without_runs_or_without_the_updates_of_sb(store):
    store.add("mnist_lb", hardware=AMD)
    records = read_records(store.root)
    assert cost(records, "mnist_f1", "lb_ra") == ""
    assert cost(records, "cifar10_vgg", "sb") == ""
    assert "gengap status --estimate" in costs(records, "cifar10_vgg", ["sb"])
    assert costs(records, "mnist_f1", ["lb_lr", "lb_ra"]).startswith("a run of +LR: about ")


def test_runs_with_other_settings_say_nothing_about_the_cells(store):
    store.add("mnist_lb", wall_seconds=100.0, hardware=AMD)
    expected = cost(read_records(store.root), "mnist_f1", "lb_gbn")
    store.add_with("workload.epochs=5", "mnist_lb", wall_seconds=1.0, hardware=AMD)
    store.add_with("method.regime_factor=32", "mnist_sb", wall_seconds=9.0, hardware=AMD)
    assert cost(read_records(store.root), "mnist_f1", "lb_gbn") == expected
