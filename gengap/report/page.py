"""Puts the report together: every file of `<results_dir>/report`."""

from pathlib import Path

from gengap.report import paper, tables
from gengap.report.cells import Records, rows_of_table
from gengap.report.figures import Figure, figures
from gengap.report.figures.canvas import PICTURES, save
from gengap.report.markup import Table, csv_text, latex, markdown
from gengap.report.measure import commits, distinct

MEANING = """\
Every number is the validation accuracy in percent after the last update, never the best; the validation set
is the test split, as in the paper. "mean ± std (n)" is over n finished runs that differ in nothing but the
seed; std is their sample standard deviation (n - 1), and one run has none. "95 %" is the half-width of the
t-interval of the mean. Both are over seeds only: neither covers the choice of test set, recipe or hardware.
The paper gives one number a cell, without seeds or error bars; "difference" is our mean minus that number,
in points. "train %" is the accuracy on the training set in evaluation mode. "best" is the highest
validation accuracy of a run, picked on the test split: it is shown for comparison and used nowhere. "wall
time" is the mean of one run. Diverged runs are counted, not averaged. "missing" means that there is no
record.
"""

REBUILD = """\
`gengap train +sweep=NAME` makes the runs of a sweep, `gengap report` this folder from their records, and
`gengap report --check` fails where this folder is not what the records say. Add `results_dir=DIR` for
records elsewhere than in `results`.
"""


def write_report(records: Records, folder: Path) -> None:
    """Write all files, replacing those of an earlier report."""
    shown = figures(records)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _texts(records, shown).items():
        (folder / name).write_text(text, encoding="utf-8")
    for old in [p for p in folder.iterdir() if p.suffix in PICTURES]:
        old.unlink()
    for figure in shown:
        save(figure, folder)


def texts(records: Records) -> dict[str, str]:
    """Name and content of every file that is text: tables and the data of figures."""
    return _texts(records, figures(records))


def _texts(records: Records, shown: list[Figure]) -> dict[str, str]:
    table1 = _table1(records)
    data = {f"{stem}.csv": csv_text(table) for f in shown for stem, table in f.data.items()}
    return data | {
        "README.md": _readme(records, table1, shown),
        "table1.md": f"# Table 1\n\n{table1}",
        "table1.csv": csv_text(tables.data(records)),
        "table1.tex": latex(tables.quick(records)),
    }


def _table1(records: Records) -> str:
    absent = [paper.title(w) for w in paper.workloads(1) if w not in rows_of_table(records, 1)]
    without = f"No records yet of {'; '.join(absent)}.\n" if absent else ""
    parts = [
        markdown(tables.quick(records)) if records.cells else "No run is a cell of this table yet.\n",
        MEANING,
        without,
        _section("Every cell", "", tables.long(records)),
        _section(
            "Variants",
            "Runs at other settings than the tables' cells; they enter no mean above.",
            tables.variants(records),
        ),
        _section("Not finished", "These runs enter no mean.", tables.unfinished(records)),
    ]
    return "\n".join(part for part in parts if part)


def _section(heading: str, words: str, table: Table) -> str:
    parts = (f"## {heading}\n", f"{words}\n" if words else "", markdown(table))
    return "\n".join(part for part in parts if part) if table.rows else ""


def _readme(records: Records, table1: str, shown: list[Figure]) -> str:
    parts = [
        "# Report\n\nMade by `gengap report` from the records; not edited by hand.\n",
        f"## Table 1\n\n{table1.replace('## ', '### ')}",
        *(_figure(f) for f in shown if f.draw),
        _section("Figures without records", "", _absent([f for f in shown if not f.draw])),
        f"## Where the numbers come from\n\n{markdown(_origin(records))}",
        f"## Rebuild\n\n{REBUILD}",
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _figure(figure: Figure) -> str:
    parts = [
        f"## {figure.heading}\n",
        f"![{figure.heading}]({figure.name}.svg)\n",
        figure.caption,
        "".join(f"- missing: {line}\n" for line in figure.missing),
        *(f"### {heading}\n\n{markdown(table)}" for heading, table in figure.tables.items()),
    ]
    return "\n".join(part for part in parts if part)


def _absent(figures: list[Figure]) -> Table:
    rows = tuple((f.heading, "; ".join(f.missing)) for f in figures)
    return Table(("figure", ""), rows, labels=2)


def _origin(records: Records) -> Table:
    runs = records.runs
    rows = (
        (str(name), str(len(group)), commits(group), distinct(group, "torch"))
        for name, group in runs.groupby("hardware", sort=True)
    )
    return Table(("hardware", "runs", "commits", "torch"), tuple(rows))
