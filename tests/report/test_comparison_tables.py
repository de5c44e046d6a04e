import csv

import pytest
from report_records import Store
from scipy import stats

from gengap.report.cells import read_records
from gengap.report.comparison_tables import data, table, too_few_seeds
from gengap.report.comparisons import AS_GOOD, PRECISION, SHARE, STEP, compare_methods
from gengap.report.markup import csv_text

ROW = {
    "sb": [98.0, 98.2, 98.4],
    "lb": [96.0, 96.1, 96.3],
    "lb_lr": [97.0, 97.2],
    "lb_gbn": [97.5, 97.8, 97.6],
    "lb_ra": [98.1, 98.3, 98.2],
}


def add(store: Store, row: dict[str, list[float]]) -> None:
    for method, accuracies in row.items():
        for seed, accuracy in enumerate(accuracies):
            store.add(f"mnist_{method}", seed, accuracy)


def lines(store: Store, kind: str) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(csv_text(data(compare_methods(read_records(store.root)))).splitlines())
    return {
        row["comparison"].removeprefix("'"): row
        for row in rows
        if row["kind"] == kind and row["workload"] == "mnist_f1"
    }


def test_a_whole_row(store: Store) -> None:
    add(store, ROW)
    store.add("mnist_lb_ra", 3, status="diverged")
    (equal,) = lines(store, AS_GOOD).values()
    assert (equal["workload"], equal["comparison"], equal["seeds"]) == ("mnist_f1", "'+RA − SB", "3 3")
    assert (equal["value"], equal["margin"], equal["blank_because"]) == ("0.0000", "0.3050", "")
    for key, shift in (("p", 1.22 / 4), ("p_superior", 0.0)):
        shifted = [a + shift for a in ROW["lb_ra"]]
        test = stats.ttest_rel(shifted, ROW["sb"], alternative="greater")
        assert equal[key] == f"{test.pvalue:.3g}"
    assert equal["p_holm"] == equal["p"]
    shares = lines(store, SHARE)
    assert list(shares) == ["+LR", "+GBN", "+RA"]
    assert float(shares["+RA"]["value"]) == pytest.approx(1.0)
    assert float(shares["+LR"]["low95"]) < float(shares["+LR"]["value"]) < float(shares["+LR"]["high95"])
    assert (shares["+LR"]["seeds"], shares["+LR"]["paired"]) == ("2 2 2", "yes")


def test_both_tests_of_as_good_are_corrected_over_the_rows(store: Store) -> None:
    better = ROW | {"lb_ra": [98.9, 99.0, 99.2]}
    add(store, better)
    for method, accuracies in {"sb": [90.0, 95.0], "lb_ra": [91.0, 96.5]}.items():
        for seed, accuracy in enumerate(accuracies):
            store.add(f"digits_{method}", seed, accuracy)
    (line,) = lines(store, AS_GOOD).values()
    for shift, key in ((1.22 / 4, "p_holm"), (0.0, "p_superior")):
        shifted = [a + shift for a in better["lb_ra"]]
        test = stats.ttest_rel(shifted, better["sb"], alternative="greater")
        assert line[key] == f"{2 * test.pvalue:.3g}"


def test_steps_are_corrected_over_the_table(store: Store) -> None:
    """A second row, whose steps are less certain, counts too."""
    add(store, ROW)
    for method, accuracies in {"lb": [90.0, 95.0], "lb_lr": [91.0, 97.0]}.items():
        for seed, accuracy in enumerate(accuracies):
            store.add(f"digits_{method}", seed, accuracy)
    steps = lines(store, STEP)
    pairs = {
        "+LR − LB": ("lb_lr", "lb"),
        "+GBN − +LR": ("lb_gbn", "lb_lr"),
        "+RA − +GBN": ("lb_ra", "lb_gbn"),
    }
    p = {name: _paired(ROW[a], ROW[b]) for name, (a, b) in pairs.items()}
    assert {name: line["p"] for name, line in steps.items()} == {name: f"{v:.3g}" for name, v in p.items()}
    smallest = min(p, key=p.__getitem__)
    assert steps[smallest]["p_holm"] == f"{4 * p[smallest]:.3g}"


def _paired(a: list[float], b: list[float]) -> float:
    shared = min(len(a), len(b))
    return float(stats.ttest_rel(a[:shared], b[:shared]).pvalue)


def test_without_common_seeds_cells_are_independent_samples(store: Store) -> None:
    for seed in range(3):
        store.add("mnist_lb", seed, ROW["lb"][seed])
        store.add("mnist_lb_lr", seed + 2, ROW["lb_gbn"][seed])
    line = lines(store, STEP)["+LR − LB"]
    welch = stats.ttest_ind(ROW["lb_gbn"], ROW["lb"], equal_var=False)
    assert (line["paired"], line["p"]) == ("no", f"{welch.pvalue:.3g}")
    shown = table(compare_methods(read_records(store.root)), STEP)
    assert shown.rows[0][2] == "3, 3"


def test_no_share_where_the_gap_may_be_zero(store: Store) -> None:
    add(store, ROW | {"lb": [96.0, 99.9, 98.0]})
    for line in lines(store, SHARE).values():
        assert (line["value"], line["low95"], line["high95"]) == ("", "", "")
        assert line["blank_because"].startswith("SB − LB may be 0: 95 % is -")


