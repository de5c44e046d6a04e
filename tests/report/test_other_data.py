"""Runs on other data are in no mean and no comparison, and the report says so."""

from typing import Any

import pytest
from report_records import Store

from gengap.cli.report import main
from gengap.report.cells import read_records
from gengap.report.comparisons import gap
from gengap.report.measure import Measured, measure, measure_cell
from gengap.report.other_runs import incomparable, unfinished
from gengap.report.questions.paired import compared, points
from gengap.report.rows import Row


def data(name: str | None) -> dict[str, Any]:
    """What a record says about data `name`; older records, for None, have no fingerprint."""
    found = {"train": 60000, "validation": 10000}
    return {"data": found | ({"fingerprint": {"train": name, "test": "t"}} if name else {})}


def measured(store: Store, method: str) -> Measured:
    return measure_cell(read_records(store.root), Row("mnist_f1"), method)


def test_a_mean_is_over_the_data_that_most_runs_have_and_older_runs(store: Store) -> None:
    for seed, name in enumerate(["a", "b", "b", None]):
        store.add("mnist_sb", seed, 98.0 + seed / 10, **data(name))
    cell = measured(store, "sb")
    assert cell.accuracy is not None
    assert (cell.n, cell.accuracy.mean) == (3, pytest.approx(98.2))
    assert cell.note() == "1 on other data"
    records = read_records(store.root)
    assert [row[1:] for row in incomparable(records, "data").rows] == [
        ("0", "a-t", f"runs/{cell.run}/seed0"),
    ]
    assert unfinished(records).rows == ()


def test_a_mean_is_over_one_source_of_the_network(store: Store) -> None:
    for seed, source in enumerate("aba"):
        store.add("mnist_sb", seed, 98.0 + seed / 10, network={"fingerprint": source})
    store.add("mnist_sb", 3, 98.3)  # an older record
    cell = measured(store, "sb")
    assert cell.accuracy is not None
    assert (cell.n, cell.accuracy.mean) == (3, pytest.approx((98.0 + 98.2 + 98.3) / 3))
    assert cell.note() == "1 of another network"
    assert [row[1:3] for row in incomparable(read_records(store.root), "network").rows] == [("1", "b")]


@pytest.mark.parametrize("name", ["b", "a", None])
def test_a_variant_on_other_data_is_not_compared_with_a_cell(name: str | None, store: Store) -> None:
    for seed in range(2):
        store.add("mnist_lb", seed, 97.0 + seed / 10, **data("a"))
        store.add_with("method.clip_norm=1", "mnist_lb", seed, 97.5 + seed / 20, **data(name))
    records = read_records(store.root)
    (cell,), (variant,) = records.cells.values(), records.variants
    line, tested = compared("step", Row("mnist_f1"), {"clipped": variant, "LB": cell})
    if name == "b":
        assert (line.value, line.reason, tested) == (None, "one side is on other data", None)
        assert points(line) == "clipped − LB is not known (n = 2 pairs: one side is on other data)"
    else:
        assert line.value == pytest.approx(0.475)


def test_cells_on_other_data_are_not_compared(store: Store) -> None:
    for seed in range(3):
        store.add("mnist_sb", seed, 98.0 + seed / 10, **data("a"))
    for seed in range(2):
        store.add("mnist_lb", seed, 97.0 + seed / 10, **data("b"))
    assert measured(store, "sb").n == 3
    assert (measured(store, "lb").n, measured(store, "lb").note()) == (0, "2 on other data")
    assert gap(read_records(store.root), Row("mnist_f1"), "sb", "lb").value is None


def test_variants_may_have_data_of_their_own(store: Store) -> None:
    for seed in range(3):
        store.add("mnist_sb", seed, **data("a"))
    store.add("mnist_sb", 0, **data("b"), run="mnist_f1-sb-0badcafe")
    store.add("mnist_sb", 1, **data("c"), run="mnist_f1-sb-0badcafe")
    assert measured(store, "sb").note() == ""
    [variant] = read_records(store.root).variants
    assert (measure(variant).n, measure(variant).note()) == (1, "1 on other data")


def test_runs_that_have_not_finished_keep_their_status(store: Store) -> None:
    for seed in range(2):
        store.add("mnist_sb", seed, **data("a"))
    store.add("mnist_sb", 2, status="diverged", **data("b"))
    assert measured(store, "sb").note() == "1 of 3 diverged"


@pytest.mark.slow
def test_the_report_names_them(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, name in enumerate("aab"):
        store.add("mnist_sb", seed, **data(name))
    assert main([f"results_dir={store.root}"]) == 0
    place = f"runs/{measured(store, 'sb').run}/seed2"
    told = capsys.readouterr().out
    assert f"trained on different data from most runs, excluded from all means: {place}\n" in told
    text = (store.root / "report" / "README.md").read_text()
    assert "98.00 ± 0.00 (n=2; 1 on other data)" in text
    assert "## Runs on other data" in text
    assert main([f"results_dir={store.root}", "--check"]) == 0
