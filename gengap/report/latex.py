"""Table 1 or 2 as a LaTeX `table` for one column of a two-column paper, 3.25 inches wide."""

from collections.abc import Iterable

from gengap.paper.methods import LABELS, METHODS
from gengap.report.cells import Records, rows_of
from gengap.report.escape import tex_text
from gengap.report.format import signed
from gengap.report.measure import Measured, measure_cell
from gengap.report.rows import PAPER_TABLES, Part, Row

_MISSING = "--"
_DAGGER = r"$^\dagger$"
_USE = r"% \usepackage{{booktabs}}, then \input{{{part}}}; it fits a column of 3.25 inches"
_CAPTION = (
    r"Validation accuracy (\%) after the last update: ours, mean $\pm$ standard deviation over {seeds}, the "
    r"number published by Hoffer et al.\ (2017, Table~{number}), and the difference of the two in points. "
    r"Columns add up: +GBN is LB+LR+GBN, +RA is LB+LR+GBN+RA."
)


def table(records: Records, part: Part) -> str:
    r"""Build a `table` environment with booktabs rules.

    It has a block per row: name, our numbers, the paper's, and the difference. The number of seeds n is in
    the caption if all cells agree, otherwise in the name of the row if its cells do, otherwise on a separate
    line. Cells whose mean leaves out runs are marked with a dagger, and the caption says which runs.
    """
    blocks = [(row, [measure_cell(records, row, m) for m in METHODS]) for row in rows_of(records, part)]
    n = _common_n(cell for _, cells in blocks for cell in cells)
    seeds = f"$n = {n}$ seed{'s' if n > 1 else ''}" if n else "$n$ seeds"
    caption = _CAPTION.format(seeds=seeds, number=PAPER_TABLES[part]) + _left_out(blocks)
    lines = [
        _USE.format(part=part),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{part}}}",
        r"\footnotesize\setlength{\tabcolsep}{2pt}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(METHODS)}@{{}}}}",
        r"\toprule",
        _line("", LABELS.values()),
        *(line for row, cells in blocks for line in _block(row, cells, n)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _block(row: Row, cells: list[Measured], n: int) -> list[str]:
    own = 0 if n else _common_n(cells)
    name = tex_text(row.title) + (f", $n = {own}$" if own else "")
    lines = [
        r"\midrule",
        rf"\multicolumn{{{1 + len(METHODS)}}}{{@{{}}l}}{{{name}}} \\",
        _line("ours", map(_ours, cells)),
        _line("paper", (cell.paper or _MISSING for cell in cells)),
        _line("diff.", (signed(cell.difference).replace("-", "$-$") for cell in cells)),
    ]
    return lines if n or own else [*lines, _line("$n$", (str(cell.n) for cell in cells))]


def _ours(cell: Measured) -> str:
    dagger = _DAGGER if cell.runs and cell.note() else ""
    if cell.accuracy is None:
        return _MISSING + dagger
    std = "" if cell.accuracy.std is None else rf"{{\tiny$\pm${cell.accuracy.std:.2f}}}"
    return f"{cell.accuracy.mean:.2f}{std}{dagger}"


def _common_n(cells: Iterable[Measured]) -> int:
    """Number of seeds shared by all cells with finished runs; 0 if it differs or there are none."""
    found = {cell.n for cell in cells if cell.n}
    return found.pop() if len(found) == 1 else 0


def _left_out(blocks: list[tuple[Row, list[Measured]]]) -> str:
    notes = [
        f"{LABELS[cell.method]} of {row.title}: {cell.note()}"
        for row, cells in blocks
        for cell in cells
        if cell.runs and cell.note()
    ]
    return f" {_DAGGER}{tex_text('; '.join(notes))}." if notes else ""


def _line(label: str, cells: Iterable[str]) -> str:
    return " & ".join((label, *cells)) + r" \\"
