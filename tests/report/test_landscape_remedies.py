"""Keskar et al.'s remedies in the report: beside LB and SB, and in the findings."""

from math import exp

import numpy as np
import pytest
from landscape_records import adaptive, add_measured, evaluation, measured, rows, sharp
from report_records import Store
from scipy.stats import ttest_rel

from gengap.report.cells import read_records
from gengap.report.findings import remedies as claims
from gengap.report.findings.claims import Claim
from gengap.report.landscape import remedies
from gengap.report.landscape.other_runs import other_runs
from gengap.report.landscape.section import Landscape
from gengap.report.markup import Table
from gengap.report.section import Section, markdown_section

SB, LB, CONSERVATIVE = (98.30, 98.42, 98.37), (98.00, 98.10, 98.04), (98.20, 98.28, 98.29)
OF_SB, OF_LB, OF_CONSERVATIVE = (0.2, 0.3, 0.25), (20.0, 33.0, 26.0), (12.0, 15.0, 20.0)


def landscape(store: Store) -> Landscape:
    return Landscape(read_records(store.root))


def find(table: Table, run: str, mode: str = "") -> dict[str, str]:
    """The row of a run, and where it has several of a mode of batch norm."""
    (found,) = (r for r in rows(table) if r["run"] == run and (not mode or r["batch norm"] == mode))
    return found


def of_remedies(store: Store) -> list[Claim]:
    """Two claims on each: on its accuracy and on its minima."""
    return [c for c in claims.claims(landscape(store)) if "Appendix E" in c.source]


@pytest.fixture
def keskar(store: Store) -> Store:
    """SB, LB, and LB with conservative training, which is measured in one mode of batch norm."""
    for end, accuracies, values in (
        ("sb", SB, OF_SB),
        ("lb", LB, OF_LB),
        ("lb_conservative", CONSERVATIVE, OF_CONSERVATIVE),
    ):
        for seed, (accuracy, value) in enumerate(zip(accuracies, values, strict=True)):
            store.add(f"keskar_f1_{end}", seed, accuracy)
            points = [sharp(value), sharp(value / 4, 5e-4)]
            add_measured(store, f"keskar_f1_{end}", seed, "sharpness", points)
            if "_" not in end:
                other = [sharp(value, batch_norm="batch")]
                add_measured(store, f"keskar_f1_{end}", seed, "sharpness", other)
    return store


def test_accuracies_are_compared_with_lb_by_seed(keskar: Store) -> None:
    keskar.add("keskar_f1_lb_conservative", 7, 98.0)  # a seed that LB does not have
    found = remedies.accuracies(landscape(keskar).remedied)
    assert [r["run"] for r in rows(found)] == ["SB", "LB", "LB, conservative training"]
    row = find(found, "LB, conservative training")
    low, high = ttest_rel(CONSERVATIVE, LB).confidence_interval(0.95)
    assert row["− LB"] == f"{np.mean(CONSERVATIVE) - np.mean(LB):+.2f}"
    assert row["95 %"] == f"{low:+.2f} to {high:+.2f}"
    assert (row["n"], row["published %"], row["published − LB"]) == ("4", "98.12 ± 0.01", "+0.31")
    assert find(found, "SB")["− LB"] == f"{np.mean(SB) - np.mean(LB):+.2f}"
    assert find(found, "LB")["− LB"] == ""


def test_accuracies_with_exact_statistics_decide_on_their_own(keskar: Store) -> None:
    exact = {"lb": (97.95, 98.11, 98.02), "lb_conservative": (97.0, 97.3, 97.2)}
    for end, values in exact.items():
        for seed, value in enumerate(values):
            of_run = (LB if end == "lb" else CONSERVATIVE)[seed]
            point = evaluation("recomputed", 100 - value, of_run)
            add_measured(keskar, f"keskar_f1_{end}", seed, "accuracy", [point])
    found = remedies.accuracies(landscape(keskar).remedied)
    row = find(found, "LB, conservative training")
    ours, lb = exact["lb_conservative"], exact["lb"]
    low, high = ttest_rel(ours, lb).confidence_interval(0.95)
    assert row["exact statistics %"] == f"{np.mean(ours):.2f} ± {np.std(ours, ddof=1):.2f}"
    assert row["− LB, exact"] == f"{np.mean(ours) - np.mean(lb):+.2f}"
    assert row["95 %, exact"] == f"{low:+.2f} to {high:+.2f}"
    assert (row["n, exact"], find(found, "SB")["n, exact"]) == ("3", "0")
    (line,) = of_remedies(keskar)[2].evidence
    assert "conservative training: accuracy − LB is +0.21 points (95 %: " in line.text
    assert (
        f"; with exact statistics in both, -0.86 points (95 %: {low:+.2f} to {high:+.2f}; n = 3)" in line.text
    )
    assert line.agrees is False  # as the exact statistics say


def test_sharpness_is_compared_with_lb_and_sb_where_a_remedy_is_measured(keskar: Store) -> None:
    found = remedies.sharpness(landscape(keskar).remedied)
    assert [(r["batch norm"], r["run"]) for r in rows(found)] == [
        (mode, run) for mode in ("published", "trained") for run in ("SB", "LB", "LB, conservative training")
    ]
    row = find(found, "LB, conservative training", "trained")
    logs = [np.log(values) for values in (OF_CONSERVATIVE, OF_LB)]
    low, high = ttest_rel(*logs).confidence_interval(0.95)
    value = exp(logs[0].mean() - logs[1].mean())
    assert row["ε = 0.001"] == "15.7 ± 4.0 (n=3)"
    assert row["/ LB, 0.001"] == f"{value:.3g} ({exp(low):.3g} to {exp(high):.3g}; n=3)"
    assert row["/ SB, 0.0005"].startswith(f"{exp(logs[0].mean() - np.log(OF_SB).mean()):.3g} (")
    assert find(found, "LB, conservative training", "published")["/ LB, 0.001"] == "1.13"


