"""Accuracy with running and with exact statistics of batch norm, beside the run's own."""

from collections.abc import Sequence
from statistics import stdev

import pytest
from landscape_records import add_measured, evaluation, rows
from report_records import Store

from gengap.cli.report import main
from gengap.report.cells import read_records
from gengap.report.landscape import by_statistics, subjects

ERRORS = {"trained": (3.0, 4.0, 5.0), "recomputed": (2.5, 4.0, 4.2)}


def add(store: Store, experiment: str, mode: str, errors: Sequence[float], own: Sequence[float]) -> None:
    for seed, measured in enumerate(zip(errors, own, strict=True)):
        add_measured(store, experiment, seed, "accuracy", [evaluation(mode, *measured)])


@pytest.fixture
def evaluated(store: Store) -> Store:
    """SB with three seeds in both modes, and LB in one seed and mode."""
    store.add("digits_sb", 0, 50.0)  # trained again since
    for mode, errors in ERRORS.items():
        add(store, "digits_sb", mode, errors, [100 - error for error in ERRORS["trained"]])
    add(store, "digits_lb", "recomputed", [9.0], [90.0])
    return store


def found(store: Store) -> by_statistics.Found:
    return by_statistics.evaluated(subjects.read(read_records(store.root)))


def test_the_difference_is_paired_by_seed(evaluated: Store) -> None:
    trained, recomputed, lb = rows(by_statistics.table(found(evaluated)))
    assert [r["batch norm"] for r in (trained, recomputed)] == ["trained", "recomputed"]
    assert (trained["run"], trained["n"], trained["validation %"]) == ("SB", "3", "96.00 ± 1.00")
    assert (trained["difference"], trained["95 %"]) == ("+0.00 ± 0.00", "+0.00 to +0.00")
    differences = [0.5, 0.0, 0.8]
    assert recomputed["the run's own"] == "96.00 ± 1.00"
    assert recomputed["difference"] == f"+0.43 ± {stdev(differences):.2f}"
    half = 4.302653 * stdev(differences) / 3**0.5  # Student's t, two degrees of freedom
    assert recomputed["95 %"] == f"{0.43333 - half:+.2f} to {0.43333 + half:+.2f}"
    assert (recomputed["training %"], recomputed["training loss"]) == ("98.22 ± 0.46", "0.0357 ± 0.0093")
    assert (lb["run"], lb["difference"], lb["95 %"]) == ("LB", "+1.00", "")


def test_every_seed_is_in_the_data(evaluated: Store) -> None:
    lines = rows(by_statistics.data(found(evaluated)))
    assert len(lines) == 7
    (line,) = (r for r in lines if (r["method"], r["batch_norm"], r["seed"]) == ("sb", "recomputed", "2"))
    assert (line["val_accuracy"], line["run_val_accuracy"], line["difference"]) == (
        *("95.8000", "95.0000", "0.8000"),
    )


def test_the_report_has_the_table_and_its_file(evaluated: Store) -> None:
    assert main([f"results_dir={evaluated.root}"]) == 0
    text = (evaluated.root / "report" / "README.md").read_text()
    assert "### Running or exact statistics" in text
    assert "| F1, digits | LB | recomputed | 1 | 91.00 | 90.00 | +1.00 |" in text
    assert (evaluated.root / "report" / "landscape-statistics.csv").exists()
    assert main([f"results_dir={evaluated.root}", "--check"]) == 0


def test_a_damaged_evaluation_is_unreadable(evaluated: Store) -> None:
    add_measured(evaluated, "digits_sb", 9, "accuracy", [evaluation("trained", 101.0, 98.0)])
    (error,) = read_records(evaluated.root).unreadable
    assert "measurements[0].val_error is not a number from 0 to 100" in error[1]
