"""Which runs and values the report on the loss surface counts, and how it names them."""

import pytest
from landscape_records import add_measured, measured, rows, sharp
from report_records import Store

from gengap.cli.report import main
from gengap.paper import keskar
from gengap.report.cells import read_records
from gengap.report.findings import minima
from gengap.report.landscape import findings, order, tables
from gengap.report.landscape.answers import answers, glance, unanswered
from gengap.report.landscape.numbers import SHARPNESS
from gengap.report.landscape.other_runs import other_runs
from gengap.report.landscape.section import Landscape


def test_each_workload_has_a_line_at_a_glance(digits: Store) -> None:
    (line,) = glance(findings.compared(measured(digits)))
    assert line == (
        "F1, digits: LB sharper than SB in 2 of 2 comparisons (n=3); "
        "+RA flatter than LB in 2 of 2 comparisons (n=3)."
    )
    assert main([f"results_dir={digits.root}"]) == 0
    text = (digits.root / "report" / "README.md").read_text()
    assert "([Landscape](#landscape)):\n\n- F1, digits: LB sharper" in text
    assert '(<a href="#landscape">Landscape</a>)' in (digits.root / "report" / "report.html").read_text()


def test_runs_with_equal_overrides_are_a_row_with_ratios(store: Store) -> None:
    words = "data.limit=500"
    for method, value in (("sb", 2.0), ("lb", 8.0)):
        extra = " method.batch_size=100" if method == "lb" else ""
        for seed in range(2):
            add_measured(store, f"digits_{method}", seed, "sharpness", [sharp(value)], words=words + extra)
    add_measured(store, "digits_lb_ra", 0, "sharpness", [sharp(3.0)], words="data.limit=600")
    add_measured(store, "digits_lb", 0, "sharpness", [sharp(3.0)], words=f"{words} method.clip_norm=2")
    found = measured(store)
    (row,) = rows(findings.ratios(findings.compared(found)))
    assert row["workload"] == "F1, digits (data.limit=500)"
    assert row["LB / SB"] == "4.00 (4.00 to 4.00; n=2)"
    assert [(r["run"], r["value"]) for r in rows(other_runs(found))] == [
        ("digits_lb data.limit=500 method.clip_norm=2", "3.00 (n=1)"),
    ]
    assert unanswered(found, findings.compared(found)) == (
        "F1, digits (data.limit=600): no ratio; measured here: +RA. A ratio needs two methods, measured with "
        "the same settings and seeds, whose runs differ in the method alone.",
    )


def test_two_runs_of_a_method_with_equal_overrides_have_no_ratio(store: Store) -> None:
    for batch in (50, 100):
        words = f"data.limit=500 method.batch_size={batch}"
        add_measured(store, "digits_lb", 0, "sharpness", [sharp(2.0)], words=words)
    add_measured(store, "digits_sb", 0, "sharpness", [sharp(2.0)], words="data.limit=500")
    found = measured(store)
    assert findings.compared(found) == []
    assert [r["run"] for r in rows(other_runs(found))] == [
        f"LB method.batch_size={batch} data.limit=500" for batch in (50, 100)
    ]


def test_a_search_that_found_nothing_is_in_no_mean_and_no_ratio(digits: Store) -> None:
    before = findings.compared(measured(digits))
    both = [sharp(0.0, line_search="abnormal: ABNORMAL"), sharp(5.0, 5e-4, line_search="abnormal: x")]
    for method in ("sb", "lb"):
        digits.add(f"digits_{method}", 3, 97.0)
        add_measured(digits, f"digits_{method}", 3, "sharpness", both)
    found = measured(digits)
    first, second = rows(tables.cells(found, SHARPNESS))
    assert (first["SB"], first["warnings"]) == (
        "2.50 ± 0.50 (n=3)", "2 of 11 left out: abnormal, no larger loss found",
    )  # fmt: skip
    assert second["SB"].endswith("(n=4)")
    assert findings.compared(found)[0] == before[0]
    assert [r["value"] for r in rows(tables.data(found)) if r["seed"] == "3"] == ["0", "5", "0", "5"]


