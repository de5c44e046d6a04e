"""Records of measurements in the report: left out, unreadable, changed, or none."""

import json

import pytest
from landscape_records import add_measured, measured, rows, sharp
from report_records import Store

from gengap.cli.report import main
from gengap.report.cells import read_records
from gengap.report.landscape import subjects, tables
from gengap.report.landscape.numbers import SHARPNESS


def test_measurements_of_runs_without_a_record_are_cells_without_accuracy(store: Store) -> None:
    add_measured(store, "digits_sb", 0, "sharpness", [sharp(2.0)])
    assert main([f"results_dir={store.root}"]) == 0
    text = (store.root / "report" / "README.md").read_text()
    assert "| F1, digits | sharpness, ε = 0.001, full space | trained |  | 2.00 (n=1) |" in text
    assert main([f"results_dir={store.root}", "--check"]) == 0


def test_unfinished_records_and_runs_on_other_data_are_left_out(digits: Store) -> None:
    for seed, status in ((3, "finished"), (4, "finished")):
        data = {"train": 1, "validation": 1, "fingerprint": {"train": "same" if seed == 3 else "other"}}
        digits.add("digits_sb", seed, 50.0, status=status, data=data)
        add_measured(digits, "digits_sb", seed, "sharpness", [sharp(1e4)])
    add_measured(digits, "digits_lb", 5, "sharpness", [sharp(1e4)], status="running")
    left_out = subjects.left_out(read_records(digits.root))
    assert [row[1] for row in left_out.rows] == ["unfinished", "its run is on other data than most"]
    (first, _) = rows(tables.cells(measured(digits), SHARPNESS))
    assert "(n=4)" in first["SB"]


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"measurements": [sharp(1.0) | {"epsilon": "x"}]}, "measurements[0].epsilon is not a number"),
        ({"measurements": [{}]}, "measurements[0].epsilon is missing"),
        ({"kind": "wobble"}, "it is of another kind than its name says"),
        ({"config": {}}, "config.workload is missing"),
        ({"format": 2}, "newer gengap"),
    ],
)
def test_unreadable_records_are_listed_and_fail_the_check(
    digits: Store, wrong: dict[str, object], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = add_measured(digits, "digits_sb", 9, "sharpness", [sharp(1.0)])
    file.write_text(json.dumps(json.loads(file.read_text()) | wrong))
    assert main([f"results_dir={digits.root}"]) == 0
    text = (digits.root / "report" / "README.md").read_text()
    (line,) = (line for line in text.splitlines() if file.name in line and "seed9" in line)
    assert says in line.replace("\\", "").replace("&#36;", "$")
    capsys.readouterr()
    assert main([f"results_dir={digits.root}", "--check"]) == 1
    assert says in capsys.readouterr().err


def test_the_check_finds_a_changed_digit(digits: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"results_dir={digits.root}"]) == 0
    assert main([f"results_dir={digits.root}", "--check"]) == 0
    for name, digit in (
        ("README.md", "26.3 ± 6.5"),
        ("landscape.csv", ",33,"),
        ("landscape-ratios.csv", "10."),
    ):
        file = digits.root / "report" / name
        text = file.read_text()
        assert digit in text
        file.write_text(text.replace(digit, digit.translate({ord("3"): "4", ord("1"): "7"}), 1))
        assert main([f"results_dir={digits.root}", "--check"]) == 1
        assert name in capsys.readouterr().err
        file.write_text(text)


@pytest.mark.usefixtures("without_pictures")
def test_without_measurements_the_report_says_nothing_of_them(mixed: Store) -> None:
    assert main([f"results_dir={mixed.root}"]) == 0
    assert "andscape" not in (mixed.root / "report" / "README.md").read_text()
    assert not list((mixed.root / "report").glob("landscape*"))
