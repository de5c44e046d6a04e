"""The page of findings: verdicts follow from the rows by the stated rules."""

from collections.abc import Callable
from dataclasses import replace
from math import log, sin

import pytest
from report_records import Store, walk

from gengap.config.compose import compose_config
from gengap.config.identity import run_name
from gengap.config.schema import PAPER
from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.cells import read_records
from gengap.report.comparisons import compare_methods
from gengap.report.figures import figures
from gengap.report.findings import accuracy, walking
from gengap.report.findings.causes import causes, run_of
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.findings.page import findings
from gengap.report.landscape.section import Landscape
from gengap.report.questions.section import Questions
from gengap.report.rows import RELEASED, Row
from gengap.report.section import markdown_section

REPRODUCED = {
    "sb": [98.2, 98.3, 98.4],
    "lb": [97.1, 97.0, 97.2],
    "lb_lr": [96.6, 96.4, 96.5],
    "lb_gbn": [96.4, 96.5, 96.7],
    "lb_ra": [98.7, 98.5, 98.6],
}
EXPECTED = ("holds", "holds", "does not hold", "open", "holds")
OWN, OTHER, DEMO = Row("mnist_f1"), Row("cifar10_c1"), Row("digits_f1")


def page(store: Store, *, are_published: bool = False) -> str:
    records = replace(read_records(store.root), are_published=are_published)
    found = findings(
        records, compare_methods(records), figures(records), Landscape(records), Questions(records)
    )
    assert found is not None
    return markdown_section(found)


def verdicts(store: Store) -> list[str]:
    records = read_records(store.root)
    return [claim.verdict for claim in accuracy.claims(records, compare_methods(records))]


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ([], "not tested"),
        ([(OWN, True), (OWN, True)], "holds on F1, MNIST"),
        ([(OWN, True), (OTHER, None)], "holds on F1, MNIST"),
        ([(OWN, True), (OTHER, False)], "holds on F1, MNIST; does not hold on C1, CIFAR-10"),
        (
            [(OWN, True), (OWN, False), (OTHER, False)],
            "holds in part on F1, MNIST; does not hold on C1, CIFAR-10",
        ),
        ([(OWN, False), (OWN, None)], "does not hold on F1, MNIST"),
        ([(OWN, None)], "open"),
        ([(OWN, None), (DEMO, True)], "open"),
        ([(DEMO, True)], "only on other networks: holds"),
        ([(DEMO, False), (OWN, True)], "holds on F1, MNIST"),
        ([(Row("photographs_c1"), True), (Row("mine"), True)], "only on other networks: holds"),
        ([(Row("photographs_c1"), False), (Row("keskar_f1"), True)], "holds on Keskar et al.'s F1, MNIST"),
    ],
)
def test_a_verdict_is_that_of_the_rows_that_decide(
    evidence: list[tuple[Row, bool | None]], verdict: str
) -> None:
    found = [Evidence(row, agrees, "") for row, agrees in evidence]
    assert Claim("", "", "", found).verdict == verdict


def test_the_claims_on_accuracy(store: Store) -> None:
    for method, values in REPRODUCED.items():
        for seed, value in enumerate(values):
            store.add(f"mnist_{method}", seed, value)
    assert verdicts(store) == [
        f"{said} on F1, MNIST".replace("open on F1, MNIST", "open") for said in EXPECTED
    ]


def test_single_seeds_decide_nothing(store: Store) -> None:
    for method, (value, *_) in REPRODUCED.items():
        store.add(f"mnist_{method}", 0, value)
    assert verdicts(store) == ["open"] * 5
    records = read_records(store.root)
    (gap, *_) = accuracy.claims(records, compare_methods(records))
    (line,) = gap.evidence
    assert line.text == "F1, MNIST: SB − LB is +1.10 points (n = 1, 1: too few seeds to decide)"


def test_what_disagrees_is_said_to(store: Store) -> None:
    swapped = REPRODUCED | {"sb": REPRODUCED["lb"], "lb": REPRODUCED["sb"], "lb_ra": [96.0, 96.1, 96.2]}
    for method, values in swapped.items():
        for seed, value in enumerate(values):
            store.add(f"mnist_{method}", seed, value)
    assert verdicts(store)[:2] == ["does not hold on F1, MNIST"] * 2


def test_the_page_of_some_records(store: Store) -> None:
    for method, values in REPRODUCED.items():
        for seed, value in enumerate(values):
            store.add(f"mnist_{method}", seed, value)
    text = page(store)
    assert text.startswith("# Findings\n")
    assert (
        "| F1, MNIST | +LR | 96.50 ± 0.10 | 3 | 97.55 | -1.05 ▼ | unstable first updates: with the rate"
        in text
    )
    assert "| F1, MNIST | SB |" not in text.partition("## Numbers that are not reproduced")[2]
    assert "- Table 1, C1, CIFAR-10: all cells; no run of this row says how long one takes" in text
    assert "- Figure 2: " in text


def test_nothing_tested_makes_no_page(store: Store) -> None:
    store.add_with("data.limit=6000", "mnist_sb", 0, 95.0)
    records = read_records(store.root)
    assert (
        findings(records, compare_methods(records), figures(records), Landscape(records), Questions(records))
        is None
    )


def test_causes_are_of_cells_of_the_paper() -> None:
    rows = [row for number in (1, 2) for row in paper.rows(number)]
    cells = {(row, method, protocol) for row in rows for method in METHODS for protocol in (PAPER, RELEASED)}
    assert causes().keys() <= cells