@pytest.mark.parametrize(
    ("large", "said"),
    [
        (2.0, "published 167, in no mode's interval."),
        (160.0, "published 167, inside the interval of trained."),
    ],
)
def test_a_published_ratio_is_looked_for_in_every_mode(store: Store, large: float, said: str) -> None:
    for seed in range(3):
        for mode, method, value in (
            ("trained", "sb", 1.0),
            ("trained", "lb", large * (1 + seed / 10)),
            ("batch", "sb", 1.0),
            ("batch", "lb", 3.0 + seed / 10),
        ):
            points = [sharp(value, batch_norm=mode)]
            add_measured(store, f"keskar_f1_{method}", seed, "sharpness", points)
    found = measured(store)
    told = answers(findings.compared(found), order.orders(found))
    assert any(line.endswith(said) for line in told)


def test_one_seed_decides_nothing(store: Store) -> None:
    for method, value in (("sb", 2.0), ("lb", 8.0), ("lb_lr", 4.0)):
        store.add(f"cifar100_c3_{method}", 0, 50.0)
        points = [sharp(value)]
        add_measured(store, f"cifar100_c3_{method}", 0, "sharpness", points, {"samples": 5000})
    compared = findings.compared(measured(store))
    (row,) = findings.ratios(compared).rows
    of_pairs = [f"{ratio} (n=1)" if ratio else "one seed: open" for ratio in ("4.00", "", "0.500", "")]
    assert row == (
        "C3, CIFAR-100",
        "sharpness, ε = 0.001, full space",
        "trained",
        "samples=5000",
        "–",
        *of_pairs,
    )
    assert glance(compared) == ("C3, CIFAR-100: LB / SB is open, with one seed.",)
    assert answers(compared, []) == tuple(
        f"C3, CIFAR-100, {pair}: open, with one seed." for pair in ("LB / SB", "+LR / LB")
    )
    records = read_records(store.root)
    (line,) = minima.claims(records, Landscape(records))[0].evidence
    assert (line.agrees, line.text) == (
        None,
        "C3, CIFAR-100: LB / SB: ratios from 4.00 to 4.00 (sharpness; n = 1: too few seeds to decide)",
    )


def test_published_values_are_shown_where_ours_are_missing(store: Store) -> None:
    add_measured(store, "keskar_f1_sb", 0, "sharpness", [sharp(2.0)])
    add_measured(store, "keskar_f1_lb", 0, "sharpness", [sharp(2.0)])
    own = rows(tables.cells(measured(store), SHARPNESS))
    assert [r["measure"] for r in own if r["warnings"] == "not measured"] == [
        "sharpness, ε = 0.0005, full space",
        "sharpness, ε = 0.001, 100 dimensions",
        "sharpness, ε = 0.0005, 100 dimensions",
    ]
    every = rows(tables.cells(measured(store), SHARPNESS, published=keskar.workloads()))
    assert every[: len(own)] == own
    of_others = [r for r in every if r["workload"] == "Keskar et al.'s C4, CIFAR-100"]
    assert [(r["SB"], r["LB"]) for r in of_others[::2]] == [
        ("12.83 ± 3.84", "421.84 ± 36.97"),
        ("6.05 ± 1.13", "72.99 ± 10.96"),
    ]
    assert len(every) == len(own) + 4 * 4


def test_training_losses_stand_with_the_accuracies_by_mode_of_batch_norm(digits: Store) -> None:
    for method, loss in (("sb", 0.25), ("lb", 0.75)):
        value = sharp(1.0, batch_norm="batch", loss=loss)
        add_measured(digits, f"digits_{method}", 0, "sharpness", [value], {"iterations": 20})
    trained, batch, *_ = rows(tables.accuracies(measured(digits)))
    assert list(trained.values())[:3] == ["F1, digits", "training loss, batch norm: trained", "ours"]
    assert (trained["SB"], batch["quantity"]) == ("0.500 ± 0 (n=3)", "training loss, batch norm: batch")
    assert (batch["SB"], batch["LB"], batch["+RA"]) == ("0.250 (n=1)", "0.750 (n=1)", "")
    assert main([f"results_dir={digits.root}"]) == 0
    text = (digits.root / "report" / "README.md").read_text()
    assert "has not reached a minimum" in " ".join(text.split())
