from math import log, sin
from pathlib import Path

import pytest
from landscape_records import LB, RA, SB, add_measured, sharp
from report_records import Store, walk


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture
def mixed(store: Store) -> Store:
    """Every kind of run: finished, one seed only, missing, diverged, running, failed, and a variant."""
    for seed, accuracy in enumerate([98.20, 98.30, 98.43]):
        # sin: no law fits exactly, so that no printed error is rounding noise
        rows = walk(2000, lambda t, s=seed: 1 + (0.5 + s / 100) * log(t) + 0.01 * sin(t), clipped_until=10)
        store.add("mnist_sb", seed, accuracy, rows=rows)
    store.add("mnist_lb", 0, 97.00)
    store.add("mnist_lb_lr", 0, 97.50)
    store.add("mnist_lb_lr", 1, 97.70)
    store.add("mnist_lb_lr", 2, status="diverged")
    store.add("mnist_lb_gbn", 0, status="diverged")
    store.add("mnist_lb_gbn", 1, status="diverged")
    store.add("mnist_sb", 0, 50.0, run="mnist_f1-sb-0badcafe")
    store.add("mnist_sb", 1, status="running", run="mnist_f1-sb-0badcafe")
    store.add("digits_sb", 0, 96.5, hardware={"device": "cuda", "name": "NVIDIA H200", "threads": 16})
    store.add("digits_lb", 0, status="failed")
    return store


@pytest.fixture
def digits(store: Store) -> Store:
    """SB, LB and RA with three seeds, of which LB is about ten times sharper and less accurate."""
    accuracies = {"sb": (97.0, 97.1, 97.2), "lb": (90.0, 90.2, 90.1), "lb_ra": (98.2, 98.0, 98.1)}
    for (method, of_seeds), values in zip(accuracies.items(), (SB, LB, RA), strict=True):
        for seed, (value, accuracy) in enumerate(zip(values, of_seeds, strict=True)):
            store.add(f"digits_{method}", seed, accuracy)
            add_measured(store, f"digits_{method}", seed, "sharpness", [sharp(value), sharp(value / 4, 5e-4)])
    return store
