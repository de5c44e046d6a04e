import re
import subprocess
import sys
from pathlib import Path

import pytest
from report_records import Store, walk

from gengap.cli.report import main
from gengap.config.compose import compose_config
from gengap.config.identity import as_dict
from gengap.config.shipped import Cell
from gengap.report.cells import read_records
from gengap.report.page import texts
from tests.records import row

pytestmark = pytest.mark.slow

TEXTS = {
    "README.md", "findings.md", "table1.md", "table1.csv", "table1.tex", "demo.md", "demo.csv",
    "report.html", "comparisons.md", "comparisons.csv",
    "distance.csv", "distance_fits.csv", "distance_fits_first_tensor.csv", "regime_adaptation.csv",
    "runs-1.csv", "runs-2.csv",
}  # fmt: skip
PICTURES = {
    f"{name}.{kind}"
    for name in ("distance", "regime_adaptation", "runs-1", "runs-2")
    for kind in ("svg", "pdf", "png")
}


def report(store: Store, *flags: str) -> int:
    return main([f"results_dir={store.root}", *flags])


def test_writes_every_file_and_checks_itself(mixed: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(mixed) == 0
    assert {p.name for p in (mixed.root / "report").iterdir()} == {*TEXTS, *PICTURES}
    out = capsys.readouterr().out
    assert "13 runs" in out
    assert "runs/mnist_f1-sb-0badcafe/seed1 (unfinished)" in out
    assert report(mixed, "--check") == 0
    assert "matches the records of 13 runs" in capsys.readouterr().out


@pytest.mark.usefixtures("without_pictures")
def test_readme_puts_everything_together(mixed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mixed.root.parent)
    assert main(["results_dir=results"]) == 0
    text = (mixed.root / "report" / "README.md").read_text()
    for part in (
        "98.31 ± 0.12 (n=3)", "## Runs", "## Unfinished runs", "](distance.svg)", "a + b ln t (3 of 3)",
        "NVIDIA H200", "01234567", "gengap report --check", "over seeds only",
    ):  # fmt: skip
        assert part in text
    assert str(mixed.root) not in text


@pytest.mark.usefixtures("without_pictures")
def test_check_finds_a_changed_digit_in_any_file(
    mixed: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report(mixed)
    fresh = texts(read_records(mixed.root))  # which no changed file changes
    monkeypatch.setattr("gengap.report.check.texts", lambda records: fresh)
    for name in sorted(TEXTS):
        file = mixed.root / "report" / name
        text = file.read_text()
        lines = text.split("\n")
        number = max(i for i, line in enumerate(lines) if re.search(r"\d", line))
        lines[number] = re.sub(r"\d", lambda m: str((int(m[0]) + 1) % 10), lines[number], count=1)
        file.write_text("\n".join(lines))
        capsys.readouterr()
        assert report(mixed, "--check") == 1
        message = capsys.readouterr().err
        assert f"{file} differs from the records in line {number + 1}" in message
        assert lines[number] in message
        assert message.endswith(f"type gengap report results_dir={mixed.root}\n")
        assert file.read_text() == "\n".join(lines)  # a check writes nothing
        file.write_text(text)


@pytest.mark.usefixtures("without_pictures")
def test_check_finds_changed_records_missing_and_foreign_files(
    mixed: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(mixed, "--check") == 1
    assert f"{mixed.root / 'report' / 'README.md'} is missing" in capsys.readouterr().err
    report(mixed)
    mixed.add("mnist_lb_ra", 0, 98.5)
    assert report(mixed, "--check") == 1
    report(mixed)
    assert report(mixed, "--check") == 0
    (mixed.root / "report" / "table9.md").touch()
    assert report(mixed, "--check") == 1
    assert "table9.md is not part of the report" in capsys.readouterr().err


def test_check_of_a_report_on_own_workloads_says_that_it_takes_their_folder(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add(Cell("", "parity", "lb_gbn", "parity-lb_gbn-0badcafe"), 0, 90.0)
    again = f"type gengap report results_dir={store.root}"
    assert report(store, "--check") == 1
    hint = "; a report written with --config-dir DIR is checked with it"
    assert capsys.readouterr().err.endswith(f"\n{again}{hint}\n")
    (tmp_path / "experiment").mkdir()
    assert report(store, "--check", "--config-dir", str(tmp_path)) == 1
    assert capsys.readouterr().err.endswith(f"\n{again} --config-dir {tmp_path}\n")


def test_no_old_figure_stays_beside_new_tables(store: Store) -> None:
    store.add("mnist_sb", 0)
    old = store.root / "report" / "distance.png"
    old.parent.mkdir()
    old.touch()
    assert report(store) == 0
    assert not old.exists()
    text = (old.parent / "README.md").read_text()
    assert f"no records yet: gengap train +sweep=quickstart results_dir={store.root} |" in text
    assert "Figure 1" not in text  # nobody asked for it


def headings(store: Store) -> list[str]:
    return re.findall(r"^##+ (.+)", (store.root / "report" / "README.md").read_text(), re.MULTILINE)


def test_tables_without_runs_are_one_sentence_in_a_folder_of_one_s_own(store: Store) -> None:
    store.add("digits_sb", 0)
    assert report(store) == 0
    found = headings(store)
    assert found[0] == "Demo"
    assert "Table 1" not in found
    assert "Table 2" not in found
    text = (store.root / "report" / "README.md").read_text()
    assert "Without runs so far, and left out: Table 1 and Table 2.\n" in text
    assert report(store, "--check") == 0


def test_own_runs_come_first_with_their_error_curves(store: Store) -> None:
    rows = [row(u, seconds=u, val_error=50 / u) for u in (10, 100, 1000)]
    for words in ("data.limit=6000", "data.limit=6000 method.batch_size=512"):
        store.add_with(words, "mnist_lb", 0, 95.0, rows=rows)
    assert report(store) == 0
    assert headings(store)[:2] == ["Runs", "Error by update: F1, MNIST"]
    folder = store.root / "report"
    assert (folder / "runs-1.svg").exists()
    left_out = "left out: Table 1, Table 2 and the comparisons of methods.\n"
    assert left_out in (folder / "README.md").read_text()
    lines = (folder / "runs-1.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {"LB", "LB method.batch_size=512"}
    assert report(store, "--check") == 0


def test_lines_of_an_own_workload_without_experiments_are_named_by_their_settings(store: Store) -> None:
    rows = [row(u, seconds=u, val_error=50 / u) for u in (10, 100, 1000)]
    for name, batch in (("0badcafe", 4096), ("1badcafe", 512)):
        words = f"workload.name=parity data.limit=6000 method.batch_size={batch}"
        config = as_dict(compose_config(["+experiment=mnist_lb", *words.split()]))
        cell = Cell("", "parity", "lb", f"parity-lb-{name}")
        store.add(cell, 0, 90.0, rows=rows, config=config)
    assert report(store) == 0
    lines = (store.root / "report" / "runs-1.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {
        f"LB method.batch_size={batch}" for batch in (4096, 512)
    }


def test_more_configurations_than_a_figure_has_lines_are_not_drawn(store: Store) -> None:
    for batch in range(128, 128 * 9, 128):
        store.add_with(f"method.batch_size={batch}", "mnist_lb", 0, 95.0)
    assert report(store) == 0
    assert not (store.root / "report" / "runs-1.svg").exists()
    text = (store.root / "report" / "README.md").read_text()
    assert "its 8 configurations are more than the 7 lines of a figure" in text


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(
    ("name", "place"), [("results", ""), ("mine", " results_dir=mine"), ("my own", " 'results_dir=my own'")]
)
def test_check_accepts_the_folder_by_any_of_its_names(
    name: str,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = Store(tmp_path / name)
    store.add("mnist_sb", 0)
    monkeypatch.chdir(tmp_path)
    assert main([f"results_dir={name}"]) == 0
    assert f"gengap train +sweep=quickstart{place} |" in (store.root / "report" / "README.md").read_text()
    assert report(store, "--check") == 0
    assert "matches" in capsys.readouterr().out


def test_no_records_is_one_plain_line_and_a_failure(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first = f"gengap train +sweep=quickstart results_dir={store.root}"
    line = f"{store.root} does not exist: to begin, type {first}\n"
    for flags in ((), ("--check",)):
        assert report(store, *flags) == 1
        assert capsys.readouterr() == ("", line)
    assert not store.root.exists()


@pytest.mark.usefixtures("without_pictures")
def test_tables_without_records_fail_the_check(mixed: Store, store: Store, tmp_path: Path) -> None:
    report(mixed)
    (mixed.root / "runs").rename(tmp_path / "elsewhere")
    assert report(mixed, "--check") == 1


def test_only_unfinished_runs(store: Store) -> None:
    store.add("mnist_sb", 0, status="running")
    assert report(store) == 0
    assert "| F1, MNIST | ours | 1 unfinished |" in (store.root / "report" / "table1.md").read_text()
    assert report(store, "--check") == 0


def test_a_single_run_has_no_table_of_empty_comparisons(store: Store) -> None:
    store.add("mnist_sb", 0, 97.5)
    assert report(store) == 0
    text = (store.root / "report" / "README.md").read_text()
    assert "## Comparisons\n\nEach needs 2 finished runs" in text
    assert "needs 2 seeds" not in text
    assert report(store, "--check") == 0


def test_only_variants(store: Store) -> None:
    store.add("mnist_sb", 0, 97.5, run="mnist_f1-sb-0badcafe")
    assert report(store) == 0
    text = (store.root / "report" / "README.md").read_text()
    assert "No runs for this table yet." not in text
    assert "No records yet for" not in text
    assert "| mnist_f1-sb-0badcafe |" in text
    assert "Every cell" not in text
    assert report(store, "--check") == 0


def test_help_comes_without_heavy_imports() -> None:
    code = (
        "import sys, gengap.cli.report\n"
        "assert gengap.cli.report.main(['--help']) == 0\n"
        "heavy = {'torch', 'matplotlib', 'scipy', 'pandas', 'hydra'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: gengap report [results_dir=DIR] [--check]")


def test_a_whole_report_needs_no_torch(mixed: Store) -> None:
    code = (
        "import sys\n"
        "from gengap.cli.report import main\n"
        f"assert main(['results_dir={mixed.root}']) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert (mixed.root / "report" / "distance.png").stat().st_size > 10_000


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(
    ("kept", "wrong"),
    [
        (None, "it is missing or empty"),
        (0, "it is missing or empty"),
        (20, "it ends at update"),
    ],
)
def test_a_finished_run_without_its_last_metrics_is_named_and_left_out(
    kept: int | None, wrong: str, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add("mnist_sb", 0, 98.0, rows=walk(2000, lambda t: float(t)))
    file = store.add("mnist_sb", 1, 50.0, rows=walk(2000, lambda t: float(t))) / "metrics.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.unlink()
    if kept is not None:
        file.write_text("".join(lines[:kept]))
    assert report(store) == 0
    place = file.relative_to(store.root).as_posix()
    assert f"left out: {place} is damaged ({wrong}" in capsys.readouterr().err
    text = (store.root / "report" / "README.md").read_text()
    assert f"| {place} | is damaged ({wrong}" in text
    assert "98.00 (n=1)" in text
    assert report(store, "--check") == 1
