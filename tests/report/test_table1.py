import csv
import json
from math import sqrt
from pathlib import Path

import pytest
from report_records import Store, walk
from scipy import stats

from gengap.config.compose import compose_config
from gengap.config.identity import as_dict
from gengap.config.shipped import Cell, cell
from gengap.report.cells import Records, read_records
from gengap.report.markup import Table, csv_text, markdown
from gengap.report.other_runs import unfinished, variants
from gengap.report.page import texts
from gengap.report.rows import Part
from gengap.report.tables import data, detailed, quick

GOLDEN = Path(__file__).parent / "golden" / "table1.md"


def rows(records: Records, part: Part = Part.TABLE1) -> dict[str, dict[str, str]]:
    """table1.csv by run directory, or by workload-method where there is none."""
    lines = csv.DictReader(csv_text(data(records, part)).splitlines())
    return {(line["run"] or f"{line['workload']}-{line['method']}"): line for line in lines}


def cell_of(records: Records, workload: str, method: str, part: Part = Part.TABLE1) -> dict[str, str]:
    found = [
        r
        for r in rows(records, part).values()
        if (r["kind"], r["workload"], r["method"], r["precision"]) == ("cell", workload, method, "fp32")
    ]
    assert len(found) == 1
    return found[0]


def test_numbers_by_hand(mixed: Store) -> None:
    cell = cell_of(read_records(mixed.root), "mnist_f1", "sb")
    std = sqrt((0.11**2 + 0.01**2 + 0.12**2) / 2)  # of 98.20, 98.30, 98.43 around 98.31
    assert (cell["n"], cell["mean"], cell["std"]) == ("3", "98.3100", f"{std:.4f}")
    assert cell["interval95"] == f"{stats.t.ppf(0.975, 2) * std / sqrt(3):.4f}"
    assert (cell["paper"], cell["difference"]) == ("98.27", "0.0400")
    assert (cell["best_mean"], cell["train_mean"]) == ("98.5600", "99.5000")
    assert (cell["updates"], cell["samples"], cell["wall_seconds"]) == ("2000", "256000", "91.0")
    assert cell["measuring_share"] == "0.0090"
    assert (cell["batch_size"], cell["epochs"], cell["precision"]) == ("128", "50", "fp32")
    assert (cell["hardware"], cell["commits"]) == ("AMD EPYC 7B13, 2 threads", "01234567")


def test_wall_times_are_averaged_on_each_make_of_hardware(store: Store) -> None:
    gpu = {"device": "cuda", "name": "NVIDIA H200", "threads": 16}
    for seed, seconds in enumerate((3600.0, 7200.0)):
        store.add("mnist_sb", seed, wall_seconds=seconds)
    store.add("mnist_sb", 2, wall_seconds=60.0, hardware=gpu)
    store.add("mnist_lb", 0, wall_seconds=30.0, hardware=gpu | {"name": "NVIDIA H100"})
    store.add("mnist_lb", 1, wall_seconds=60.0, hardware=gpu)
    store.add("mnist_lb_lr", 0, wall_seconds=20.0, hardware=gpu | {"ranks": 4})
    store.add("mnist_lb_lr", 1, wall_seconds=70.0, hardware=gpu)
    store.add("mnist_lb_gbn", 0, wall_seconds=9.0, hardware=gpu | {"name": ""})
    records = read_records(store.root)
    sb, lb, scaled, unknown = (
        cell_of(records, "mnist_f1", method) for method in ("sb", "lb", "lb_lr", "lb_gbn")
    )
    assert (sb["wall_seconds"], sb["wall_seconds_by_make"]) == ("", "AMD 5400.0; NVIDIA 60.0")
    assert (lb["wall_seconds"], lb["wall_seconds_by_make"]) == ("45.0", "NVIDIA 45.0")
    assert scaled["wall_seconds_by_make"] == "4 x NVIDIA 20.0; NVIDIA 70.0"
    assert unknown["wall_seconds_by_make"] == "unknown 9.0"
    table = detailed(records)
    shown = [row[table.header.index("wall time")] for row in table.rows]
    assert shown[:2] == ["1.5 h (AMD), 1.0 min (NVIDIA)", "45.0 s"]