def test_other_remedies_have_rows_without_published_values(keskar: Store) -> None:
    keskar.add("keskar_f1_lb_adversarial", 0, 98.5)
    add_measured(keskar, "keskar_f1_lb_adversarial", 0, "sharpness", [sharp(5.0)])
    of_rows = landscape(keskar).remedied
    row = find(remedies.accuracies(of_rows), "LB, adversarial training")
    assert (row["published %"], row["ours %"], row["n"], row["95 %"]) == ("–", "98.50", "1", "")
    row = find(remedies.sharpness(of_rows), "LB, adversarial training", "trained")
    assert row["/ LB, 0.001"] == "0.250 (n=1)"
    assert row["ε = 0.0005"] == ""


def test_a_remedy_is_trained_but_not_measured(store: Store) -> None:
    store.add("keskar_c1_lb", 0, 77.0)
    store.add("keskar_c1_lb_augmented", 0, 82.0)
    found = landscape(store)
    row = find(remedies.accuracies(found.remedied), "LB, data augmentation")
    assert (row["published %"], row["ours %"], row["− LB"]) == ("82.50 ± 0.67", "82.00", "+5.00")
    text = markdown_section(Section("Report", found.experiments))
    assert "| Keskar et al.'s C1, CIFAR-10 | LB, data augmentation |" in text


def test_what_the_table_shows_is_not_repeated_among_other_runs(keskar: Store) -> None:
    add_measured(keskar, "keskar_f1_lb_conservative", 0, "adaptive", [adaptive(0.5)])
    elsewhere = remedies.shown(landscape(keskar).remedied)
    found = rows(other_runs(measured(keskar), elsewhere))
    assert [r["measure"] for r in found] == ["adaptive sharpness, ρ = 0.01"]


def test_the_claim_names_each_remedy(keskar: Store) -> None:
    for seed, accuracy in enumerate((98.0, 97.9, 98.3)):
        keskar.add("keskar_f1_lb_adversarial", seed, accuracy)
    claims = {claim.statement: claim for claim in of_remedies(keskar)}
    (accuracy,) = claims["Conservative training helps the large batch to generalize."].evidence
    (sharpness,) = claims["With conservative training, large-batch minima stay sharp."].evidence
    (other,) = claims["Adversarial training helps the large batch to generalize."].evidence
    assert accuracy.text.startswith(
        "Keskar et al.'s F1, MNIST, conservative training: accuracy − LB is +0.21 points (95 %: "
    )
    assert "; SB − LB, of the same seeds, is +0.32 points (95 %: " in accuracy.text
    assert (
        "conservative training: sharper than SB in 2 of 2 comparisons (ratios from 62.1 to " in sharpness.text
    )
    assert "adversarial training: accuracy − LB is " in other.text
    assert [e.agrees for e in (accuracy, sharpness, other)] == [True, True, None]
    holds = "holds on Keskar et al.'s F1, MNIST"
    assert [c.verdict for c in claims.values()] == [*["not tested"] * 2, holds, holds, "open", "not tested"]


@pytest.mark.parametrize(
    ("shift", "factor", "verdicts"),
    [
        (-0.5, 1.0, ["does not hold", "holds"]),
        (-0.5, 1e-3, ["does not hold", "does not hold"]),
        (-0.2, 1e-2, ["open", "open"]),
    ],
)
def test_the_claims_may_not_hold(store: Store, shift: float, factor: float, verdicts: list[str]) -> None:
    for end, accuracies, values in (("sb", SB, OF_SB), ("lb", LB, OF_LB)):
        for seed in range(3):
            store.add(f"keskar_f1_{end}", seed, accuracies[seed])
            add_measured(store, f"keskar_f1_{end}", seed, "sharpness", [sharp(values[seed])])
    for seed in range(3):
        store.add("keskar_f1_lb_conservative", seed, CONSERVATIVE[seed] + shift)
        value = factor * OF_CONSERVATIVE[seed]
        add_measured(store, "keskar_f1_lb_conservative", seed, "sharpness", [sharp(value)])
    found = [claim.verdict for claim in of_remedies(store) if claim.evidence]
    assert [verdict.removesuffix(" on Keskar et al.'s F1, MNIST") for verdict in found] == verdicts


def test_a_remedy_of_ones_own_stands_beside_the_cells_it_differs_from(digits: Store) -> None:
    for seed, accuracy in enumerate((92.0, 92.1, 92.3)):
        digits.add_with("method.proximal=0.1", "digits_lb", seed, accuracy)
        digits.add_with("method.proximal=0.01", "digits_lb", seed, accuracy - 1)
        digits.add_with("method.proximal=0.1 method.clip_norm=3", "digits_lb", seed, accuracy)
    found = rows(remedies.accuracies(landscape(digits).remedied))
    of_digits = [(r["run"], r["n"], r["published %"]) for r in found if r["workload"] == "F1, digits"]
    assert of_digits == [
        ("SB", "3", "–"),
        ("LB", "3", "–"),
        ("LB, conservative training (method.proximal=0.01)", "3", "–"),
        ("LB, conservative training (method.proximal=0.1)", "3", "–"),
    ]
    (better,) = (claim for claim in of_remedies(digits) if claim.evidence)
    assert [e.agrees for e in better.evidence] == [True, True]
    assert (
        "F1, digits, conservative training (method.proximal=0.1): accuracy − LB is +2.03 points"
        in better.evidence[1].text
    )
