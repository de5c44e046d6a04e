"""The page of findings: verdicts follow from the rows by the stated rules."""

import pytest
from report_records import Store

from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.cells import read_records
from gengap.report.comparisons import compare_methods
from gengap.report.figures import figures
from gengap.report.findings import accuracy
from gengap.report.findings.causes import UNKNOWN, _causes, cause_of
from gengap.report.findings.claims import Claim, Evidence
from gengap.report.findings.page import findings
from gengap.report.landscape.section import Landscape
from gengap.report.rows import Row
from gengap.report.section import markdown_section

REPRODUCED = {
    "sb": [98.2, 98.3, 98.4],
    "lb": [97.0, 97.1, 97.2],
    "lb_lr": [96.4, 96.5, 96.6],
    "lb_gbn": [96.4, 96.5, 96.7],
    "lb_ra": [98.5, 98.6, 98.7],
}
OWN, DEMO = Row("mnist_f1"), Row("digits_f1")


def verdicts(store: Store) -> list[str]:
    records = read_records(store.root)
    return [claim.verdict for claim in accuracy.claims(records, compare_methods(records))]


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ([], "not tested"),
        ([(OWN, True), (OWN, True)], "holds"),
        ([(OWN, True), (OWN, None)], "holds"),
        ([(OWN, True), (OWN, False)], "holds in part"),
        ([(OWN, False), (OWN, None)], "does not hold"),
        ([(OWN, None)], "open"),
        ([(OWN, None), (DEMO, True)], "open"),
        ([(DEMO, True)], "demo only: holds"),
        ([(DEMO, False), (OWN, True)], "holds"),
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
    assert verdicts(store) == ["holds", "holds", "does not hold", "open", "holds"]


def test_single_seeds_decide_nothing(store: Store) -> None:
    for method, (value, *_) in REPRODUCED.items():
        store.add(f"mnist_{method}", 0, value)
    assert verdicts(store) == ["open"] * 5
    records = read_records(store.root)
    (gap, *_) = accuracy.claims(records, compare_methods(records))
    (line,) = gap.evidence
    assert line.text == "F1, MNIST: SB − LB is +1.20 points (n = 1, 1: too few seeds to decide)"


def test_what_disagrees_is_said_to(store: Store) -> None:
    swapped = REPRODUCED | {"sb": REPRODUCED["lb"], "lb": REPRODUCED["sb"], "lb_ra": [96.0, 96.1, 96.2]}
    for method, values in swapped.items():
        for seed, value in enumerate(values):
            store.add(f"mnist_{method}", seed, value)
    assert verdicts(store)[:2] == ["does not hold", "does not hold"]


def test_the_page_of_some_records(store: Store) -> None:
    for method, values in REPRODUCED.items():
        for seed, value in enumerate(values):
            store.add(f"mnist_{method}", seed, value)
    records = read_records(store.root)
    compared, shown = compare_methods(records), figures(records)
    text = markdown_section(findings(records, compared, shown, Landscape(records)))
    assert text.startswith("# Findings\n")
    assert (
        "| F1, MNIST | +LR | 96.50 ± 0.10 | 3 | 97.55 | -1.05 ▼ | the learning rate scaled from 128" in text
    )
    assert "| F1, MNIST | SB |" not in text.partition("## Numbers that are not reproduced")[2]
    assert "- Table 1, C1, CIFAR-10: all cells." in text
    assert "- Figure 2: " in text


def test_causes_are_of_cells_of_the_paper() -> None:
    cells = {(row, method) for number in (1, 2) for row in paper.rows(number) for method in METHODS}
    assert _causes().keys() <= cells
    assert cause_of("cifar10_vgg", "sb") == UNKNOWN
