"""Records whose every text means something to a format: the whole report and every command show it."""

import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from landscape_records import adaptive, curved, on_line, sharp, walked
from nasty import MARK, NASTY, all_tokens, parsed, rows_of_csv, runs_in_a_spreadsheet, squeezed, tables_of
from report_records import Store
from test_html import read
from test_html import tables as all_tables

from gengap.cli.report import main as report
from gengap.cli.status import main as status
from gengap.report.cells import read_records
from gengap.report.comparisons import compare_methods
from gengap.report.contents import report as contents
from gengap.report.figures import figures
from gengap.report.landscape.section import Landscape
from gengap.report.questions.section import Questions
from gengap.runs import read_store
from gengap.terminal import guard_output, visible
from tests.records import finished, fitted, record, row

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Glyph:UserWarning")]
KEPT = ("status", "precision")  # of a record whose status is known, and of a measurement of gengap bench
BENCH = {
    "versions": {"torch": ""},
    "hardware": {"device": "cpu", "name": "", "threads": 1, "features": [""]},
    "matrix_gflops": {"fp32": 1},
    "copy_gbs": 1,
    "rows": [
        {
            "workload": "", "method": "", "precision": "fp32", "batch_size": 1, "ghost_size": None,
            "git_commit": "", "engine": "", "turns": 1, "ratio": 1, "seconds_per_epoch": 1, "matrix_share": 1,
            "gengap_seconds": 1, "gengap_memory": 1, "gengap_start": 1, "gengap_first_update": 1,
            "typical_seconds": 1, "typical_memory": 1,
        }
    ],
}  # fmt: skip

MEASURED = {
    "sharpness": [sharp(2.0, batch_norm="", line_search="")],
    "adaptive": [adaptive(2.0, batch_norm="", line_search="")],
    "curvature": [curved([2.0], 3.0, batch_norm="")],
    "line": [on_line(float(a), 0.5, 1.0, path="", batch_norm="") for a in range(2)],
    "potential": [
        {"batch_norm": "", "initial": "", "radius": 1, "loss": 1, "distances": [0.5], "losses": [2.0]}
    ],
    "walk": [walked(0, 16, 1.0, 1.0, batch_norm="")],
}


def printable(text: str) -> str:
    """As `text`, where a part of a folder's name belongs."""
    return "".join(c if c.isprintable() and c != "/" else "∕" for c in text)


def filled(value: Any, text: Callable[[], str], key: str = "") -> Any:
    """A copy whose every text is another; names are printable."""
    if isinstance(value, dict):
        return {k: filled(v, text, k) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, text) for v in value]
    return text() if isinstance(value, str) and key not in KEPT else value


def nasty_record(index: int, **changes: Any) -> dict[str, Any]:
    """A finished record full of texts, in which as many as there are take turns."""
    turns = iter(range(index, 10**6))
    config = {
        "workload": {"name": "", "epochs": 1},
        "method": {"name": "", "batch_size": 16},
        "protocol": {"name": ""},
        "precision": NASTY[index],
        "model": {"name": "", "options": {"": ""}},
        "data": {"name": "", "folder": ""},
    }
    about = {
        "versions": {"torch": "", "python": "", "gengap": "", "numpy": ""}, "git_commit": "", "engine": "",
        "hardware": {"device": "", "name": "", "threads": 1, "features": [""]}, "error": "", "started": "",
        "data": {"train": 1, "validation": 1, "class_names": [""], "fingerprint": {"train": ""}},
    }  # fmt: skip
    found: dict[str, Any] = filled(finished(config) | about, lambda: NASTY[next(turns) % len(NASTY)])
    for place in (found["config"]["workload"], found["config"]["method"]):
        place["name"] = printable(place["name"])
    names = {key: found["config"][key]["name"] for key in ("workload", "method")}
    return found | names | {"digest": printable(found["digest"])} | changes