def test_one_seed_has_no_spread(mixed: Store) -> None:
    records = read_records(mixed.root)
    cell = cell_of(records, "mnist_f1", "lb")
    assert (cell["n"], cell["mean"], cell["std"], cell["interval95"]) == ("1", "97.0000", "", "")
    assert quick(records).rows[0][3] == "97.00 (n=1)"


def test_diverged_runs_are_counted_and_not_averaged(mixed: Store) -> None:
    records = read_records(mixed.root)
    cell = cell_of(records, "mnist_f1", "lb_lr")
    assert (cell["n"], cell["mean"], cell["left_out"]) == ("2", "97.6000", "1 of 3 diverged")
    assert quick(records).rows[0][4] == "97.60 ± 0.14 (n=2; 1 of 3 diverged)"
    assert quick(records).rows[0][5] == "2 of 2 diverged"


def test_missing_cells_say_so_and_missing_rows_are_left_out(mixed: Store) -> None:
    table = quick(read_records(mixed.root))
    assert [row[:2] for row in table.rows] == [
        ("F1, MNIST", "ours"),
        ("", "paper"),
        ("", "difference"),
        ("", "samples"),
    ]
    assert table.rows[0][6] == "missing"


def test_the_demo_stands_outside_table_1_without_numbers_of_the_paper(mixed: Store) -> None:
    records = read_records(mixed.root)
    ours, samples = quick(records, Part.DEMO).rows
    assert ours == ("F1, digits", "ours", "96.50 (n=1)", "1 failed", "missing", "missing", "missing")
    assert samples[:3] == ("", "samples", "256,000 (1×)")
    files = texts(records)
    assert "digits" not in files["table1.md"] + files["table1.csv"] + files["table1.tex"]
    assert "| F1, digits | ours | 96.50 (n=1) |" in files["demo.md"]
    assert "cell,digits_f1,sb," in files["demo.csv"]
    assert "## Demo" in files["README.md"]


def test_a_workload_of_ones_own_is_no_demo(mixed: Store) -> None:
    mixed.add(Cell("", "parity", "lb", "parity-lb-0badcafe"), 0, 91.0)
    files = texts(read_records(mixed.root))
    assert "variant,parity,lb," in files["other.csv"]
    assert "parity" not in files["demo.csv"] + files["table1.csv"]


def test_variants_stand_apart(mixed: Store) -> None:
    records = read_records(mixed.root)
    assert [row[:2] for row in variants(records).rows] == [("mnist_f1-sb-0badcafe", "mnist_sb")]
    variant = rows(records)["mnist_f1-sb-0badcafe"]
    assert (variant["kind"], variant["n"], variant["mean"]) == ("variant", "1", "50.0000")
    assert (variant["left_out"], variant["paper"], variant["difference"]) == ("1 unfinished", "", "")


