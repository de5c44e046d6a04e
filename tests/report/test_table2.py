import csv
from dataclasses import replace

import pytest
from report_records import Store

from gengap.cli.report import main
from gengap.config.shipped import Cell
from gengap.paper import tables as paper
from gengap.paper.methods import METHODS
from gengap.report.cells import read_records
from gengap.report.markup import csv_text
from gengap.report.other_runs import variants
from gengap.report.page import texts
from gengap.report.places import experiment_of
from gengap.report.rows import Part
from gengap.report.tables import data, quick

NAMES = (
    "imagenet_sb", "imagenet_lb", "imagenet_lb_lr", "imagenet_lb_gbn", "imagenet_lb_ra",
    "imagenet_8k_lb_gbn", "imagenet_8k_lb_ra", "imagenet_b1024_lb",
)  # fmt: skip


def method(name: str) -> str:
    return next(m for m in ("lb_gbn", "lb_lr", "lb_ra", "lb", "sb") if name.endswith(f"_{m}"))


CELLS = {
    name: Cell(name, "imagenet_alexnet", method(name), f"imagenet_alexnet-{method(name)}-{i:08x}")
    for i, name in enumerate(NAMES)
}


@pytest.fixture
def imagenet(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Table 2 with one record of each cell but the regime-adapted ones, and one at another batch."""
    monkeypatch.setattr("gengap.report.places._cells", lambda present: tuple(CELLS.values()))
    monkeypatch.setattr(
        "gengap.report.places.all_choices", lambda: {n: (c.workload, c.method) for n, c in CELLS.items()}
    )
    monkeypatch.setattr("gengap.report.other_runs.differences", lambda group: "method.batch_size=1024")
    for i, name in enumerate(n for n in NAMES if not n.endswith("ra")):
        store.add(CELLS[name], 0, 50.0 + i)
    return store


def test_both_rows_share_the_cells_of_equal_batch(imagenet: Store) -> None:
    ours, printed, _, _, ours_8k, printed_8k, _, _ = quick(read_records(imagenet.root), Part.TABLE2).rows
    assert (ours[0], ours_8k[0]) == ("Alexnet, ImageNet, 4096", "Alexnet, ImageNet, 8192")
    assert ours[2:] == ("50.00 (n=1)", "51.00 (n=1)", "52.00 (n=1)", "53.00 (n=1)", "missing")
    assert ours_8k[2:] == ("50.00 (n=1)", "51.00 (n=1)", "52.00 (n=1)", "54.00 (n=1)", "missing")
    assert printed[2:] == tuple(paper.accuracy("imagenet_alexnet", m) for m in METHODS)
    assert printed_8k[2:] == tuple(paper.accuracy("imagenet_alexnet_8k", m) for m in METHODS)


def test_rows_stand_where_a_shared_cell_has_records(imagenet: Store) -> None:
    rows = {row[0] for row in quick(read_records(imagenet.root), Part.TABLE2).rows}
    assert rows == {"Alexnet, ImageNet, 4096", "Alexnet, ImageNet, 8192", ""}
    assert not quick(read_records(imagenet.root)).rows


def test_numbers_beside_the_papers(imagenet: Store) -> None:
    lines = list(csv.DictReader(csv_text(data(read_records(imagenet.root), Part.TABLE2)).splitlines()))
    cells = {(r["workload"], r["method"]): r for r in lines if r["kind"] == "cell"}
    assert len(cells) == 10
    assert cells["imagenet_alexnet_8k", "lb_gbn"]["difference"] == "0.0700"  # 54 - 53.93
    assert cells["imagenet_alexnet_8k", "sb"]["run"] == cells["imagenet_alexnet", "sb"]["run"]
    assert cells["imagenet_alexnet_8k", "lb_ra"]["experiment"] == "imagenet_8k_lb_ra"
    assert cells["imagenet_alexnet_8k", "lb_lr"]["experiment"] == "imagenet_lb_lr"


def test_another_batch_is_a_variant_of_table_2_only(imagenet: Store) -> None:
    records = read_records(imagenet.root)
    assert [row[1] for row in variants(records).rows] == ["imagenet_b1024_lb"]
    kinds = {
        part: [r["kind"] for r in csv.DictReader(csv_text(data(records, part)).splitlines())]
        for part in (Part.TABLE1, Part.TABLE2)
    }
    assert kinds == {Part.TABLE1: [], Part.TABLE2: ["cell"] * 10 + ["variant"]}


@pytest.mark.usefixtures("without_pictures")
def test_files_come_with_the_records(imagenet: Store, mixed: Store) -> None:
    files = texts(read_records(imagenet.root))
    assert {"table2.md", "table2.csv", "table2.tex"} <= set(files)
    assert "footnote 8" in files["table2.md"]
    assert files["table2.md"].count("| ours |") == 2
    assert "Alexnet" not in files["table1.md"]
    assert main([f"results_dir={imagenet.root}"]) == 0
    assert main([f"results_dir={imagenet.root}", "--check"]) == 0


def test_no_files_without_records(mixed: Store) -> None:
    files = texts(replace(read_records(mixed.root), are_published=True))
    assert not [name for name in files if name.startswith("table2")]
    assert "No records for ImageNet yet." in files["README.md"]


def test_the_cells_are_experiments() -> None:
    found = {row: [experiment_of(row, m) for m in METHODS] for row in paper.rows(2)}
    shared = ["imagenet_sb", "imagenet_lb", "imagenet_lb_lr"]
    assert found == {
        "imagenet_alexnet": [*shared, "imagenet_lb_gbn", "imagenet_lb_ra"],
        "imagenet_alexnet_8k": [*shared, "imagenet_8k_lb_gbn", "imagenet_8k_lb_ra"],
    }
