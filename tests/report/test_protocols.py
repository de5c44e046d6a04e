"""The tables' cells trained following the released code: rows of their own, compared with the others."""

import csv
import json
from math import log

import pytest
from report_records import Store, walk
from scipy import stats

from gengap.cli.report import main
from gengap.plan.evidence import own_rows
from gengap.report.cells import read_records
from gengap.report.comparison_tables import table
from gengap.report.comparisons import PRECISION, PROTOCOL, compare_methods
from gengap.report.figures import figures
from gengap.report.figures.own_runs import PREFIX
from gengap.report.markup import csv_text
from gengap.report.other_runs import variants
from gengap.report.overview import counts
from gengap.report.page import texts
from gengap.report.rows import Row
from gengap.report.tables import data, detailed, quick

PAPER = {"sb": [98.2, 98.3], "lb_lr": [96.4, 96.5]}
RELEASED = {"lb_lr": [97.5, 97.7], "lb_gbn": [97.6]}


@pytest.fixture
def both(store: Store) -> Store:
    """MNIST following the paper, and in part the released code."""
    for method, accuracies in PAPER.items():
        for seed, accuracy in enumerate(accuracies):
            store.add(f"mnist_{method}", seed, accuracy)
    for method, accuracies in RELEASED.items():
        for seed, accuracy in enumerate(accuracies):
            store.add_with("protocol=bigbatch", f"mnist_{method}", seed, accuracy)
    return store


def test_a_row_of_its_own_below(both: Store) -> None:
    rows = quick(read_records(both.root)).rows
    assert [row[0] for row in rows if row[0]] == ["F1, MNIST", "F1, MNIST (bigbatch)"]
    assert rows[0][2:] == ("98.25 ± 0.07 (n=2)", "missing", "96.45 ± 0.07 (n=2)", "missing", "missing")
    assert rows[4][2:] == ("missing", "missing", "97.60 ± 0.14 (n=2)", "97.60 (n=1)", "missing")


def test_every_cell_names_its_protocol_and_no_run_is_left_apart(both: Store) -> None:
    records = read_records(both.root)
    shown = detailed(records)
    place = shown.header.index("protocol")
    assert [row[place] for row in shown.rows] == ["paper"] * 2 + ["bigbatch"] * 2
    assert not variants(records).rows
    lines = list(csv.DictReader(csv_text(data(records)).splitlines()))
    assert {(r["protocol"], r["precision"]) for r in lines} == {("paper", "fp32"), ("bigbatch", "fp32")}
    assert "Rows marked (bf16)" in texts(records)["table1.md"]


def test_counts_are_of_one_protocol_each(both: Store) -> None:
    paper, released = counts(read_records(both.root)).splitlines()
    assert paper.startswith("- Table 1 (fp32): 2 of 30 cells")
    assert released.startswith("- Table 1 (bigbatch): 2 of 30 cells")


def test_what_the_protocol_changes_is_tested(both: Store) -> None:
    found = compare_methods(read_records(both.root))
    changed = {c.name: c for c in found if c.kind == PROTOCOL}
    assert list(changed) == ["+LR bigbatch − paper", "+GBN bigbatch − paper"]
    line = changed["+LR bigbatch − paper"]
    expected = stats.ttest_rel(RELEASED["lb_lr"], PAPER["lb_lr"])
    assert line.value == pytest.approx(1.15)
    assert line.p == pytest.approx(expected.pvalue)
    assert (line.low, line.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert changed["+GBN bigbatch − paper"].reason == "needs 2 seeds: +GBN bigbatch has 1, paper has 0"
    assert table(found, PROTOCOL).header[-3:] == ("p", "p (Holm)", "reads as")
    assert not [c for c in found if c.kind == PRECISION]


def test_bf16_by_the_released_code_differs_in_two_things_and_stands_apart(both: Store) -> None:
    both.add_with("protocol=bigbatch precision=bf16", "mnist_sb", 0, 11.0)
    records = read_records(both.root)
    assert Row("mnist_f1", "bf16") not in {row for row, _ in records.cells}
    (variant,) = variants(records).rows
    assert variant[2] == "precision=bf16 protocol=bigbatch"


@pytest.mark.parametrize("settings", ["protocol=bigbatch", "precision=bf16"])
def test_figures_draw_the_paper_s_text_in_fp32(settings: str, store: Store) -> None:
    store.add_with(settings, "cifar10_sb", 0, 92.0)
    records = read_records(store.root)
    assert records.cells
    assert [f.name for f in figures(records) if f.draw and not f.name.startswith(PREFIX)] == []


def test_distances_of_the_released_protocol_alone_are_drawn(store: Store) -> None:
    rows = walk(2000, lambda t: 1 + log(t))
    store.add_with("protocol=bigbatch", "cifar10_sb", 0, 92.0, rows=rows)
    (drawn,) = (f for f in figures(read_records(store.root)) if f.name == "distance")
    assert [len(axis.lines) > 0 for axis in drawn.draw().axes] == [True]


def test_plan_reads_the_paper_s_text(both: Store) -> None:
    assert main([f"results_dir={both.root}"]) == 0
    assert {row.workload: sorted(row.cells) for row in own_rows(both.root)} == {"mnist_f1": ["lb_lr", "sb"]}


def test_older_records_without_drawn_weights_are_a_variant(both: Store) -> None:
    before = read_records(both.root)
    directory = both.add_with("protocol=bigbatch protocol.bn_weight=network", "mnist_lb_lr", 0, 97.1)
    record = json.loads((directory / "run.json").read_text())
    del record["config"]["protocol"]["bn_weight"]  # as in those records
    (directory / "run.json").write_text(json.dumps(record))
    records = read_records(both.root)
    (variant,) = variants(records).rows
    assert variant[2:5] == ("protocol=bigbatch protocol.bn_weight=network", "1", "97.10")
    assert quick(records) == quick(before)