@pytest.mark.parametrize(
    "words",
    [
        ("mnist_lb_lr", "method.clip_norm=1"),
        ("mnist_lb", "precision=bf16", "protocol=bigbatch", "protocol.bn_weight=network"),
        ("cifar100_c3_lb", "protocol=bigbatch"),
    ],
)
def test_the_run_of_a_trial_is_the_one_that_its_words_train(words: tuple[str, ...]) -> None:
    experiment, *settings = words
    assert run_of(*words) == run_name(compose_config([f"+experiment={experiment}", *settings]))


def test_a_cause_that_was_tested_says_what_came_out(store: Store) -> None:
    store.add("mnist_lb", 0, 97.0)
    store.add("mnist_lb_lr", 0, 96.5)
    assert "| not yet: protocol.reference" in page(store)
    for seed, value in enumerate([97.5, 97.6]):
        store.add_with("protocol.reference_batch=256", "mnist_lb_lr", seed, value)
    assert "| 97.55 ± 0.07 ≈ (n=2) with protocol.reference" in page(store)


def test_a_cause_is_of_one_protocol(store: Store) -> None:
    store.add_with("protocol=bigbatch", "mnist_lb_lr", 0, 97.5)
    store.add_with("protocol=bigbatch", "mnist_lb_gbn", 0, 96.5)
    settings = "protocol=bigbatch protocol.reference_batch=256 protocol.bn_weight=network"
    store.add_with(settings, "mnist_lb_gbn", 0, 97.5)
    assert "| 97.50 ≈ (n=1) with protocol=bigbatch protocol.reference_batch=256" in page(store)


def test_a_step_that_changes_the_learning_rate_too_decides_nothing(store: Store) -> None:
    for method, values in REPRODUCED.items():
        for seed, value in enumerate(values):
            store.add_with("protocol=bigbatch", f"mnist_{method}", seed, value + (method == "lb_gbn"))
    records = read_records(store.root)
    claims = {c.statement: c.evidence for c in accuracy.claims(records, compare_methods(records))}
    (step,) = claims["Ghost batch norm, added to that, helps."]
    assert "(rate ×5.66 − ×4) is +1.03 points" in step.text
    assert step.agrees is None


@pytest.mark.parametrize(
    ("law", "seeds", "verdict"),
    [
        (lambda t: 1 + log(t), 2, "holds on F1, MNIST"),
        (lambda t: t**0.5, 2, "does not hold on F1, MNIST"),
        (lambda t: 1 + log(t) + sin(3 * t), 2, "open"),  # closer to log t, and far from both
        # Closer to a power law, and far from both
        (lambda t: t**0.8 * (1 + 0.15 * (-1) ** (t // 2)), 2, "does not hold on F1, MNIST"),
        (lambda t: t**0.5, 1, "open"),
        (lambda t: t**0.2 - 0.2 * max(0, 1 - t / 80), 2, "open"),  # log t, but a power law from later starts
    ],
)
def test_the_claim_on_the_distance(
    law: Callable[[int], float], seeds: int, verdict: str, store: Store
) -> None:
    for seed in range(seeds):
        store.add("mnist_sb", seed, rows=walk(2000, law))
    records = read_records(store.root)
    (claim, *_) = walking.claims(records)
    assert claim.verdict == verdict


def test_a_tie_between_the_laws_decides_nothing(store: Store) -> None:
    for seed, law in enumerate((lambda t: 1 + log(t), lambda t: t**0.05)):
        store.add("mnist_sb", seed, rows=walk(2000, law))
    (claim, *_) = walking.claims(read_records(store.root))
    (line,) = claim.evidence
    assert "a + b ln t (1 of 2)" in line.text
    assert (line.agrees, line.detail) == (None, "seeds differ in the law")


def test_the_first_tensor_is_judged_by_its_own_distance(store: Store) -> None:
    for seed in range(2):
        rows = walk(2000, lambda t: 1 + log(t))
        tensors = [{"tensor_distances": [row["update"] ** 0.5, 1.0]} for row in rows]
        store.add("mnist_sb", seed, rows=[a | b for a, b in zip(rows, tensors, strict=True)])
    records = read_records(store.root)
    every, first, *_ = walking.claims(records)
    assert (every.verdict, first.verdict) == ("holds on F1, MNIST", "does not hold on F1, MNIST")
    tables = next(f for f in figures(records) if f.name == "distance").tables.values()
    laws = [table.rows[0][table.header.index("better law")] for table in tables]
    assert laws == ["a + b ln t (2 of 2)", "a t^b (2 of 2)"]


def test_every_test_of_a_cause_that_was_run_is_told(store: Store) -> None:
    store.add("mnist_lb", 0, 98.0)
    store.add("mnist_lb_lr", 0, 97.5)
    store.add_with("protocol=bigbatch protocol.bn_weight=network", "mnist_lb", 0, 97.0)
    assert "| 97.00 ≈ (n=1) with protocol=bigbatch protocol.bn_weight=network |" in page(store)
    store.add_with("protocol=bigbatch", "mnist_lb", 0, 96.0)
    both = "96.00 ▼ (n=1) with protocol=bigbatch; 97.00 ≈ (n=1) with protocol=bigbatch protocol.bn_weight"
    assert f"| {both}" in page(store)
