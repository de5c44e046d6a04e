"""A table as Markdown or CSV."""

import csv
import io
from dataclasses import dataclass

from gengap.report.escape import csv_cell, markdown_text


@dataclass(frozen=True)
class Table:
    """Header and rows of arbitrary plain text; the first `labels` columns are left-aligned, others right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1


def markdown(table: Table) -> str:
    """Format as a pipe table."""
    rule = ("---",) * table.labels + ("---:",) * (len(table.header) - table.labels)
    lines = [table.header, rule, *table.rows]
    return "".join("| " + " | ".join(map(markdown_text, line)) + " |\n" for line in lines)


def csv_text(table: Table) -> str:
    """Format as comma-separated values with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(map(csv_cell, line) for line in (table.header, *table.rows))
    return out.getvalue()