def test_an_experiment_at_other_settings_is_no_cell_of_the_table(
    mixed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (cell("mnist_sb"), Cell("mnist_b64", "mnist_f1", "sb", "mnist_f1-sb-0badcafe"))
    monkeypatch.setattr("gengap.report.places._cells", lambda present: known)
    records = read_records(mixed.root)
    assert cell_of(records, "mnist_f1", "sb")["mean"] == "98.3100"
    assert ("mnist_f1-sb-0badcafe", "mnist_b64") in [row[:2] for row in variants(records).rows]


def test_unfinished_runs_are_listed_with_their_place(mixed: Store) -> None:
    listed = {(status, place) for _, _, status, place in unfinished(read_records(mixed.root)).rows}
    lost = {(s, place.split("/")[1].rsplit("-", 1)[0], place.split("/")[2]) for s, place in listed}
    assert lost == {
        ("diverged", "mnist_f1-lb_lr", "seed2"),
        ("diverged", "mnist_f1-lb_gbn", "seed0"),
        ("diverged", "mnist_f1-lb_gbn", "seed1"),
        ("failed", "digits_f1-lb", "seed0"),
        ("unfinished", "mnist_f1-sb", "seed1"),
    }
    assert all((mixed.root / place / "run.json").exists() for _, place in listed)


def test_different_hardware_and_commits_are_all_named(store: Store) -> None:
    store.add("mnist_sb", 0, git_commit="f" * 40 + "-dirty")
    store.add("mnist_sb", 1, hardware={"device": "cuda", "name": "NVIDIA H200", "threads": 16})
    store.add("mnist_sb", 2, git_commit=None)
    cell = cell_of(read_records(store.root), "mnist_f1", "sb")
    assert cell["hardware"] == "AMD EPYC 7B13, 2 threads; NVIDIA H200"
    assert cell["commits"] == "01234567; ffffffff-dirty"


def test_the_last_value_counts_and_never_the_best(store: Store) -> None:
    store.add("mnist_sb", 0, 90.0)
    records = read_records(store.root)
    assert quick(records).rows[0][2] == "90.00 (n=1)"
    table = detailed(records)
    assert table.rows[0][table.header.index("best val. % (not used)")] == "90.25"


def test_a_variant_says_what_it_differs_in(store: Store) -> None:
    store.add("mnist_lb", 0)
    overrides = ["method.batch_size=2048", "precision=bf16", "runtime.threads=1", "seed=3"]
    config = as_dict(compose_config(["+experiment=mnist_lb", *overrides]))
    store.add("mnist_lb", 3, run="mnist_f1-lb-0badcafe", config=config)
    older = {k: v for k, v in config.items() if k not in ("precision", "evaluations")}
    store.add("mnist_lb", 0, run="mnist_f1-lb-1badcafe", config=older | {"precision": "fp32"})
    shown = {row[0]: row[2] for row in variants(read_records(store.root)).rows}
    assert shown == {
        "mnist_f1-lb-0badcafe": "method.batch_size=2048 precision=bf16",
        "mnist_f1-lb-1badcafe": "method.batch_size=2048",
    }


def test_an_own_workload_stands_among_the_other_workloads(store: Store) -> None:
    for seed, accuracy in enumerate((90.0, 92.0)):
        store.add(Cell("", "parity", "lb_gbn", "parity-lb_gbn-0badcafe"), seed, accuracy)
    records = read_records(store.root)
    assert rows(records, Part.OTHER)["parity-lb_gbn-0badcafe"]["mean"] == "91.0000"
    files = texts(records)
    for name in ("other.md", "README.md"):
        (line,) = (line for line in files[name].splitlines() if "parity-lb_gbn-0badcafe" in line)
        assert line.startswith("| parity | +GBN | fp32 | paper | 4,096 | 50 | 2 | 91.00 ± 1.41 |")
    assert "No runs" not in files["other.md"]
    assert "## Variants" not in files["README.md"]


def test_samples_and_marks_stand_beside_the_accuracy(store: Store) -> None:
    store.add("mnist_sb", 0, 98.0)
    for method, accuracy in (("lb", 97.8), ("lb_lr", 97.0), ("lb_ra", 98.2)):
        directory = store.add(f"mnist_{method}", 0, accuracy)
        record = json.loads((directory / "run.json").read_text())
        record["summary"]["samples_seen"] = 256000 * (32 if method == "lb_ra" else 1) - 4
        (directory / "run.json").write_text(json.dumps(record))
    _, _, difference, samples = quick(read_records(store.root)).rows
    assert difference == ("", "difference", "-0.27 ≈", "+0.75 ▲", "-0.55 ▼", "", "-0.33 ▼")
    assert samples[2:] == ("256,000 (1×)", "255,996 (1×)", "255,996 (1×)", "", "8,191,996 (32×)")


def test_the_error_of_one_accuracy_is_the_binomial_s(store: Store) -> None:
    store.add("digits_sb", 0, 97.5, data={"train": 1437, "validation": 360})
    cell = cell_of(read_records(store.root), "digits_f1", "sb", Part.DEMO)
    assert float(cell["one_run_error"]) == pytest.approx(100 * stats.binom.std(360, 0.975) / 360, abs=1e-4)
    table = detailed(read_records(store.root), Part.DEMO)
    assert table.rows[0][table.header.index("one run ±")] == "0.82"


def test_golden_tables(mixed: Store) -> None:
    mixed.add("mnist_lb_ra", 0, 98.50, rows=walk(2000, lambda t: float(t)))
    lines = texts(read_records(mixed.root))["table1.md"].splitlines(keepends=True)
    assert "".join(line for line in lines if line.startswith("|")) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(("form", "expected"), [
    (markdown, "| a \\| b | n |\n| --- | ---: |\n| x_1 | 1 ± 2 |\n"),
    (csv_text, "a | b,n\nx_1,1 ± 2\n"),
])  # fmt: skip
def test_forms(form, expected) -> None:
    assert form(Table(("a | b", "n"), (("x_1", "1 ± 2"),))) == expected
