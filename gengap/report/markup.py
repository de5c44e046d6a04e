"""A table as Markdown or CSV."""

import csv
import io
from dataclasses import dataclass


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
