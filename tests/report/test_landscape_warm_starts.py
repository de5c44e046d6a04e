"""Warm starts and growing batches in the report: beside LB and SB, drawn, and in the findings."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from landscape_records import add_measured, measured, rows, sharp
from report_records import Store
from scipy.stats import ttest_rel

from gengap.config.conf import CONF
from gengap.report.cells import read_records
from gengap.report.figures.canvas import save
from gengap.report.findings import remedies as claims
from gengap.report.findings.claims import Claim
from gengap.report.landscape import warm_figure, warm_starts
from gengap.report.landscape.other_runs import other_runs
from gengap.report.landscape.section import Landscape

COMMITTED = CONF.parent / "results" / "runs"
LB_RUN, SB_RUN, WARM_RUN = "keskar_f1-lb-67abb26b", "keskar_f1-sb-16d46f58", "keskar_f1-lb-a642a641"
# Accuracy of seed 0 and sharpness by experiment; seeds add a little
ENDS = {
    "lb": (98.0, 20.0), "lb_warm1": (98.02, 18.0), "lb_warm5": (98.3, 6.0), "lb_growing": (98.1, 9.0),
    "sb": (98.4, 0.3),
}  # fmt: skip


def landscape(store: Store) -> Landscape:
    return Landscape(read_records(store.root))


def fill(store: Store, ends: dict[str, tuple[float, float]] = ENDS, seeds: int = 3) -> None:
    for k, (end, (accuracy, value)) in enumerate(ends.items()):
        for seed in range(seeds):
            little = 0.03 * ((seed + k) % 3 == 0)
            store.add(f"keskar_f1_{end}", seed, accuracy + little)
            points = [sharp(value * (1 + little)), sharp(value / 4 * (1 - little), 5e-4)]
            add_measured(store, f"keskar_f1_{end}", seed, "sharpness", points)


def warm_claims(store: Store) -> list[Claim]:
    """On the accuracy after a warm start, and on its minima."""
    return [c for c in claims.claims(landscape(store)) if c.statement.startswith("Warm-started")]


def accuracies(run: str) -> list[float]:
    """Of the first three seeds of a committed run."""
    records = (json.loads((COMMITTED / run / f"seed{k}" / "run.json").read_text()) for k in range(3))
    return [record["summary"]["last_val_accuracy"] for record in records]


def test_committed_warm_starts_stand_between_lb_and_sb(store: Store) -> None:
    for run in (LB_RUN, SB_RUN, WARM_RUN):
        shutil.copytree(COMMITTED / run, store.root / "runs" / run)
    lb, warm, sb = rows(warm_starts.table(landscape(store).started))
    assert [r["epochs at the small batch"] for r in (lb, warm, sb)] == ["0", "1", "all"]
    assert [r["samples per update"] for r in (lb, warm, sb)] == ["6,000", "256 → 6,000", "256"]
    sides = accuracies(WARM_RUN), accuracies(LB_RUN)
    low, high = ttest_rel(*sides).confidence_interval(0.95)
    assert warm["validation %"] == f"{np.mean(sides[0]):.2f} ± {np.std(sides[0], ddof=1):.2f}"
    assert warm["− LB"] == f"{np.mean(sides[0]) - np.mean(sides[1]):+.2f}"
    assert warm["95 %"] == f"{low:+.2f} to {high:+.2f}"


def test_rows_are_by_epochs_with_sharpness_beside_lb(store: Store) -> None:
    fill(store)
    for end in ("lb", "sb"):  # a mode in which no warm start is measured
        add_measured(store, f"keskar_f1_{end}", 0, "sharpness", [sharp(1.0, batch_norm="batch")])
    found = rows(warm_starts.table(landscape(store).started))
    assert [(r["run"], r["epochs at the small batch"]) for r in found] == [
        ("LB", "0"), ("warm start", "1"), ("warm start", "5"), ("growing batch", "2"), ("SB", "all"),
    ]  # fmt: skip
    assert {r["batch norm"] for r in found} == {"trained"}
    assert found[3]["samples per update"] == "256 → 512 → 1,024 → 2,048 → 4,096 → 6,000"
    assert (found[2]["sharpness, ε = 0.001"], found[0]["/ LB, 0.001"]) == ("6.06 ± 0.10 (n=3)", "")
    assert found[2]["/ LB, 0.001"].startswith("0.300 (0.27")
    assert rows(other_runs(measured(store), warm_starts.shown(landscape(store).started))) == []


@pytest.mark.parametrize("other", ["method.proximal=0.01", "method.batch_size=4096", "workload.epochs=3"])
def test_runs_that_differ_in_more_than_earlier_batches_are_elsewhere(store: Store, other: str) -> None:
    store.add("keskar_f1_lb", 0, 98.0)
    store.add_with(other, "keskar_f1_lb_warm1", 0, 98.0)
    assert landscape(store).started == {}


def test_three_points_are_a_figure(store: Store, tmp_path: Path) -> None:
    fill(store, {end: ENDS[end] for end in ("lb", "lb_warm1", "lb_growing", "sb")})
    assert list(warm_figure.figures(landscape(store).started)) == []
    fill(store, {"lb_warm5": ENDS["lb_warm5"]})
    (figure,) = warm_figure.figures(landscape(store).started)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(figure, tmp_path)
    found = rows(figure.data[figure.name])
    drawn = [(r["epochs_at_small_batch"], r["quantity"]) for r in found if "0.0005" not in r["quantity"]]
    quantities = ("validation accuracy", "sharpness, ε = 0.001")
    assert drawn == [(epochs, name) for epochs in ("0", "1", "5", "all") for name in quantities]
    middle = {r["epochs_at_small_batch"]: float(r["middle"]) for r in found if "0.001" in r["quantity"]}
    assert middle["0"] == pytest.approx(20 * 1.03 ** (1 / 3), rel=1e-5)


def test_the_longest_warm_start_decides(store: Store) -> None:
    fill(store)
    (accuracy,), (sharpness,) = (claim.evidence for claim in warm_claims(store))
    assert [accuracy.agrees, sharpness.agrees] == [True, True]
    assert " after 1 epoch, +0.30 points (95 %: " in accuracy.text
    assert (
        "MNIST, 5 epochs: flatter than LB in 2 of 2 comparisons (ratios from 0.300 to 0.300; n = 3"
        in sharpness.text
    )
    verdicts = [claim.verdict for claim in warm_claims(store)]
    assert verdicts == ["holds on Keskar et al.'s F1, MNIST"] * 2


@pytest.mark.parametrize(
    ("ends", "seeds", "verdicts"),
    [
        ({"lb_warm1": (98.5, 2.0), "lb_warm5": (97.5, 90.0)}, 3, ["does not hold", "does not hold"]),
        ({"lb_warm1": (97.5, 90.0), "lb_warm5": (98.5, 90.0)}, 3, ["holds", "does not hold"]),
        ({"lb_warm5": (98.0, 20.0)}, 3, ["open", "open"]),
        ({"lb_warm5": (98.5, 2.0)}, 1, ["open", "open"]),
    ],
)
def test_a_warm_start_may_not_help(
    store: Store, ends: dict[str, tuple[float, float]], seeds: int, verdicts: list[str]
) -> None:
    fill(store, {"lb": ENDS["lb"]} | ends, seeds)
    found = [claim.verdict.removesuffix(" on Keskar et al.'s F1, MNIST") for claim in warm_claims(store)]
    assert found == verdicts
