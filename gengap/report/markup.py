"""A table as Markdown, CSV or LaTeX."""

import csv
import io
from dataclasses import dataclass

_TEX = {
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "#": r"\#",
    "±": r"$\pm$",
    "–": "--",
    "‖": r"$\|$",
    "×": r"$\times$",
    "≈": r"$\approx$",
    "▲": r"$\uparrow$",
    "▼": r"$\downarrow$",
}


@dataclass(frozen=True)
class Table:
    """A header and rows of formatted text; the first `labels` columns align left, the others right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1


def markdown(table: Table) -> str:
    """A pipe table."""
    rule = ("---",) * table.labels + ("---:",) * (len(table.header) - table.labels)
    lines = [table.header, rule, *table.rows]
    return "".join("| " + " | ".join(c.replace("|", r"\|") for c in line) + " |\n" for line in lines)


def csv_text(table: Table) -> str:
    """Comma-separated values with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return out.getvalue()


def latex(table: Table) -> str:
    """A `tabular` with booktabs rules."""
    columns = "l" * table.labels + "r" * (len(table.header) - table.labels)
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _tex_row(table.header),
        r"\midrule",
        *(_tex_row(row) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _tex_row(cells: tuple[str, ...]) -> str:
    return " & ".join("".join(_TEX.get(c, c) for c in cell) for cell in cells) + r" \\"