def test_too_few_seeds_are_named(store: Store) -> None:
    add(store, {"sb": [98.0, 98.2], "lb": [96.0, 96.2], "lb_ra": [98.1]})
    assert lines(store, AS_GOOD)["+RA − SB"]["blank_because"] == "needs 2 seeds: +RA has 1"
    shares, steps = lines(store, SHARE), lines(store, STEP)
    assert shares["+GBN"]["blank_because"] == "needs 2 seeds: +GBN has 0"
    assert steps["+RA − +GBN"]["blank_because"] == "needs 2 seeds: +RA has 1, +GBN has 0"
    assert all(line["value"] == "" for line in [*shares.values(), *steps.values()])


def test_what_needs_more_seeds_is_one_sentence_below_the_table(store: Store) -> None:
    add(store, ROW | {"lb_gbn": [97.5]})
    for method in ("sb", "lb", "lb_gbn"):
        store.add(f"digits_{method}", 0, 97.0)
    found = compare_methods(read_records(store.root))
    shown = table(found, SHARE)
    assert [row[1] for row in shown.rows] == ["+LR", "+RA"]
    assert "blank because" not in shown.header
    assert too_few_seeds(found, SHARE) == (
        "Each cell needs 2 finished seeds, which these do not have yet: "
        "F1, MNIST: +GBN; F1, digits: +LR, +GBN, +RA."
    )
    assert not table(found, PRECISION).rows
    assert too_few_seeds(found, PRECISION) == ""


def test_equal_seeds_give_a_difference_without_a_claim(store: Store) -> None:
    add(store, {"sb": [98.0, 98.0], "lb": [96.0, 96.0], "lb_lr": [97.0, 97.0], "lb_ra": [98.0, 98.0]})
    found = [lines(store, kind)[name] for kind, name in ((AS_GOOD, "+RA − SB"), (STEP, "+LR − LB"))]
    assert [line["value"] for line in found] == ["0.0000", "1.0000"]
    for line in [*found, lines(store, SHARE)["+LR"]]:
        assert (line["low95"], line["high95"], line["p"]) == ("", "", "")
        assert "the seeds do not differ" in line["blank_because"]


def test_bf16_is_tested_against_the_cell_that_differs_in_nothing_else(store: Store) -> None:
    bf16 = {"sb": [98.1, 98.2, 98.3], "lb": [96.1]}
    add(store, ROW)
    for method, accuracies in bf16.items():
        # The second differs in more, and is not compared
        for settings in ("precision=bf16", "precision=bf16 protocol=bigbatch"):
            for seed, accuracy in enumerate(accuracies):
                store.add_with(settings, f"mnist_{method}", seed, accuracy)
    found = lines(store, PRECISION)
    assert list(found) == ["SB bf16 − fp32", "LB bf16 − fp32"]
    assert found["LB bf16 − fp32"]["blank_because"] == "needs 2 seeds: LB bf16 has 1"
    p_values = [
        stats.ttest_rel([a + shift for a in bf16["sb"]], ROW["sb"], alternative=side).pvalue
        for shift, side in ((1.22 / 4, "greater"), (-1.22 / 4, "less"))
    ]
    assert found["SB bf16 − fp32"]["p"] == f"{max(p_values):.3g}"
    assert found["SB bf16 − fp32"]["paired"] == "yes"


def test_runs_of_different_seeds_are_no_pairs(store: Store) -> None:
    for seed, accuracy in enumerate([98.1, 98.2, 98.3]):
        store.add("mnist_sb", seed, accuracy)
        store.add_with("precision=bf16", "mnist_sb", seed + 2, accuracy)
    (line,) = lines(store, PRECISION).values()
    assert (line["paired"], line["seeds"], line["value"]) == ("no", "3 3", "0.0000")


def test_a_step_that_changes_the_learning_rate_too_says_so(store: Store) -> None:
    for method in ("lb", "lb_lr", "lb_gbn"):
        for settings in ("protocol=bigbatch", "protocol=paper"):
            for seed in (0, 1):
                store.add_with(settings, f"mnist_{method}", seed, 97.0 + seed)
    steps = table(compare_methods(read_records(store.root)), STEP).rows
    assert [(row[0], row[1]) for row in steps] == [
        ("F1, MNIST", "+LR − LB"),
        ("F1, MNIST", "+GBN − +LR"),
        ("F1, MNIST (bigbatch)", "+LR − LB"),
        ("F1, MNIST (bigbatch)", "+GBN − +LR (rate ×5.66 − ×4)"),
    ]


def test_tables_for_reading(store: Store) -> None:
    add(store, ROW)
    found = compare_methods(read_records(store.root))
    assert table(found, AS_GOOD).rows[0][:4] == ("F1, MNIST", "+RA − SB", "3 pairs", "+0.00")
    assert [row[3] for row in table(found, SHARE).rows] == ["51 %", "73 %", "100 %"]
    assert [row[3] for row in table(found, STEP).rows] == ["+1.05", "+0.55", "+0.57"]
    for kind in (AS_GOOD, SHARE, STEP):
        shown = table(found, kind)
        assert all(len(row) == len(shown.header) for row in shown.rows)


@pytest.mark.parametrize(
    ("adapted", "reading"),
    [
        ([98.1, 98.2, 98.3], "as good"),
        ([98.8, 98.9, 99.0], "better"),
        ([97.1, 97.2, 97.3], "worse"),
        ([97.0, 98.2, 99.4], "open"),
    ],
)
def test_a_comparison_is_read_for_the_reader(store: Store, adapted: list[float], reading: str) -> None:
    add(store, {"sb": [98.2, 98.1, 98.3], "lb_ra": adapted})
    shown = table(compare_methods(read_records(store.root)), AS_GOOD)
    assert shown.rows[0][shown.header.index("reads as")] == reading
