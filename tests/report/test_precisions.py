"""The tables' cells trained in bf16: rows of their own, never in a mean with the others."""

import csv
from pathlib import Path

import pytest
from report_records import Store

from gengap.cli.report import main
from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.plan.evidence import own_rows
from gengap.report.cells import read_records
from gengap.report.markup import csv_text
from gengap.report.other_runs import variants
from gengap.report.overview import counts, gaps
from gengap.report.page import texts
from gengap.report.rows import Part
from gengap.report.tables import data, detailed, missing, quick


@pytest.fixture
def both(store: Store) -> Store:
    """MNIST in fp32 and in part in bf16; C1 in bf16 only; the demo in fp32 only."""
    for seed, accuracy in enumerate([98.0, 98.2]):
        store.add("mnist_sb", seed, accuracy)
        store.add("mnist_lb", seed, accuracy - 1)
        store.add_with("precision=bf16", "mnist_sb", seed, accuracy - 2)
    store.add_with("precision=bf16", "mnist_lb", 0, 90.0, status="diverged")
    store.add_with("precision=bf16", "cifar10_c1_lb_ra", 0, 88.5)
    store.add("digits_sb", 0, 97.0)
    return store


def test_a_row_of_its_own_right_below(both: Store) -> None:
    rows = quick(read_records(both.root)).rows
    assert [row[:2] for row in rows if row[0]] == [
        ("F1, MNIST", "ours"),
        ("F1, MNIST (bf16)", "ours"),
        ("C1, CIFAR-10 (bf16)", "ours"),
    ]
    assert rows[0][2:] == ("98.10 ± 0.14 (n=2)", "97.10 ± 0.14 (n=2)", "missing", "missing", "missing")
    assert rows[4:8] == (
        ("F1, MNIST (bf16)", "ours", "96.10 ± 0.14 (n=2)", "1 of 1 diverged", *("missing",) * 3),
        ("", "paper", *(paper.accuracy("mnist_f1", m) for m in METHODS)),
        ("", "difference", "-2.17 ▼", "", "", "", ""),
        ("", "samples", "256,000 (1×)", "", "", "", ""),
    )


def test_a_row_in_bf16_alone_is_not_called_without_records(both: Store) -> None:
    text = texts(read_records(both.root))["table1.md"]
    assert "No records yet for Resnet44, CIFAR-10; VGG, CIFAR-10;" in text
    assert "No records in fp32 following the paper yet for C1, CIFAR-10." in text
    assert "| C1, CIFAR-10 (bf16) | ours |" in text
    assert "| C1, CIFAR-10 | ours |" not in text


def test_every_cell_names_its_precision(both: Store) -> None:
    table = detailed(read_records(both.root))
    place = table.header.index("precision")
    assert [(row[0], row[1], row[place]) for row in table.rows] == [
        ("F1, MNIST", "SB", "fp32"),
        ("F1, MNIST", "LB", "fp32"),
        ("F1, MNIST", "SB", "bf16"),
        ("F1, MNIST", "LB", "bf16"),
        ("C1, CIFAR-10", "+RA", "bf16"),
    ]
    assert missing(read_records(both.root)) == (
        "F1, MNIST: +LR, +GBN, +RA; F1, MNIST (bf16): +LR, +GBN, +RA; C1, CIFAR-10 (bf16): SB, LB, +LR, +GBN"
    )


def test_the_numbers_stand_with_the_cells_not_with_the_variants(both: Store) -> None:
    both.add_with("precision=bf16 protocol=bigbatch", "mnist_sb", 0, 11.0)
    records = read_records(both.root)
    assert [row[2] for row in variants(records).rows] == ["precision=bf16 protocol=bigbatch"]
    lines = list(csv.DictReader(csv_text(data(records)).splitlines()))
    cells = {(r["workload"], r["method"], r["precision"]): r for r in lines if r["kind"] == "cell"}
    assert len(cells) == 15
    assert cells["mnist_f1", "sb", "bf16"]["mean"] == "96.1000"
    assert cells["mnist_f1", "sb", "bf16"]["difference"] == "-2.1700"
    assert cells["mnist_f1", "sb", "bf16"]["experiment"] == "mnist_sb"
    assert cells["mnist_f1", "sb", "fp32"]["mean"] == "98.1000"
    assert cells["mnist_f1", "lb_ra", "bf16"]["left_out"] == "missing"


