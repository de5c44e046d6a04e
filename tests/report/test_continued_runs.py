"""Runs and measurements that were continued elsewhere: the report shows every commit and machine."""

from landscape_records import add_measured, sharp
from report_records import COMMIT, CPU, Store

from gengap.report import contents
from gengap.report.cells import read_records
from gengap.report.landscape import subjects
from gengap.report.landscape.origin import origin as landscape_origin
from gengap.report.origins import continued, origin
from gengap.report.section import Section, markdown_section
from gengap.report.tables import data, detailed

BEFORE = {
    "versions": {"torch": "2.10.0"},
    "git_commit": "f" * 40 + "-dirty",
    "hardware": {"device": "cuda", "name": "NVIDIA H100", "threads": 16},
    "began_after": 0,
}
HERE = {"began_after": 1200, "earlier": [BEFORE]}
BOTH = "NVIDIA H100; AMD EPYC 7B13, 2 threads"


def columns(table, *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[table.header.index(name)] for name in names) for row in table.rows]


def test_tables_show_every_part_of_a_run(store: Store) -> None:
    store.add("mnist_sb", 0, **HERE)
    store.add("mnist_sb", 1)
    records = read_records(store.root)
    machines, commits = "AMD EPYC 7B13, 2 threads; NVIDIA H100", f"{COMMIT[:8]}; ffffffff-dirty"
    assert columns(detailed(records), "hardware", "commit") == [(machines, commits)]
    cells = [row for row in columns(data(records), "method", "hardware", "commits") if row[0] == "sb"]
    assert cells == [("sb", machines, commits)]
    assert origin(records).rows == (
        ("AMD EPYC 7B13, 2 threads", "1", COMMIT[:8], "2.11.0"),
        (BOTH, "1", commits, "2.10.0; 2.11.0"),
    )
    run = records.runs["run"].iloc[0]
    assert continued(records).rows == (
        (run, "0", "0", "NVIDIA H100", "ffffffff-dirty", "2.10.0"),
        (run, "0", "1,200", "AMD EPYC 7B13, 2 threads", COMMIT[:8], "2.11.0"),
    )


def test_an_older_record_does_not_say_where_its_last_part_began(store: Store) -> None:
    older = {key: value for key, value in BEFORE.items() if key != "began_after"}
    store.add("mnist_sb", 0, earlier=[older], git_commit=None)
    rows = columns(continued(read_records(store.root)), "began after update", "hardware", "commit")
    assert rows == [
        ("0", "NVIDIA H100", "ffffffff-dirty"),
        ("not recorded", "AMD EPYC 7B13, 2 threads", ""),
    ]


def test_without_such_runs_the_report_says_nothing_of_them(store: Store) -> None:
    store.add("mnist_sb", 0)
    store.add("mnist_sb", 1, earlier=[])
    records = read_records(store.root)
    assert origin(records).rows == (("AMD EPYC 7B13, 2 threads", "2", COMMIT[:8], "2.11.0"),)
    assert columns(detailed(records), "hardware", "commit") == [("AMD EPYC 7B13, 2 threads", COMMIT[:8])]
    report = contents.report(records, [], [], contents.Landscape(records), contents.Questions(records))
    text = markdown_section(report)
    assert "## Provenance" in text
    assert "Continued runs" not in text
    store.add("mnist_lb", 0, **HERE)
    records = read_records(store.root)
    report = contents.report(records, [], [], contents.Landscape(records), contents.Questions(records))
    (found,) = (
        block for block in report.blocks if isinstance(block, Section) and block.heading == "Provenance"
    )
    assert "### Continued runs" in markdown_section(found, 2)


def test_measurements_show_every_part(store: Store) -> None:
    add_measured(store, "digits_sb", 0, "sharpness", [sharp(2.0)], hardware=CPU, **HERE)
    table = landscape_origin(subjects.read(read_records(store.root)))
    assert columns(table, "hardware", "commits", "torch") == [
        (BOTH, f"{COMMIT[:8]}; ffffffff-dirty", "2.10.0; 2.11.0")
    ]
