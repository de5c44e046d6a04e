"""Every target beside what was measured of it, in the report and in the README."""

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from gengap.cli.report import main
from gengap.report.speed import Target, table, targets, targets_table

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "digits_lb_gbn"
CPU = {"device": "cpu", "name": "A machine", "threads": 2}
GPU = {"device": "cuda", "name": "A card", "threads": 16}

SPREAD, WITHIN, SHORT = (9.9, 10.5), "within the spread", "falls short"


def measured(hardware: dict[str, Any], *rows: tuple[str, str, str, float, float]) -> dict[str, Any]:
    """A machine's document: (workload, method, precision, ratio, seconds per epoch) of each row."""
    keys = ("workload", "method", "precision", "ratio", "seconds_per_epoch")
    other = {
        "turns": 3, "batch_size": 128, "ghost_size": None, "gengap_seconds": 0.01, "typical_seconds": 0.03,
        "matrix_share": 0.5, "gengap_memory": 900, "typical_memory": 800, "gengap_start": 3.0,
        "gengap_first_update": 0.5, "git_commit": "0123456789",
    }  # fmt: skip
    return {
        "hardware": hardware,
        "matrix_gflops": {"fp32": 200.0},
        "copy_gbs": 20.0,
        "versions": {"torch": "2.11"},
        "rows": [dict(zip(keys, row, strict=True)) | other for row in rows],
    }


def lines(*documents: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table's rows from `target` on, of what has been measured."""
    return [row[4:] for row in targets_table(documents).rows if row[6] != "not measured"]


def test_without_measurements_every_target_is_listed_as_not_measured() -> None:
    rows = targets_table([]).rows
    assert [row[4] for row in rows] == [target.target for target in targets()]
    assert {row[5:] for row in rows} == {("", "not measured", "")}


@pytest.mark.parametrize(
    ("ratio", "shown", "outcome"),
    [(3.0, "3.00x", "met"), (2.99, "2.99x", "falls short"), (7.126, "7.13x", "met")],
)
def test_a_ratio_is_met_from_its_target_on(ratio: float, shown: str, outcome: str) -> None:
    document = measured(CPU, ("mnist_f1", "sb", "fp32", ratio, 1.0))
    assert lines(document) == [("≥ 3x", shown, outcome, "A machine, 2 threads")]


def test_a_time_is_met_up_to_its_target_and_the_ratio_counts_by_itself() -> None:
    for seconds, shown, outcome in ((0.06, "0.06", "met"), (0.0612, "0.0612", "falls short")):
        assert lines(measured(GPU, ("mnist_f1", "sb", "bf16", 9.0, seconds))) == [
            ("≤ 0.060 s/epoch", f"{shown} s/epoch", outcome, "A card"),
            ("≥ 8x", "9.00x", "met", "A card"),
        ]


@pytest.mark.parametrize(
    ("target", "row", "spread", "shown", "outcome"),
    [
        ("≥ 3x", {"ratio": 3.1}, (3.0, 3.3), "3.10x (3.00–3.30)", "met"),
        ("≥ 3x", {"ratio": 3.1}, (2.9, 3.3), "3.10x (2.90–3.30)", WITHIN),
        ("≥ 3x", {"ratio": 2.9}, (2.8, 2.99), "2.90x (2.80–2.99)", "falls short"),
        (
            "≤ 2 s/epoch",
            {"seconds_per_epoch": 1.9},
            (9.0, 10.6),
            "1.9 s/epoch (1.71–2.01)",
            "within the spread",
        ),
        ("≤ 2 s/epoch", {"seconds_per_epoch": 1.9}, (9.0, 10.5), "1.9 s/epoch (1.71–1.99)", "met"),
        ("≥ 75 % of matrix rate", {"matrix_share": 0.8}, SPREAD, "80 % (76–81)", "met"),
        ("≥ 75 % of matrix rate", {"matrix_share": 0.8}, (9.9, 11.0), "80 % (73–81)", WITHIN),
        ("≥ 75 % of matrix rate", {"matrix_share": 0.7}, SPREAD, "70 % (67–71)", "falls short"),
        (
            "≤ 1.25x the floor",
            {"matrix_share": 0.75, "copy_share": 0.1},
            (9.9, 10.5),
            "1.18x (1.16–1.24)",
            "met",
        ),
        (
            "≤ 1.25x the floor",
            {"matrix_share": 0.7, "copy_share": 0.05},
            (9.9, 10.5),
            "1.33x (1.32–1.40)",
            "falls short",
        ),
    ],
)
def test_a_target_is_met_where_both_quartiles_are_on_its_side(
    target: str, row: dict[str, float], spread: tuple[float, float], shown: str, outcome: str
) -> None:
    """Quartiles of the ratio, or of the seconds per update, whose median is 10."""
    keys = ("ratio_low", "ratio_high") if "ratio" in row else ("gengap_seconds_low", "gengap_seconds_high")
    found = {"gengap_seconds": 10.0} | row | dict(zip(keys, spread, strict=True))
    assert Target("cpu", "mnist_f1", "sb", "fp32", target).outcome(found) == (shown, outcome)


def test_a_row_counts_for_its_own_device_method_and_precision_only() -> None:
    for row in (("mnist_f1", "sb", "fp32"), ("mnist_f1", "lb", "bf16"), ("cifar10_c1", "sb", "bf16")):
        assert lines(measured(GPU, (*row, 9.0, 0.001))) == []


def test_one_line_per_machine_that_measured_a_target() -> None:
    row = ("mnist_f1", "sb", "fp32", 4.0, 1.0)
    first, second = measured(CPU, row), measured(CPU | {"name": "Another"}, row[:3] + (2.0, 1.0))
    found = targets_table([first, second, measured(GPU)]).rows
    assert [row[4:] for row in found if row[6] != "not measured"] == [
        ("≥ 3x", "4.00x", "met", "A machine, 2 threads"),
        ("≥ 3x", "2.00x", "falls short", "Another, 2 threads"),
    ]
    assert len(found) == len(targets()) + 1


def test_a_target_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="'3x' has none of the forms"):
        Target("cpu", "mnist_f1", "sb", "fp32", "3x").outcome({"ratio": 4.0, "seconds_per_epoch": 1.0})


