import csv
from math import log
from pathlib import Path

import numpy as np
import pytest
from report_records import Store, walk

from gengap.report.bands import band_data
from gengap.report.cells import read_records
from gengap.report.distance import Walk, read_walk
from gengap.report.distance_tables import fit_data, fit_table
from gengap.report.figures.canvas import save
from gengap.report.figures.distance import figure
from gengap.report.markup import Table, csv_text


def by_column(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(csv_text(table).splitlines()))


NAMES = ("workload", "method")


def found(store: Store) -> list[tuple[tuple[str, ...], Walk]]:
    cells = read_records(store.root).cells
    names = sorted(cells, reverse=True)  # sb before lb
    walks = [((row.name, method), read_walk(cells[row, method])) for row, method in names]
    return [(words, w) for words, w in walks if w is not None]


def test_curve_is_the_mean_over_finished_seeds(store: Store) -> None:
    for seed, scale in enumerate([1.0, 2.0, 6.0]):
        store.add("mnist_sb", seed, rows=walk(100, lambda t, k=scale: k * t))
    store.add("mnist_sb", 3, status="running", rows=walk(100, lambda t: 1e9))
    store.add("mnist_lb", 0, status="diverged", rows=walk(100, lambda t: 1e9))
    store.add("mnist_lb_lr", 0)  # finished, but without recorded rows
    rows = by_column(band_data(NAMES, "update", "distance", [(words, w.band) for words, w in found(store)]))
    assert {(r["workload"], r["method"], r["n"]) for r in rows} == {("mnist_f1", "sb", "3")}
    assert {r["update"]: r["distance_mean"] for r in rows}["100"] == "300"
    assert {r["update"]: r["distance_std"] for r in rows}["100"] == "264.6"  # sqrt(7) * 100


def in_order(rows: list[dict]) -> list[dict]:
    """As a run writes them."""
    return sorted(rows, key=lambda row: row["update"])


def test_evaluation_rows_are_no_part_of_the_curve(store: Store) -> None:
    rows = walk(100, lambda t: 1 + log(t))
    between = {"update": 63, "distance": 99.0, "clipped": 0.0, "val_error": 2.0}
    store.add("mnist_sb", 0, rows=in_order([*rows, between]))
    assert found(store)[0][1].band.values.max() == pytest.approx(1 + log(100))


def test_a_line_cut_off_is_tolerated(store: Store) -> None:
    directory = store.add("mnist_sb", 0, rows=walk(100, lambda t: 1 + log(t)))
    whole = found(store)[0][1].band.x
    with (directory / "metrics.jsonl").open("a") as file:
        file.write('{"update": 101, "dist')
    assert np.array_equal(found(store)[0][1].band.x, whole)


def test_slope_by_seed_and_over_seeds(store: Store) -> None:
    for seed, slope in enumerate([1.0, 2.0, 6.0]):
        store.add("mnist_sb", seed, rows=walk(2000, lambda t, b=slope: 5 + b * log(t)), milestones=[500])
    curve = found(store)
    assert [float(r["slope"]) for r in by_column(fit_data(NAMES, curve))] == [1, 2, 6]
    (row,) = by_column(fit_table(NAMES, curve))
    assert row["slope b ± std"] == "3.000 ± 2.646"
    assert (row["n"], row["better law"], row["no fit"]) == ("3", "a + b ln t (3 of 3)", "")


def test_window_runs_from_the_end_of_clipping_to_the_first_milestone(store: Store) -> None:
    # An evaluation row counts clipping too: the last clipped update lies in (60, 70].
    rows = walk(2000, lambda t: 1 + log(t), clipped_until=60)
    rows.append({"update": 70, "distance": 1 + log(70), "clipped": 0.1, "val_error": 2.0})
    late = {"update": 1500, "distance": 1 + log(1500), "clipped": 0.1, "val_error": 2.0}
    store.add("mnist_sb", 0, rows=in_order([*rows, late]), milestones=[500, 900])
    (fit,) = by_column(fit_data(NAMES, found(store)))
    updates = [r["update"] for r in rows if "tensor_distances" in r]
    assert int(fit["start"]) == min(u for u in updates if u > 70)
    assert int(fit["end"]) == max(u for u in updates if u <= 500)


def test_without_milestones_the_window_ends_with_the_run(store: Store) -> None:
    store.add("mnist_sb", 0, rows=walk(2000, lambda t: 1 + log(t)), milestones=[])
    assert by_column(fit_data(NAMES, found(store)))[0]["end"] == "2000"


NO_ROW = "no row between the transient and the first change of the learning rate"
CLIPPED = "clipping, of 50.0 % of the updates, lasts until shortly before the learning rate changes"


def test_a_seed_without_a_fit_is_counted_with_its_reason(store: Store) -> None:
    store.add("mnist_sb", 0, rows=walk(2000, lambda t: 1 + log(t)))
    store.add("mnist_sb", 1, rows=walk(2000, lambda t: 1 + log(t), clipped_until=2000))
    store.add("mnist_lb", 0, rows=walk(4, lambda t: 1 + log(t)))
    sb, lb = by_column(fit_table(NAMES, found(store)))
    assert (sb["n"], sb["no fit"]) == ("1", f"1 of 2: {CLIPPED}")
    assert sb["slope b ± std"] == "1.000"
    assert (lb["n"], lb["slope b ± std"]) == ("0", "")
    assert lb["no fit"] == f"1 of 1: {NO_ROW}"


def test_power_law_walks_are_recognized(store: Store) -> None:
    store.add("mnist_sb", 0, rows=walk(2000, lambda t: 0.3 * t**0.6))
    assert by_column(fit_table(NAMES, found(store)))[0]["better law"] == "a t^b (1 of 1)"


def test_the_figure_is_the_same_every_time(mixed: Store, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        save(figure(read_records(mixed.root)), tmp_path / name)
    for file in ("distance.svg", "distance.pdf", "distance.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    svg = (tmp_path / "a" / "distance.svg").read_text()
    assert "F1, MNIST" in svg
    assert "<dc:date>" not in svg
    assert b"CreationDate" not in (tmp_path / "a" / "distance.pdf").read_bytes()


def test_fits_are_drawn_over_the_window_that_all_seeds_share(store: Store) -> None:
    for seed, clipped in enumerate([10, 60]):
        rows = walk(2000, lambda t: 1 + log(t), clipped_until=clipped)
        store.add("mnist_sb", seed, rows=rows, milestones=[500])
    records = read_records(store.root)
    fits = by_column(figure(records).data["distance_fits"])
    draw = figure(records).draw
    assert draw is not None
    drawn = [line for line in draw().axes[0].lines if line.get_marker() == "|"]
    assert [(line.get_xdata()[0], line.get_xdata()[-1]) for line in drawn] == [
        (pytest.approx(int(fits[1]["start"])), pytest.approx(int(fits[0]["end"])))
    ]
