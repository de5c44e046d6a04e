"""The part of the report on the loss surface, on records whose numbers the tests know in closed form."""

from math import exp, log, sqrt
from statistics import mean, stdev

import pytest
from landscape_records import LB, RA, SB, adaptive, add_measured, curved, measured, rows, sharp
from report_records import Store
from scipy.stats import kendalltau, ttest_rel

from gengap.landscape.settings import KINDS, as_dict
from gengap.paper import keskar
from gengap.report.cells import read_records
from gengap.report.landscape import findings, order, subjects, tables
from gengap.report.landscape.answers import answers, counts
from gengap.report.landscape.numbers import SHARPNESS
from gengap.report.landscape.ratios import Ratio
from gengap.report.landscape.spectra import spectra


def test_cells_are_mean_std_and_n(digits: Store) -> None:
    first, second = rows(tables.cells(measured(digits), SHARPNESS))
    assert first["workload"] == "F1, digits"
    assert first["measure"] == "sharpness, ε = 0.001, full space"
    assert (first["SB"], first["LB"], first["+RA"]) == (
        "2.50 ± 0.50 (n=3)", "26.3 ± 6.5 (n=3)", "2.50 ± 0.66 (n=3)",
    )  # fmt: skip
    assert second["measure"] == "sharpness, ε = 0.0005, full space"
    assert second["SB"] == "0.625 ± 0.12 (n=3)"


def test_ratios_are_of_the_logarithm_and_paired_by_seed(digits: Store) -> None:
    add_measured(digits, "digits_lb", 7, "sharpness", [sharp(1e6)])  # a seed that SB does not have
    first = next(c for c in findings.compared(measured(digits)) if c.label == "LB / SB")
    logs = [log(a) for a in LB], [log(b) for b in SB]
    low, high = ttest_rel(*logs).confidence_interval(0.95)
    assert first.ratio.n == 3
    assert first.ratio.value == pytest.approx(exp(mean(logs[0]) - mean(logs[1])))
    assert (first.ratio.low, first.ratio.high) == pytest.approx((exp(low), exp(high)))
    assert first.ratio.reading == "sharper"


@pytest.mark.parametrize(
    ("low", "high", "reading"),
    [
        (1.01, 3, "sharper"),
        (0.2, 0.99, "flatter"),
        (0.9, 1.1, "open"),
        (1.0, 2.0, "open"),
        (None, None, "open"),
    ],
)
def test_a_reading_needs_an_interval_that_excludes_1(low: float, high: float, reading: str) -> None:
    assert Ratio(3, 1.5, low, high).reading == reading


def test_values_that_are_not_above_0_have_no_ratio(digits: Store) -> None:
    for method, trace in (("sb", 2.0), ("lb", -1.0)):
        add_measured(digits, f"digits_{method}", 0, "curvature", [curved([3.0], trace)])
    (trace,) = (c for c in findings.compared(measured(digits)) if c.measure.quantity == "trace")
    assert (trace.ratio.value, trace.ratio.reading) == (None, "")
    (row,) = (r for r in rows(findings.ratios([trace])))
    assert row["LB / SB"] == "– (a value is not above 0; n=1)"


def test_the_questions_are_answered_by_workload(digits: Store) -> None:
    for method, factor in (("sb", 1.0), ("lb", 0.5)):
        for seed in range(3):
            value = sharp(factor * (1 + 0.01 * seed**2 * factor), batch_norm="batch")
            add_measured(digits, f"digits_{method}", seed, "sharpness", [value])
    found = measured(digits)
    told = answers(findings.compared(found), order.orders(found))
    assert told[0] == (
        "F1, digits, LB / SB (n=3): sharper in 2 of 3 comparisons; flatter in 1 (sharpness, ε = 0.001, full "
        "space: batch)."
    )
    assert told[1] == "F1, digits, +RA / SB (n=3): open in 2 of 2 comparisons."
    assert told[3] == (
        "F1, digits: LB / SB of sharpness, ε = 0.001, full space by mode of batch norm: trained 10.5, batch "
        "0.496; the modes disagree."
    )
    assert [
        (r["ratio of"], r["batch norm"], r["sharper"], r["flatter"], r["open"])
        for r in rows(counts(findings.compared(found)))
    ] == [
        ("LB / SB", "trained", "2", "0", "0"),
        ("LB / SB", "batch", "0", "1", "0"),
        ("+RA / SB", "trained", "0", "0", "2"),
        ("+RA / LB", "trained", "0", "2", "0"),
    ]


