"""Puts the report together: every file of `<results_dir>/report`."""

from pathlib import Path

from gengap.report import paper, tables
from gengap.report.cells import Records, rows_of_table
from gengap.report.distance import Curve, curve_data, curves, fit_data, fit_table
from gengap.report.figures import draw_distance
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

FITS = """\
Distance is the L2 norm of w_t - w_0 over all parameters. Lines are means over seeds, bands ± one standard
deviation, dashes the mean fit. Fits use one window: the recorded rows after the last one with clipped
updates, up to the first change of the learning rate. Each run is fitted by itself, so n counts seeds. The
two laws are compared by prediction: each is fitted by least squares on the first half of the window's rows
(they are even in ln t), and "error" is the root mean square error on the last half, averaged over seeds; in
brackets, for how many seeds the better law is the better one.
"""

REBUILD = """\
`gengap train +sweep=NAME` makes the runs of a sweep, `gengap report` this folder from their records, and
`gengap report --check` fails where this folder is not what the records say. Add `results_dir=DIR` for
records elsewhere than in `results`.
"""


def write_report(records: Records, folder: Path) -> None:
    """Write all files, replacing those of an earlier report."""
    found = curves(records)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _texts(records, found).items():
        (folder / name).write_text(text, encoding="utf-8")
    svg, png = folder / "distance.svg", folder / "distance.png"
    svg.unlink(missing_ok=True)
    png.unlink(missing_ok=True)
    if found:
        draw_distance(found, svg, png)


def texts(records: Records) -> dict[str, str]:
    """Name and content of every file that is text: tables and the data of figures."""
    return _texts(records, curves(records))


def _texts(records: Records, found: list[Curve]) -> dict[str, str]:
    table1 = _table1(records)
    fits = f"{FITS}\n{markdown(fit_table(found))}"
    return {
        "README.md": _readme(records, table1, fits if found else ""),
        "table1.md": f"# Table 1\n\n{table1}",
        "table1.csv": csv_text(tables.data(records)),
        "table1.tex": latex(tables.quick(records)),
        "distance.csv": csv_text(curve_data(found)),
        "distance_fits.md": f"# Distance from initialisation: fits\n\n{fits}",
        "distance_fits.csv": csv_text(fit_data(found)),
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


def _readme(records: Records, table1: str, fits: str) -> str:
    figure = f"![Distance from initialisation against updates](distance.svg)\n\n{fits}"
    parts = [
        "# Report\n\nMade by `gengap report` from the records; not edited by hand.\n",
        f"## Table 1\n\n{table1.replace('## ', '### ')}",
        f"## Distance from initialisation\n\n{figure if fits else 'No finished run has recorded it yet.'}",
        f"## Where the numbers come from\n\n{markdown(_origin(records))}",
        f"## Rebuild\n\n{REBUILD}",
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _origin(records: Records) -> Table:
    runs = records.runs
    rows = (
        (str(name), str(len(group)), commits(group), distinct(group, "torch"))
        for name, group in runs.groupby("hardware", sort=True)
    )
    return Table(("hardware", "runs", "commits", "torch"), tuple(rows))
