"""The figures' data against direct computations from synthetic records, and what they say is missing."""

import csv
import json
from dataclasses import replace
from math import log, sqrt
from pathlib import Path
from statistics import mean, stdev

import pytest
from figure_records import add_run, drop, schedule
from report_records import Store

from gengap.config.shipped import experiments
from gengap.config.sweep import parameters
from gengap.paper.figures import points, published
from gengap.report.cells import read_records
from gengap.report.figures import ERRORS, Figure, figures
from gengap.report.figures.canvas import save
from gengap.report.figures.curves import ADAPTED_RATE, FIXED_RATE
from gengap.report.markup import Table, csv_text

pytestmark = pytest.mark.slow


def by_column(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(csv_text(table).splitlines()))


def command(store: Store, words: str) -> str:
    return f"gengap train {words} results_dir={store.root}"


def drawn(store: Store) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures(read_records(store.root))}


def metrics(directory: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def in_sweep(name: str) -> set[str]:
    return {e.strip() for e in parameters(name)["+experiment"].split(",")}


def test_every_figure_s_lines_are_its_sweep() -> None:
    for about in ERRORS.values():
        assert {c.experiment for c in about.curves} == in_sweep(about.sweep)
    assert {c.experiment for c in FIXED_RATE + ADAPTED_RATE} == in_sweep("figure2")


def test_published_values_belong_to_cells_and_are_drawn_in_their_figures() -> None:
    known = {*experiments(), ""}
    assert {p.experiment for p in points()} <= known
    assert all("read off" in p.source and float(p.value) > 0 for p in points())
    assert published("1b", "final validation error", "cifar10_b2048_lb") == "12.65"
    assert published("2a", "slope", "cifar10_sb") == "2.06"
    for panel, curves in (("2a", FIXED_RATE), ("2b", ADAPTED_RATE)):
        assert all(published(panel, "end distance", c.experiment) for c in curves)
    assert [published(f, "drop") for f in ("3", "5", "6")] == ["31600", "15800", ""]


def test_error_curves_are_means_over_finished_seeds(store: Store) -> None:
    runs = [add_run(store, "cifar10_b512_lb", s, error=lambda p, s=s: 50 - 40 * p + s * s) for s in range(3)]
    add_run(store, "cifar10_b512_lb", 3, error=lambda p: 99.0, status="diverged")
    figure = drawn(store)["figure1"]
    rows = by_column(figure.data["figure1"])
    assert {(r["line"], r["experiment"], r["n"]) for r in rows} == {("512", "cifar10_b512_lb", "3")}
    for title, key in (("training error", "train_error"), ("validation error", "val_error")):
        shown = [r for r in rows if r["panel"] == title]
        recorded = [[row for row in metrics(run) if key in row] for run in runs]
        assert len(shown) == len(recorded[0]) == 100
        for row, *values in zip(shown, *recorded, strict=True):
            assert float(row["epoch"]) == pytest.approx(values[0]["epoch"])
            assert float(row["error_mean"]) == pytest.approx(mean(v[key] for v in values), rel=1e-5)
            assert float(row["error_std"]) == pytest.approx(stdev(v[key] for v in values), rel=1e-3)


def test_final_errors_stand_beside_the_published_ones(store: Store) -> None:
    for seed, final in enumerate([9.0, 9.5]):
        add_run(store, "cifar10_b512_lb", seed, error=lambda p, f=final: f)
    (row,) = by_column(drawn(store)["figure1"].tables["Final validation error, %"])
    assert (row["ours ± std"], row["difference"], row["n"]) == ("9.25 ± 0.35", "+0.05", "2")
    assert row["published (read off, ±0.15)"] == "9.2"


def test_a_figure_without_records_is_named_in_the_published_report_alone(store: Store) -> None:
    store.add("digits_sb", 0)
    records = read_records(store.root)
    shown = {figure.name: figure for figure in figures(replace(records, are_published=True))}
    for name, sweep in (("figure1", 1), ("figure2", 2), ("figure3", 3), ("figure5", 5), ("figure7", 1)):
        for figure in (drawn(store)[name], shown[name]):
            assert figure.draw is None
            assert not figure.data
        assert drawn(store)[name].missing == ()
        assert shown[name].missing == (f"no records yet: gengap train +sweep=figure{sweep}",)


def test_a_row_with_one_method_misses_the_others(store: Store) -> None:
    add_run(store, "cifar10_sb")
    figure = drawn(store)["regime_adaptation"]
    assert figure.draw is None
    assert figure.missing == tuple(
        f"Resnet44, CIFAR-10, {label}: no finished run; {command(store, f'+experiment=cifar10_{method}')}"
        for label, method in (("LB", "lb"), ("+RA", "lb_ra"))
    )


def test_a_part_of_the_runs_is_drawn_and_the_rest_named(store: Store) -> None:
    add_run(store, "cifar10_sb")
    add_run(store, "cifar10_sb", 1, status="diverged")
    add_run(store, "cifar10_lb_ra", status="diverged")
    figure = drawn(store)["figure3"]
    assert figure.draw is not None
    assert "128: 1 (and 1 diverged)." in figure.caption
    assert figure.missing == (
        f"2048 +RA: no records; {command(store, '+experiment=cifar10_b2048_lb_ra')}",
        f"4096 +RA: 1 diverged; {command(store, '+experiment=cifar10_lb_ra')}",
    )
    assert {r["line"] for r in by_column(figure.data["figure3"])} == {"128"}


def test_a_gap_that_two_panels_share_is_named_once(store: Store, tmp_path: Path) -> None:
    add_run(store, "cifar10_b64_sb")
    figure = drawn(store)["figure2"]
    save(figure, tmp_path)
    assert "<!-- no finished run yet -->" in (tmp_path / "figure2.svg").read_text()  # of panel b
    missing = figure.missing
    assert len([line for line in missing if "cifar10_sb" in line]) == 1
    assert len(missing) == 5 + 5


def test_distances_of_both_norms_until_the_rate_changes(store: Store) -> None:
    first = drop("cifar10_b2048_lb")
    for seed, scale in enumerate([1.0, 1.5]):
        add_run(
            store,
            "cifar10_b2048_lb",
            seed,
            distance=lambda t, k=scale: k * (10 + 4 * log(t)),
            tensor=lambda t, k=scale: k * (2 + log(t)),
        )
    figure = drawn(store)["figure2"]
    for norm, slope, offset in (("all parameters", 4, 10), ("first convolution", 1, 2)):
        rows = [r for r in by_column(figure.data["figure2"]) if r["norm"] == norm]
        assert {r["panel"] for r in rows} == {"2a"}
        assert float(rows[-1]["update"]) == first
        for row in rows[:-1]:
            expected = offset + slope * log(float(row["update"]))
            assert float(row["distance_mean"]) == pytest.approx(1.25 * expected, rel=1e-5)
            assert float(row["distance_std"]) == pytest.approx(expected * 0.5 / sqrt(2), rel=1e-3)
        fits = [r for r in by_column(figure.data["figure2_fits"]) if r["norm"] == norm]
        assert [float(r["slope"]) for r in fits] == pytest.approx([slope, 1.5 * slope])


def test_which_norm_compares_both_with_the_published_values(store: Store) -> None:
    first = drop("cifar10_b2048_lb")
    # The published end and slope for the first tensor, five times that for all parameters
    add_run(
        store,
        "cifar10_b2048_lb",
        distance=lambda t: 5 * max(0.1, 3.4 + 0.97 * log(t / first)),
        tensor=lambda t: max(0.1, 3.4 + 0.97 * log(t / first)),
    )
    row, last = by_column(drawn(store)["figure2"].tables["Which norm?"])
    assert (row["end distance, published"], row["slope, published"]) == ("3.4", "0.97")
    assert float(row["end distance, first convolution"]) == pytest.approx(3.4, abs=0.05)
    assert float(row["end distance, all parameters"]) == pytest.approx(17.0, abs=0.25)
    assert float(row["slope, first convolution"]) == pytest.approx(0.97, abs=0.02)
    assert last["slope, all parameters"] in {"398 %", "399 %", "400 %"}


def test_figure_7_is_figure_2a_by_epoch(store: Store) -> None:
    add_run(store, "cifar10_b256_lb")
    both = drawn(store)
    updates, epochs = (by_column(both[name].data[name]) for name in ("figure2", "figure7"))
    per_epoch = float(schedule("cifar10_b256_lb")[1].updates_per_epoch)
    assert len(updates) == len(epochs) > 50
    for by_update, by_epoch in zip(updates, epochs, strict=True):
        assert float(by_epoch["epoch"]) == pytest.approx(float(by_update["update"]) / per_epoch)
        assert by_epoch["distance_mean"] == by_update["distance_mean"]
    assert float(epochs[-1]["epoch"]) == pytest.approx(81, abs=0.01)


def test_regime_adaptation_is_shown_where_two_methods_are_there(store: Store) -> None:
    assert drawn(store)["regime_adaptation"].draw is None
    add_run(store, "cifar10_sb", error=lambda p: 30 - 20 * p)
    assert drawn(store)["regime_adaptation"].draw is None
    add_run(store, "cifar10_lb_ra", error=lambda p: 30 - 21 * p)
    figure = drawn(store)["regime_adaptation"]
    assert figure.number == ""
    rows = by_column(figure.data["regime_adaptation"])
    last = {r["method"]: r for r in rows}  # a dictionary keeps the last
    assert {m: (r["update"], r["val_error_mean"]) for m, r in last.items()} == {
        "sb": ("39062", "10"),
        "lb_ra": ("39062", "9"),
    }
    assert figure.missing == (
        f"Resnet44, CIFAR-10, LB: no finished run; {command(store, '+experiment=cifar10_lb')}",
    )


def test_every_figure_is_drawn_with_all_its_lines(store: Store, tmp_path: Path) -> None:
    for experiment in set().union(*(in_sweep(f"figure{i}") for i in (1, 2, 3, 5, 6))) | {"cifar10_lb"}:
        for seed in range(2):
            add_run(store, experiment, seed, error=lambda p, s=seed: 40 - 30 * p + s)
    for figure in figures(read_records(store.root)):
        assert not figure.missing
        assert "(n)" in figure.caption or figure.number == ""
        save(figure, tmp_path)
        svg = (tmp_path / f"{figure.name}.svg").read_text()
        read_off = figure.name in {"figure1", "figure2", "figure3", "figure7"}
        assert ("published, read off" in svg) == read_off
        for row in by_column(figure.data[figure.name]) if figure.number else []:
            label = row["line"].removeprefix("'").removesuffix(" +GBN")
            assert f"<!-- {label} -->" in svg