def test_a_sample_counts_only_with_more_seeds_and_a_single_seed_only_alone(digits: Store) -> None:
    for method, factor in (("sb", 1.0), ("lb", 20.0)):
        for seed in range(5):
            value = sharp(factor * (1 + seed / 10))
            add_measured(digits, f"digits_{method}", seed, "sharpness", [value], {"samples": 500})
        add_measured(digits, f"digits_{method}", 0, "curvature", [curved([3.0], factor)])
    of_pair = [c for c in findings.counted(findings.compared(measured(digits))) if c.label == "LB / SB"]
    assert [(c.measure.parameter, c.measure.settings, c.ratio.n) for c in of_pair] == [
        (1e-3, "samples=500", 5),
        (5e-4, "", 3),
    ]
    alone = [c for c in findings.compared(measured(digits)) if c.measure.quantity == "trace"]
    assert [c.ratio.n for c in findings.counted(alone)] == [1]


@pytest.mark.parametrize(
    ("factors", "reading", "told"),
    [
        ({"trained": 9.0, "batch": 3.0}, "sharper", "largest in mode trained"),
        ({"trained": 9.0, "batch": 3.0}, "flatter", "largest in mode batch"),
        ({"trained": 3.1, "batch": 3.0}, "sharper", "no mode stands out"),
        ({"trained": 3.0, "batch": 0.3}, "sharper", "the modes disagree"),
    ],
)
def test_a_mode_stands_out_by_the_ratios_of_the_same_seeds(
    store: Store, factors: dict[str, float], reading: str, told: str
) -> None:
    for mode, factor in factors.items():
        for seed in range(3):
            add_measured(store, "digits_sb", seed, "sharpness", [sharp(1 + seed / 20, batch_norm=mode)])
            little = 1 + seed / 50 if mode == "batch" else 1.0
            add_measured(store, "digits_lb", seed, "sharpness", [sharp(factor * little, batch_norm=mode)])
    assert findings.standing_out(findings.compared(measured(store)), reading) == told