def test_every_target_has_one_of_the_forms_and_every_case_on_cuda_has_both() -> None:
    for target in targets():
        target.outcome({"ratio": 1.0, "seconds_per_epoch": 1.0, "gengap_seconds": 1.0, "matrix_share": 0.5})
    on_cuda = [target for target in targets() if target.device == "cuda"]
    rows = {(t.workload, t.method, t.precision) for t in on_cuda}
    assert len(on_cuda) == 2 * len(rows)
    assert len({t for t in on_cuda if t.target == "≥ 8x"}) == len(rows)


def test_both_targets_stand_beside_a_measured_row() -> None:
    (row,) = table(measured(GPU, ("mnist_f1", "sb", "bf16", 9.0, 0.06))["rows"], "cuda").rows
    assert "≤ 0.060 s/epoch, ≥ 8x" in row


def test_the_report_has_them_where_something_was_measured(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    shutil.copytree(GOLDEN, tmp_path / "runs" / "digits_f1-lb_gbn-0a472355" / "seed0")
    assert main([f"results_dir={tmp_path}"]) == 0
    report = tmp_path / "report"
    assert "## Targets" not in (report / "README.md").read_text()
    document = measured(CPU, ("mnist_f1", "sb", "fp32", 2.0, 1.0))
    (tmp_path / "bench" / "machine.json").write_text(json.dumps(document))
    assert main([f"results_dir={tmp_path}"]) == 0
    line = "| cpu | F1, MNIST | SB | fp32 | ≥ 3x | 2.00x | falls short | A machine, 2 threads |"
    assert line in (report / "README.md").read_text()
    assert '<td class="below">falls short</td>' in (report / "report.html").read_text()


def test_the_readme_s_tables_are_found_below_their_headings(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "readme"))
    file = tmp_path / "report.md"
    file.write_text("# One\n\n| a |\n| - |\n\n## Two\n\nwords\n\n| b |\n| - |\n\n| c |\n")
    assert script["first_table"](file) == "| a |\n| - |\n"
    assert script["first_table"](file, "Two") == "| b |\n| - |\n"
    for heading in ("Three", "wo"):
        with pytest.raises(SystemExit, match=f"has no heading {heading}"):
            script["first_table"](file, heading)
    text = f"<!-- first table of {file} below Two -->\nold\n<!-- end -->\n"
    assert script["filled"](text) == text.replace("old\n", "| b |\n| - |\n")
