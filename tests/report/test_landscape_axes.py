"""Bins, surfaces and axes of the figures of the loss surface."""

from pathlib import Path

import numpy as np
import pytest
from landscape_records import add_measured, rows
from report_records import Store

from gengap.report.cells import read_records
from gengap.report.figures.canvas import save
from gengap.report.figures.figure import Figure
from gengap.report.landscape import lines
from gengap.report.landscape.section import Landscape

pytestmark = pytest.mark.filterwarnings("error")


def drawn(store: Store, folder: Path) -> list[Figure]:
    """The figures of the landscape, all of them drawn."""
    found = Landscape(read_records(store.root)).figures
    for figure in found:
        save(figure, folder)
    return found


def test_equal_initial_weights_of_two_methods_are_one_surface(store: Store, tmp_path: Path) -> None:
    about = {"batch_norm": "batch", "initial": "glorot", "radius": 10.0, "loss": 2.0}
    for method, losses in (("sb", [2.5]), ("lb", [2.5])):
        measurement = about | {"distances": [5.0], "losses": losses}
        add_measured(store, f"digits_{method}", 0, "potential", [measurement], {"initial": "glorot"})
    measurement = about | {"distances": [5.0], "losses": [9.0]}
    words = "model.options.width=32"
    add_measured(store, "digits_sb", 0, "potential", [measurement], {"initial": "glorot"}, words=words)
    one, other = drawn(store, tmp_path)
    assert one.heading != other.heading
    assert {r["bins"] for r in rows(one.data[one.name])} == {"10"}


@pytest.mark.parametrize("count", [1, 3, 39, 40, 80])
def test_few_directions_have_few_bins(store: Store, tmp_path: Path, count: int) -> None:
    distances = [10 * (k + 0.5) / count for k in range(count)]
    measurement = {
        "batch_norm": "batch", "initial": "glorot", "radius": 10.0, "loss": 2.0, "distances": distances,
        "losses": [2.0 + 0.03 * d for d in distances],
    }  # fmt: skip
    add_measured(store, "digits_sb", 0, "potential", [measurement], {"initial": "glorot"})
    (figure,) = drawn(store, tmp_path)
    assert {r["bins"] for r in rows(figure.data[figure.name])} == ({"10", "20"} if count == 80 else {"10"})


def test_a_loss_axis_ends_where_the_rest_can_be_seen() -> None:
    alpha = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    losses = np.array([[1e12, 0.1, 2.0, 0.2, 5.0]])
    columns = {f"{split}_{what}": losses for split in ("train", "val") for what in ("loss", "error")}
    figure = lines._draw({"interpolated": lines.Lines(alpha, columns, ())})
    assert figure.axes[0].get_ylim()[1] == 1e3
    columns = {name: np.minimum(losses, 90.0) for name in columns}
    figure = lines._draw({"interpolated": lines.Lines(alpha, columns, ())})
    assert 90 < figure.axes[0].get_ylim()[1] < 1e3