def test_the_order_of_methods_by_sharpness_and_accuracy(digits: Store) -> None:
    first = order.orders(measured(digits))[0]
    assert first.methods == ("sb", "lb", "lb_ra")
    by_flatness = [-exp(mean(map(log, values))) for values in (SB, LB, RA)]
    expected = kendalltau(by_flatness, [97.1, 90.1, 98.1])
    assert (first.tau, first.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert (first.agree, first.disagree, first.open) == (2, 0, 1)  # SB and RA are equally sharp


@pytest.mark.parametrize(
    "other",
    [
        {"measurement": {"epsilon": 5e-4}},
        {"measurement": {"subspace": 100}},
        {"measurement": {"batch_norm": "recomputed"}},
        {"settings": {"samples": 500}},
        {"settings": {"dtype": "float64"}},
        {"settings": {"iterations": 20}},
        {"words": "precision=bf16"},
        {"words": "protocol=bigbatch"},
        {"words": "workload.epochs=3"},
    ],
)
def test_nothing_that_was_measured_otherwise_is_in_a_mean(
    store: Store, other: dict[str, dict[str, object]]
) -> None:
    add_measured(store, "digits_sb", 0, "sharpness", [sharp(2.0)])
    changed = sharp(4.0) | other.get("measurement", {})
    add_measured(
        store,
        "digits_sb",
        1,
        "sharpness",
        [changed],
        other.get("settings"),
        words=str(other.get("words", "")),
    )
    found = measured(store)
    values = sorted(v.value for m in found.values() for seeds in m.values() for v in seeds.values())
    assert values == [2.0, 4.0]
    assert [len(seeds) for m in found.values() for seeds in m.values()] == [1, 1]


def test_the_images_of_a_batch_count_in_batch_mode_alone(store: Store) -> None:
    for seed, batch in enumerate((1000, 500)):
        for mode in ("trained", "batch"):
            value = sharp(2.0, batch_norm=mode)
            add_measured(store, "digits_sb", seed, "sharpness", [value], {"batch": batch})
    (of_measures,) = measured(store).values()
    assert sorted((m.batch_norm, m.settings, len(seeds)) for m, seeds in of_measures.items()) == [
        ("batch", "", 1), ("batch", "batch=500", 1), ("trained", "", 2),
    ]  # fmt: skip


def test_abnormal_searches_are_counted_beside_the_numbers(digits: Store) -> None:
    add_measured(digits, "digits_lb", 3, "sharpness", [sharp(30.0, line_search="abnormal: ABNORMAL")])
    first, second = rows(tables.cells(measured(digits), SHARPNESS))
    assert (first["warnings"], second["warnings"]) == ("1 of 10 abnormal", "")


def test_curvature_and_adaptive_sharpness_have_tables(digits: Store) -> None:
    for seed in range(2):
        add_measured(digits, "digits_sb", seed, "curvature", [curved([4.0 + seed, 1.0], 40.0 + 2 * seed)])
        add_measured(digits, "digits_sb", seed, "adaptive", [adaptive(0.1 + seed / 10)])
    add_measured(digits, "digits_lb", 0, "curvature", [curved([9.0], 50.0, converged=False)])
    found = measured(digits)
    eigenvalue, trace = rows(tables.cells(found, "largest eigenvalue", "trace"))
    assert (eigenvalue["SB"], eigenvalue["LB"], eigenvalue["warnings"]) == (
        "4.50 ± 0.71 (n=2)", "9.00 (n=1)", "1 of 3 not converged",
    )  # fmt: skip
    assert trace["SB"] == "41.0 ± 1.4 (n=2; error 0.25)"
    (row,) = rows(tables.cells(found, "adaptive sharpness"))
    assert (row["measure"], row["SB"]) == ("adaptive sharpness, ρ = 0.01", "0.150 ± 0.071 (n=2)")


def test_eigenvalues_are_shown_one_by_one(store: Store) -> None:
    for seed in range(2):
        add_measured(store, "digits_sb", seed, "curvature", [curved([1.0, 4.0 + seed, 2.0][: 3 - seed], 9.0)])
    (row,) = rows(spectra(subjects.read(read_records(store.root))))
    assert (row["run"], row["n"], row["λ1"], row["λ2"]) == ("SB", "2", "4.50 ± 0.71", "1.50 ± 0.71")
    assert "λ3" not in row


def test_usual_settings_are_the_defaults_of_every_kind() -> None:
    assert {kind: subjects.unusual(as_dict(cls())) for kind, cls in KINDS.items()} == dict.fromkeys(KINDS, "")


def test_every_seed_is_in_the_data(digits: Store) -> None:
    found = rows(tables.data(measured(digits)))
    assert len(found) == 3 * 3 * 2
    values = [float(r["value"]) for r in found if r["method"] == "lb" and r["parameter"] == "0.001"]
    assert values == list(LB)
    assert stdev(values) == pytest.approx(sqrt(42.33), abs=1e-2)
    assert {r["val_accuracy"] for r in found if r["method"] == "lb"} == {"90", "90.1", "90.2"}


def test_published_values_stand_above_ours(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    of_digits = tuple(
        keskar.Published(**{**vars(p), "workload": "digits_f1"})
        for p in keskar.published()
        if p.workload == "keskar_f1"
    )
    monkeypatch.setattr(keskar, "published", lambda: of_digits)
    for method, values in (("sb", SB), ("lb", LB)):
        for seed, value in enumerate(values):
            store.add(f"digits_{method}", seed, 97.0)
            add_measured(store, f"digits_{method}", seed, "sharpness", [sharp(value)])
    found = measured(store)
    published, ours, *_ = rows(tables.cells(found, SHARPNESS))
    assert (published["batch norm"], published["SB"], published["LB"]) == (
        "published", "1.23 ± 0.83", "205.14 ± 69.52",
    )  # fmt: skip
    assert ours["LB"] == "26.3 ± 6.5 (n=3)"
    (row,) = rows(findings.ratios(findings.compared(found)))
    assert row["published LB / SB"] == "167"
    _, first, *_ = rows(tables.accuracies(found))
    assert (first["SB"], first["LB"]) == ("98.03 ± 0.07", "97.81 ± 0.07")