def test_counts_are_of_one_precision_each(both: Store) -> None:
    assert counts(read_records(both.root)) == (
        "- Table 1 (fp32): 2 of 30 cells have finished runs: "
        "2 near the paper's number (≈), 0 above it (▲), 0 below it (▼)"
        "; the prediction interval contains it in 2 of 2 cells with at least two seeds.\n"
        "- Table 1 (bf16): 2 of 30 cells have finished runs: "
        "1 near the paper's number (≈), 0 above it (▲), 1 below it (▼)"
        "; the prediction interval contains it in 1 of 1 cells with at least two seeds.\n"
    )


def test_the_gap_is_between_cells_of_one_precision(both: Store) -> None:
    for seed, accuracy in enumerate([91.0, 91.2], start=1):
        both.add_with("precision=bf16", "mnist_lb", seed, accuracy)
    rows = {row[0]: row[1] for row in gaps(read_records(both.root), Part.TABLE1).rows}
    assert rows == {"F1, MNIST": "+1.00", "F1, MNIST (bf16)": "+5.00"}


def test_words_about_precision_stand_only_where_there_are_such_rows(both: Store, tmp_path: Path) -> None:
    assert "Rows marked (bf16)" in texts(read_records(both.root))["table1.md"]
    alone = Store(tmp_path / "alone")
    alone.add("mnist_sb", 0)
    assert "bf16" not in texts(read_records(alone.root))["table1.md"]


def test_rows_of_table_2_share_their_cells_in_bf16_too(store: Store) -> None:
    for name, accuracy in (("imagenet_sb", 57.0), ("imagenet_lb_gbn", 54.0), ("imagenet_8k_lb_gbn", 53.0)):
        store.add_with("precision=bf16", name, 0, accuracy)
    records = read_records(store.root)
    ours_4k, ours_8k = (row for row in quick(records, Part.TABLE2).rows if row[0])
    assert ours_4k[0] == "Alexnet, ImageNet, 4096 (bf16)"
    assert ours_8k[0] == "Alexnet, ImageNet, 8192 (bf16)"
    assert (ours_4k[2], ours_4k[5]) == ("57.00 (n=1)", "54.00 (n=1)")
    assert (ours_8k[2], ours_8k[5]) == ("57.00 (n=1)", "53.00 (n=1)")
    rows = "Alexnet, ImageNet, 4096; Alexnet, ImageNet, 8192"
    assert f"No records in fp32 following the paper yet for {rows}." in texts(records)["table2.md"]
    assert not variants(records).rows
    in_bf16 = [
        line for line in texts(records)["comparisons.csv"].splitlines() if line.startswith("precision")
    ]
    assert len(in_bf16) == 3  # the shared cell once


@pytest.mark.usefixtures("without_pictures")
def test_every_file_has_the_row_and_plan_reads_the_other(both: Store) -> None:
    assert main([f"results_dir={both.root}"]) == 0
    for name in ("README.md", "report.html", "table1.md", "table1.tex"):
        assert "F1, MNIST (bf16)" in (both.root / "report" / name).read_text()
    assert main([f"results_dir={both.root}", "--check"]) == 0
    found = [(r.workload, r.precision, {m: c[1] for m, c in r.cells.items()}) for r in own_rows(both.root)]
    assert found == [
        ("mnist_f1", "fp32", {"sb": 98.1, "lb": 97.1}),
        ("cifar10_c1", "bf16", {"lb_ra": 88.5}),
        ("digits_f1", "fp32", {"sb": 97.0}),
    ]
