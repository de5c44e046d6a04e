"""What a measurement says when it is read: its table, its figure, what is damaged."""

from pathlib import Path
from typing import Any

import pytest

from gengap.report.cells import read_records
from gengap.report.figures.speed import figure
from gengap.report.measurements import read_measurements
from gengap.report.section import Plain
from gengap.report.speed import table

ROW: dict[str, Any] = {
    "workload": "mnist_f1", "method": "sb", "batch_size": 128, "ghost_size": None, "precision": "fp32",
    "ratio": 3.456, "gengap_seconds": 0.01, "typical_seconds": 0.03456, "seconds_per_epoch": 4.6875,
    "matrix_share": 0.5, "copy_share": 0.125, "gengap_memory": 900, "typical_memory": 800, "turns": 3,
    "gengap_start": 3.0, "gengap_first_update": 0.5, "git_commit": "0123456789", "engine": "compiled",
}  # fmt: skip


def shown(row: dict[str, Any]) -> dict[str, str]:
    """A row of the table by its headers."""
    found = table([row])
    return dict(zip(found.header, found.rows[0], strict=True))


def test_table_of_a_measurement() -> None:
    assert shown(ROW) == {
        "workload": "F1, MNIST", "batch / ghost": "128 / –", "precision": "fp32", "engine": "compiled",
        "ratio": "3.46x", "target": "≥ 3x", "updates/s": "100.00", "images/s": "12,800", "s/epoch": "4.69",
        "of matrix rate": "50 %", "of copy rate": "12 %", "typical images/s": "3,704", "memory MiB": "900",
        "typical MiB": "800", "start s": "3.0", "warm-up s": "0.5",
    }  # fmt: skip


def test_epochs_shorter_than_a_second_keep_their_digits() -> None:
    shortest = {0.013506: "0.0135", 0.999: "0.999", 1.004: "1.00"}
    assert {s: shown(ROW | {"seconds_per_epoch": s})["s/epoch"] for s in shortest} == shortest


def test_an_older_measurement_is_shown_without_what_it_did_not_count() -> None:
    older = {k: v for k, v in ROW.items() if k not in ("copy_share", "engine")}
    assert shown(older) == shown(ROW) | {"of copy rate": "", "engine": ""}


@pytest.mark.parametrize("share", [12.71, 1.001, None])
def test_a_share_above_the_whole_rate_is_not_shown(share: float | None) -> None:
    assert shown(ROW | {"matrix_share": share, "copy_share": share}) == shown(ROW) | {
        "of matrix rate": "",
        "of copy rate": "",
    }


def test_warm_up_is_what_the_first_update_takes_beyond_a_steady_one() -> None:
    assert shown(ROW | {"gengap_seconds": 2.0, "gengap_first_update": 9.25})["warm-up s"] == "7.2"
    assert shown(ROW | {"gengap_seconds": 2.0, "gengap_first_update": 1.75})["warm-up s"] == "0.0"


def test_figure_of_a_document() -> None:
    document = {
        "hardware": {"device": "cpu", "name": "A machine", "threads": 2},
        "matrix_gflops": {"fp32": 200.0, "bf16": 400.0},
        "copy_gbs": 20.0,
        "versions": {"torch": "2.11"},
        "rows": [ROW],
    }
    found = figure(document)
    assert (found.name, found.title) == ("speed-a-machine-2-threads", "Speed on A machine, 2 threads")
    assert isinstance(found.details, Plain)
    (details,) = found.details.texts
    assert "torch 2.11, commits 01234567." in details
    assert "(20 GB/s, reads plus writes)" in details
    assert found.draw is not None
    assert [t.get_text() for t in found.draw().axes[0].texts] == ["1.0", "3.5"]


def test_a_damaged_measurement_is_named_and_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "cut.json").write_text('{"rows": [')
    (folder / "other.json").write_text("{}")
    found, unreadable = read_measurements(tmp_path)
    assert found == []
    assert [error.file.name for error in unreadable] == ["cut.json", "other.json"]
    assert read_records(tmp_path).unreadable[0][0] == "bench/cut.json"
