"""Single runs compared image by image."""

import numpy as np
import pytest
from report_records import Store
from scipy.stats import binom

from gengap.report.cells import read_records
from gengap.report.questions.parts import FIRST_UPDATES, answered
from gengap.report.same_images import compare_on_images, table
from gengap.runs.bits import pack


def wrong(*images: int) -> dict[str, object]:
    flags = np.zeros(10_000, dtype=bool)
    flags[list(images)] = True
    return {"misclassified": pack(flags)}


def test_pairs_with_a_single_seed_are_compared_image_by_image(store: Store) -> None:
    store.add("mnist_sb", 0, **wrong(1, 2, 3))
    store.add("mnist_sb", 1, **wrong(9))
    store.add("mnist_lb", 1, **wrong(1, 2, 3, 4, 5, 6, 7, 8, 9))
    found = compare_on_images(read_records(store.root))
    (line,) = table(read_records(store.root)).rows
    p = 2 * binom.cdf(0, 8, 0.5)
    assert line == ("F1, MNIST", "SB − LB", "1", "+0.08", "0", "8", "1", f"{p:.4f}", f"{p:.4f}")
    assert found[0].p == pytest.approx(p)


def test_cells_with_seeds_enough_are_not(store: Store) -> None:
    for seed in (0, 1):
        store.add("mnist_sb", seed, **wrong(1))
        store.add("mnist_lb", seed, **wrong(2))
    assert compare_on_images(read_records(store.root)) == []


def test_records_without_the_images_are_left_out(store: Store) -> None:
    store.add("mnist_sb", 0, **wrong(1))
    store.add("mnist_lb", 0)
    assert compare_on_images(read_records(store.root)) == []


def test_other_data_are_not_compared(store: Store) -> None:
    data = {"train": 60000, "validation": 10000, "fingerprint": {"train": "a", "validation": "b"}}
    store.add("mnist_sb", 0, **wrong(1), data=data)
    store.add("mnist_lb", 0, **wrong(2), data=data | {"fingerprint": {"train": "a", "validation": "c"}})
    assert compare_on_images(read_records(store.root)) == []


def test_runs_that_agree_on_every_image_do_not_differ(store: Store) -> None:
    for method in ("sb", "lb"):
        store.add(f"mnist_{method}", 0, **wrong(1, 2))
    (found,) = compare_on_images(read_records(store.root))
    assert (found.p, found.points, found.both) == (1.0, 0.0, 2)


def test_a_single_run_with_another_setting_is_compared_with_its_cell(store: Store) -> None:
    store.add("cifar10_lb_lr", 0, **wrong(1, 2, 3, 4, 5))
    store.add("cifar10_lb_lr", 1, **wrong(7))
    store.add_with("method.warmup_epochs=2", "cifar10_lb_lr", 0, **wrong(1, 9))
    records = read_records(store.root)
    lines = answered(records)[FIRST_UPDATES]
    (line,) = table(records, lines).rows
    p = 2 * binom.cdf(1, 5, 0.5)
    name = "+LR method.warmup_epochs=2 − +LR"
    assert line == ("Resnet44, CIFAR-10", name, "0", "+0.03", "1", "4", "1", f"{p:.4f}", f"{p:.4f}")


def test_settings_with_seeds_enough_are_not(store: Store) -> None:
    for seed in (0, 1):
        store.add("cifar10_lb_lr", seed, **wrong(1))
        store.add_with("method.warmup_epochs=2", "cifar10_lb_lr", seed, **wrong(2))
    records = read_records(store.root)
    assert compare_on_images(records, answered(records)[FIRST_UPDATES]) == []
