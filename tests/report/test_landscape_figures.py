"""The figures of the loss surface, on records whose numbers the tests know in closed form."""

import json
import shutil
import warnings
from math import exp, log, sqrt
from pathlib import Path
from statistics import stdev

import pytest
from landscape_records import add_measured, on_line, sharp, walked
from report_records import Store

from gengap.config.conf import CONF
from gengap.report.cells import read_records
from gengap.report.figures.canvas import save
from gengap.report.figures.figure import Figure
from gengap.report.landscape.section import Landscape
from gengap.report.markup import Table

ALPHAS = (-1.0, 0.0, 1.0, 2.0)
START = "digits_f1-sb-e0a66c8e/seed0"


def rows(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def drawn(store: Store, folder: Path) -> list[Figure]:
    """The figures of the landscape, all of them drawn without a warning."""
    found = Landscape(read_records(store.root)).figures
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in found:
            save(figure, folder)
            assert {p.suffix for p in folder.glob(f"{figure.name}.*")} == {".svg", ".pdf", ".png"}
    return found


@pytest.fixture(autouse=True)
def small_batch(store: Store) -> None:
    """Where lines begin."""
    assert store.add("digits_sb", 99).parent.name == START.partition("/")[0]


def add_line(store: Store, seed: int, mode: str = "trained") -> None:
    points = [on_line(a, exp(a + seed), 10 + seed, batch_norm=mode) for a in ALPHAS]
    settings = {"start": START, "path": "linear", "points": 31}
    add_measured(store, "digits_lb", seed, "line", points, settings)


def test_lines_have_a_panel_per_mode_and_a_band_over_seeds(store: Store, tmp_path: Path) -> None:
    for seed in range(2):
        add_line(store, seed)
        add_line(store, seed, "batch")
    (figure,) = drawn(store, tmp_path)
    assert figure.name == "landscape-line-digits_f1-lb-from-sb"
    assert figure.heading == "F1, digits: from SB to LB"
    found = rows(figure.data[figure.name])
    assert [(r["batch_norm"], float(r["alpha"]), r["n"]) for r in found] == [
        (mode, a, "2") for mode in ("trained", "batch") for a in ALPHAS
    ]
    for row in found:
        alpha = float(row["alpha"])
        assert float(row["train_loss"]) == pytest.approx(exp(alpha + 0.5), rel=1e-5)
        assert float(row["val_loss"]) == pytest.approx(2 * exp(alpha + 0.5), rel=1e-5)
        assert float(row["train_loss_factor"]) == pytest.approx(exp(stdev([0, 1])), rel=1e-5)
        assert (row["train_accuracy"], row["val_accuracy"]) == ("89.5", "79")
        assert float(row["val_accuracy_std"]) == pytest.approx(stdev([80, 78]), rel=1e-5)
    svg = (tmp_path / f"{figure.name}.svg").read_text()
    assert "<!-- batch norm: trained -->" in svg
    assert "<!-- batch norm: batch -->" in svg


def test_a_curved_path_is_a_figure_of_its_own_and_four_modes_are_four_panels(
    store: Store, tmp_path: Path
) -> None:
    for mode in ("trained", "recomputed", "batch", "interpolated"):
        add_line(store, 0, mode)
    points = [on_line(a, 0.5, 1.0, path="curved") for a in (0.0, 0.5, 1.0)]
    settings = {"start": START, "path": "curved", "points": 31}
    add_measured(store, "digits_lb", 0, "line", points, settings)
    straight, curved = drawn(store, tmp_path)
    assert len({r["batch_norm"] for r in rows(straight.data[straight.name])}) == 4
    assert curved.heading == "F1, digits: from SB to LB, curved path"
    assert len(rows(curved.data[curved.name])) == 3


def test_points_where_the_loss_is_not_finite_are_left_out_and_named(store: Store, tmp_path: Path) -> None:
    points = [on_line(a, None if a == 2 else 0.5, 1.0) for a in ALPHAS]
    add_measured(store, "digits_lb", 0, "line", points, {"start": "x/seed0", "path": "linear", "points": 31})
    (figure,) = drawn(store, tmp_path)
    assert [float(r["alpha"]) for r in rows(figure.data[figure.name])] == list(ALPHAS[:3])
    assert "α = trained: 2." in str(figure.details)


def test_sharpness_by_batch_size_where_nothing_else_differs(store: Store, tmp_path: Path) -> None:
    for seed in range(2):
        for batch in (32, 64, 128):
            value = batch * (1 + seed)
            words = f"method.batch_size={batch}"
            store.add_with(words, "digits_sb", seed, 99 - batch / 64)
            add_measured(store, "digits_sb", seed, "sharpness", [sharp(value)], words=words)
        other = "method.batch_size=256 method.lr_rule=sqrt"
        add_measured(store, "digits_sb", seed, "sharpness", [sharp(1.0)], words=other)
    (figure,) = drawn(store, tmp_path)
    assert figure.name == "landscape-sharpness_by_batch-digits_f1"
    found = rows(figure.data[figure.name])
    assert [r["batch_size"] for r in found] == ["32", "64", "128"]
    for row in found:
        assert float(row["sharpness"]) == pytest.approx(sqrt(2) * float(row["batch_size"]), rel=1e-5)
        assert float(row["sharpness_factor"]) == pytest.approx(exp(stdev([0, log(2)])), rel=1e-5)
    table = rows(figure.tables["By batch size"])
    assert (table[0]["sharpness"], table[0]["validation %"]) == ("48.0 ± 23 (n=2)", "98.50 ± 0.00")


def test_an_older_record_is_of_the_family_of_newer_ones(store: Store, tmp_path: Path) -> None:
    """Committed records of batch sizes 256 and 6000, from before some keys, beside one with all keys."""
    for run in ("keskar_f1-sb-16d46f58", "keskar_f1-lb-67abb26b"):
        committed, here = (root / "landscape" / run for root in (CONF.parent / "results", store.root))
        shutil.copytree(committed, here, ignore=shutil.ignore_patterns("line-*"))
    for seed in range(5):
        add_measured(store, "keskar_f1_b1024_lb", seed, "sharpness", [sharp(5.0), sharp(2.0, 5e-4)])
    figure = next(f for f in drawn(store, tmp_path) if "by_batch" in f.name)
    found = rows(figure.data[figure.name])
    assert {r["batch_norm"] for r in found} == {"trained"}  # 1024 is measured in no other mode
    assert [(r["batch_size"], r["n"]) for r in found] == [("256", "5"), ("1024", "5"), ("6000", "5")] * 2


def test_two_batch_sizes_are_no_figure(store: Store, tmp_path: Path) -> None:
    for method in ("sb", "lb"):
        add_measured(store, f"digits_{method}", 0, "sharpness", [sharp(1.0)])
    assert drawn(store, tmp_path) == []


def test_the_potential_of_a_linear_std_has_alpha_2(store: Store, tmp_path: Path) -> None:
    about = {"batch_norm": "batch", "initial": "glorot", "radius": 10.0, "loss": 2.0}
    distances = [10 * (k + 0.5) / 400 for k in range(400)]
    for seed in range(2):
        losses = [2.0 + 0.03 * d * (-1) ** k for k, d in enumerate(distances)]
        halves = [
            about | {"distances": distances[half], "losses": losses[half]}
            for half in (slice(0, 200), slice(200, 400))
        ]
        add_measured(store, "digits_sb", seed, "potential", halves, {"directions": 1000, "initial": "glorot"})
    (figure,) = drawn(store, tmp_path)
    assert figure.name == "landscape-figure4-digits_f1-glorot-batch"
    assert figure.heading.startswith("Figure 4: the loss as a random potential, F1, digits, glorot weights")
    found = rows(figure.tables["The exponent α"])
    assert {r["bins"] for r in found} == {"10", "20", "30", "40", "50", "100"}
    assert {r["α"] for r in found} == {"2.00"}
    assert {r["directions"] for r in found if r["seed"] in "01"} == {"400"}
    assert [r["95 %"] for r in found if r["seed"] == "mean (n=2)"] == ["2.00 to 2.00"] * 6


def test_few_directions_are_drawn_but_not_fitted(store: Store, tmp_path: Path) -> None:
    about = {"batch_norm": "batch", "initial": "glorot", "radius": 10.0, "loss": 2.0}
    points = about | {"distances": [k / 4 for k in range(1, 39)], "losses": [2.0 + k / 10 for k in range(38)]}
    for seed in range(2):
        file = add_measured(store, "digits_sb", seed, "potential", [points], {"directions": 38})
    record = json.loads(file.read_text())
    del record["config"]["data"]["bad_photographs"]  # as in a record of an older version
    file.write_text(json.dumps(record))
    (figure,) = drawn(store, tmp_path)  # both seeds are of one surface
    assert rows(figure.tables["The exponent α"]) == []
    assert {r["bins"] for r in rows(figure.data[figure.name])} == {"10"}


def test_walks_show_the_mean_step_and_the_covariance_under_both_rules(store: Store, tmp_path: Path) -> None:
    for seed in range(2):
        points = [
            walked(update, size, 16 * 64.0 / size, 4.0 if size < 64 else -0.5, noise_scale=40.0 + 2 * seed)
            for update in (0, 50)
            for size in (16, 32, 64)
        ]
        add_measured(store, "digits_sb", seed, "walk", points, {"sizes": [], "draws": 32, "points": 8})
    (figure,) = drawn(store, tmp_path)
    assert figure.heading == "Mean and covariance of updates, F1, digits, SB, batch norm: ghost"
    table = rows(figure.tables["By update and batch size"])
    assert len(table) == 6
    assert [r["|E Δw| / std"] for r in table[:3]] == ["0.250 ± 0", "0.354 ± 0", "0 ± 0"]
    assert [r["covariance, none"] for r in table[:3]] == ["1.00 ± 0", "0.500 ± 0", "0.250 ± 0"]
    assert [r["covariance, sqrt"] for r in table[:3]] == ["1.00 ± 0", "1.00 ± 0", "1.00 ± 0"]
    assert {(r["noise scale"], r["its standard error"]) for r in table} == {("41.0 ± 1.4", "2.00 ± 0")}
    assert {r["n"] for r in table} == {"2"}


def test_steps_of_adam_are_left_out_and_its_noise_scale_stays(store: Store, tmp_path: Path) -> None:
    points = [walked(0, size, 64.0 / size, 4.0) for size in (16, 32)]
    unknown = {f"step_covariance_{rule}": None for rule in ("none", "sqrt")}
    old, new = points, [m | unknown for m in points]
    for seed, measurements in enumerate((old, new)):
        add_measured(
            store, "keskar_f1_sb", seed, "walk", measurements, {"sizes": [], "draws": 32, "points": 8}
        )
    (figure,) = drawn(store, tmp_path)
    assert "ADAM, whose updates are no multiples of the gradient" in " ".join(str(figure.details).split())
    table = rows(figure.tables["By update and batch size"])
    assert {(r["covariance, none"], r["covariance, sqrt"]) for r in table} == {("", "")}
    assert {r["noise scale"] for r in table} == {"40.0 ± 0"}
