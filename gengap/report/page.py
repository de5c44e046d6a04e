"""Puts the report together: every file of `<results_dir>/report`."""

from pathlib import Path

from gengap.report import comparison_tables, paper, tables
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

SHARED = """\
Both rows share SB, and LB and +LR at batch 2048, as in the paper (footnote 8).
"""

COMPARISONS = """\
Accuracies of finished seeds, taken as independent samples; "n" counts the seeds of each cell in the order of
the name (for shares: SB, LB, the method), and all intervals are 95 % and over seeds only. Equivalence: a p
below 0.05 says that +RA and SB differ by less than 0.5 points; a larger p says nothing, neither that they
differ nor that they do not. Share: 0 % is LB and 100 % is SB; its bootstrap interval is too narrow when there
are few seeds. Steps: what each addition changes; read the p with Holm's correction, over the steps of a row
that have a p.
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
    lines = comparison_tables.compare_methods(records)
    compared = _comparisons(lines)
    data = {f"{stem}.csv": csv_text(table) for f in shown for stem, table in f.data.items()}
    return data | {
        "README.md": _readme(records, compared, shown),
        **_table_files(records, 1),
        **(_table_files(records, 2) if _has_table2(records) else {}),
        "comparisons.md": f"# Comparisons\n\n{compared}",
        "comparisons.csv": csv_text(comparison_tables.data(lines)),
    }


def _table_files(records: Records, number: int) -> dict[str, str]:
    return {
        f"table{number}.md": f"# Table {number}\n\n{_table(records, number)}",
        f"table{number}.csv": csv_text(tables.data(records, number)),
        f"table{number}.tex": latex(tables.quick(records, number)),
    }


def _has_table2(records: Records) -> bool:
    return bool(records.runs["workload"].isin(paper.workloads(2)).any())


def _table(records: Records, number: int) -> str:
    rows = rows_of_table(records, number)
    absent = [paper.title(row) for row in paper.rows(number) if row not in rows]
    without = f"No records yet of {'; '.join(absent)}.\n" if absent else ""
    parts = [
        markdown(tables.quick(records, number)) if rows else "No run is a cell of this table yet.\n",
        SHARED if number == 2 else "",
        MEANING,
        without,
        _section("Every cell", "", tables.long(records, number)),
        _section(
            "Variants",
            "Runs at other settings than the tables' cells; they enter no mean above.",
            tables.variants(records, number),
        ),
        _section("Not finished", "These runs enter no mean.", tables.unfinished(records, number)),
    ]
    return "\n".join(part for part in parts if part)


def _comparisons(found: list[comparison_tables.Comparison]) -> str:
    if not found:
        return "No run is a cell of a table yet.\n"
    sections = (
        ("Is +RA equivalent to SB?", comparison_tables.EQUIVALENCE),
        ("Share of the gap closed", comparison_tables.SHARE),
        ("From column to column", comparison_tables.STEP),
    )
    parts = (_section(heading, "", comparison_tables.table(found, kind)) for heading, kind in sections)
    return "\n".join((COMPARISONS, *parts))


def _section(heading: str, words: str, table: Table) -> str:
    parts = (f"## {heading}\n", f"{words}\n" if words else "", markdown(table))
    return "\n".join(part for part in parts if part) if table.rows else ""


def _readme(records: Records, compared: str, shown: list[Figure]) -> str:
    table2 = _table(records, 2) if _has_table2(records) else "No records of ImageNet yet.\n"
    parts = [
        "# Report\n\nMade by `gengap report` from the records; not edited by hand.\n",
        f"## Table 1\n\n{_table(records, 1).replace('## ', '### ')}",
        f"## Table 2\n\n{table2.replace('## ', '### ')}",
        f"## Comparisons\n\n{compared.replace('## ', '### ')}",
        *(_figure(f) for f in shown if f.draw),
        _section("Unreadable", "These records are left out everywhere.", tables.unreadable(records)),
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