def write(root: Path, found: dict[str, Any]) -> None:
    run = f"{found['workload']}-{found['method']}-{found['digest']}"
    folder = root / "runs" / run / f"seed{found['seed']}"
    folder.mkdir(parents=True)
    rows = fitted(found, [row(val_error=2.0)]) if found["status"] == "finished" else [row(val_error=2.0)]
    (folder / "run.json").write_text(json.dumps(found))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))


def measure(root: Path, index: int) -> None:
    """Records of every kind of measurement of such a run; their texts take turns, too."""
    texts = iter(range(index, 10**6))
    run = nasty_record(index)
    name = f"{run['workload']}-{run['method']}-{run['digest']}"
    folder = root / "landscape" / name / "seed0"
    folder.mkdir(parents=True)
    for kind, measurements in MEASURED.items():
        about = {
            "format": 1, "status": "finished", "run": name, "seed": 0, "weights": "", "seconds": 1,
            "versions": {"torch": ""}, "hardware": run["hardware"], "git_commit": "",
        }  # fmt: skip
        settings = {"batch_norm": "", "start": "", "dtype": "", "": "", "samples": 5}
        found = filled(
            {"measurements": measurements, "settings": settings}, lambda: NASTY[next(texts) % len(NASTY)]
        )
        for m in found["measurements"]:
            m["batch_norm"] = printable(m["batch_norm"])
        config = run["config"] | {kind: found.pop("settings")}
        record = about | found | {"kind": kind, "config": config}
        (folder / f"{kind}-{index}.json").write_text(json.dumps(record))


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results directory of such records: own workloads, cells, a variant, failed ones, damaged ones."""
    store = Store(tmp_path_factory.mktemp("nasty") / "my *own* [b] |d 'e _f_")
    for index, text in enumerate(NASTY):
        write(store.root, nasty_record(index))
        write(store.root, nasty_record(index, seed=1, status="failed"))
        hardware = {"device": "cpu", "name": text, "threads": 1, "features": [text]}
        about = {"hardware": hardware, "git_commit": text, "versions": {"torch": text}}
        store.add("mnist_sb", index, 80.0 + index, **about)
    store.add("mnist_sb", 0, run="mnist_f1-sb-0badcafe", config=record()["config"] | {
        "workload": {"name": "mnist_f1", "epochs": 1}, "model": {"name": NASTY[0], "options": {}},
        "protocol": {"name": NASTY[1]}, "precision": NASTY[2],
    })  # fmt: skip
    store.add("cifar10_sb", 0, status="running")  # whose figures then show commands
    for index in range(0, len(NASTY), 4):  # each draws several figures
        measure(store.root, index)
    bench = store.root / "bench"
    bench.mkdir()
    for index in range(0, len(NASTY), 3):  # drawing takes a second each
        turns = iter(range(index, 10**6))
        document = filled(BENCH, lambda turns=turns: NASTY[next(turns) % len(NASTY)])
        (bench / f"{index}.json").write_text(json.dumps(document))
    for name in ("a\n\x1b[31m|`\u202e<b>-sb-00000000", os.fsdecode(b"\xff|-sb-00000000")):
        folder = store.root / "runs" / name / "seed0"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{")
    return store.root


@pytest.fixture(scope="module")
def page(nasty: Path) -> Path:
    """The folder of its report."""
    assert report([f"results_dir={nasty}"]) == 0
    return nasty / "report"


def text_of(page: Path, pattern: str) -> str:
    found = [file.read_text(encoding="utf-8") for file in sorted(page.glob(pattern))]
    assert found
    return "\n".join(found)


def test_the_records_are_read_and_reach_the_report(nasty: Path, page: Path) -> None:
    store = read_store(nasty)
    assert len(store.runs) == 3 * len(NASTY) + 2
    assert len(store.unreadable) == 2
    assert len(read_records(nasty).speeds) == len(NASTY) / 3
    assert len(read_records(nasty).landscape) == len(MEASURED) * len(NASTY) / 4
    text = text_of(page, "README.md")
    assert text.count(MARK) > 15 * len(NASTY)
    html = squeezed(read(text_of(page, "report.html")).words)
    assert [t for t in NASTY if squeezed(visible(t)) not in html] == []
    assert len(list(page.glob("speed-*.svg"))) == len(NASTY) / 3


def test_markdown_has_the_report_s_own_structure(nasty: Path, page: Path) -> None:
    records = read_records(nasty)
    read = Landscape(records), Questions(records)
    whole = contents(records, compare_methods(records), figures(records), *read)
    tokens = parsed(text_of(page, "README.md"))
    expected = [[list(t.header), *map(list, t.rows)] for t in all_tables(whole)]
    shown = [[[squeezed(visible(cell)) for cell in line] for line in table] for table in expected]
    assert [[[squeezed(c) for c in line] for line in table] for table in tables_of(tokens)] == shown
    every = list(all_tokens(tokens))
    kinds = {token.type for token in every}
    assert not kinds & {"html_inline", "html_block", "link_open", "s_open", "em_open", "strong_open", "fence"}
    assert not kinds & {"code_block", "hr", "blockquote_open", "ordered_list_open"}
    assert not any(MARK in token.content for token in every if token.type == "code_inline")
    assert {token.attrs["src"] for token in every if token.type == "image"} == {
        file.name for file in page.glob("*.svg")
    }


def test_a_spreadsheet_runs_no_cell(page: Path) -> None:
    for file in page.glob("*.csv"):
        header, *rows = rows_of_csv(file.read_text(encoding="utf-8"))
        assert {len(line) for line in rows} <= {len(header)}
        assert [c for line in (header, *rows) for c in line if runs_in_a_spreadsheet(c)] == []
    assert MARK in text_of(page, "other.csv")
    assert MARK in text_of(page, "table1.csv")


def test_no_file_has_a_control_character(page: Path) -> None:
    for pattern in ("*.md", "*.csv", "*.tex", "*.html", "*.svg"):
        assert all(c.isprintable() or c == "\n" for c in text_of(page, pattern))


def test_a_page_has_no_script_link_or_picture_of_a_record(page: Path) -> None:
    text = text_of(page, "report.html")
    found = read(text)
    assert text.count("<script") == 1
    assert "<img" not in text
    assert all(address.startswith("#") for address in found.addresses)
    assert (
        text.count("<!--picture:") == text.count("<!--end-->") == len(list(page.glob("*.svg"))) + 1
    )  # letters


def test_the_report_matches_its_records(nasty: Path, page: Path) -> None:
    assert "gengap train +experiment=" in text_of(page, "README.md")  # of a folder with a name of all kinds
    captured = io.StringIO()
    before, sys.stderr = sys.stderr, captured
    try:
        assert report([f"results_dir={nasty}", "--check"]) == 1  # for the unreadable records alone
    finally:
        sys.stderr = before
    assert [line.split(":")[0] for line in captured.getvalue().splitlines()] == ["left out"] * 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", [status, report])
def test_a_terminal_of_any_encoding(
    command: Callable[[list[str]], int], encoding: str, nasty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {name: io.BytesIO() for name in ("stdout", "stderr")}
    for name, raw in written.items():
        monkeypatch.setattr(sys, name, io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    guard_output()
    if command is status:
        assert status([f"results_dir={nasty}"]) == 0
    else:  # what it prints, without the work
        monkeypatch.setattr("gengap.report.page.write_report", lambda *_: None)
        assert report([f"results_dir={nasty}"]) == 0
    sys.stdout.flush()
    sys.stderr.flush()
    lines = [line for raw in written.values() for line in raw.getvalue().decode(encoding).split("\n")]
    assert not any(re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line) for line in lines)
    assert sum(MARK in line for line in lines) >= (len(NASTY) if command is status else 1)


@pytest.mark.parametrize("unknown", ["done", "Finished", "finished ", "", *NASTY])
def test_a_status_outside_the_known_ones_is_unreadable(unknown: str, tmp_path: Path) -> None:
    write(tmp_path, record() | {"status": unknown})
    found = read_store(tmp_path)
    assert found.runs.empty
    assert "status is not one of running, finished, failed, diverged" in str(found.unreadable[0])
