"""Warm starts and growing batches next to the small and the large batch (Keskar et al. 2017, section 3)."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gengap.paper.methods import LABELS
from gengap.report.format import signed, signed_interval, spread
from gengap.report.landscape.numbers import SHARPNESS, Measure, Seeds
from gengap.report.landscape.tables import value
from gengap.report.landscape.trained import Trained, cell, epsilons, modes
from gengap.report.markup import Table
from gengap.report.rows import Row
from gengap.report.statistics import summarize

WARM, GROWING = "warm start", "growing batch"
_SCHEDULE = {"method.earlier_batches", "method.batch_milestones"}


class Line(NamedTuple):
    """LB, SB, or a run that differs from LB only in earlier batches.

    batches: samples per update, in order. epochs: number of epochs at the small batch; None for all. lb: the
    row's LB; None if it has none.
    """

    label: str
    batches: tuple[int, ...]
    epochs: float | None
    ours: Trained
    lb: Trained | None

    @property
    def is_warm(self) -> bool:
        """Whether it is a warm start: the small batch, then the large one."""
        return self.label == WARM


def started(trained: Sequence[Trained]) -> dict[Row, list[Line]]:
    """Collect, for each row with such runs: LB, warm starts by their epochs, growing batches, SB."""
    found = {row: _of_row(trained, row) for row in dict.fromkeys(t.row for t in trained)}
    return {
        row: lines for row, lines in found.items() if any(line.label in (WARM, GROWING) for line in lines)
    }


def _of_row(trained: Sequence[Trained], row: Row) -> list[Line]:
    lb, sb = (cell(trained, row, method) for method in ("lb", "sb"))
    between = [line for t in trained if t.row == row and (line := _between(t, lb))]
    between.sort(key=lambda line: (not line.is_warm, line.epochs, line.batches))
    return [
        *([Line(LABELS["lb"], (_batch(lb),), 0.0, lb, lb)] if lb else []),
        *between,
        *([Line(LABELS["sb"], (_batch(sb),), None, sb, lb)] if sb else []),
    ]


def _between(t: Trained, lb: Trained | None) -> Line | None:
    """Make the line of a run that differs from LB only in earlier batches; None for other runs."""
    method, small = t.config["method"], t.config["workload"].get("small_batch")
    earlier, milestones = (method.get(key) or [] for key in ("earlier_batches", "batch_milestones"))
    if t.method != "lb" or t.is_cell or not _are_numbers(earlier) or not _are_numbers(milestones):
        return None
    if t.changed is None or not t.changed.keys() <= _SCHEDULE:
        return None
    label = WARM if earlier == [small] else GROWING
    epochs = float(milestones[0]) if earlier[0] == small else 0.0
    return Line(label, (*map(int, earlier), _batch(t)), epochs, t, lb)


def _are_numbers(values: Any) -> bool:
    is_list = isinstance(values, list) and bool(values)
    return is_list and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _batch(t: Trained) -> int:
    return int(t.config["method"]["batch_size"])


def shown(rows: dict[Row, list[Line]]) -> set[tuple[str, Measure]]:
    """Collect the runs that are not cells, and their measures, that are shown by `table`."""
    ours = (line.ours for lines in rows.values() for line in lines if not line.ours.is_cell)
    return {(t.run, m) for t in ours for m in t.sharpness}


def table(rows: dict[Row, list[Line]]) -> Table:
    """Tabulate a line per run and mode of batch norm in which any run other than LB and SB is measured."""
    sizes = epsilons([line.ours for lines in rows.values() for line in lines])
    header = (
        "workload", "run", "samples per update", "epochs at the small batch", "n", "validation %", "− LB",
        "95 %", "batch norm", *(name for e in sizes for name in (f"sharpness, ε = {e:g}", f"/ LB, {e:g}")),
    )  # fmt: skip
    found = (row for lines in rows.values() for row in _rows(lines, sizes))
    return Table(header, tuple(found), labels=3)


def _rows(lines: Sequence[Line], sizes: Sequence[float]) -> Iterator[tuple[str, ...]]:
    asked = modes([line.ours for line in lines if not line.ours.is_cell]) or [("", "")]
    for mode in asked:
        for line in lines:
            measures = [Measure(SHARPNESS, e, None, *mode) for e in sizes]
            cells = (text for m in measures for text in _measured(line, m))
            yield (*_accuracy(line), " ".join(part for part in mode if part), *cells)


def _accuracy(line: Line) -> tuple[str, ...]:
    known = [*line.ours.accuracy.values()]
    found = None if line.ours is line.lb else line.ours.difference(line.lb)
    return (
        *(line.ours.row.title, line.label, " → ".join(f"{batch:,}" for batch in line.batches)),
        *("all" if line.epochs is None else f"{line.epochs:g}", str(len(known))),
        *(spread(summarize(known)) if known else "–", signed(found.mean) if found else ""),
        signed_interval(found),
    )


def _measured(line: Line, measure: Measure) -> tuple[str, str]:
    ratio = None if line.ours is line.lb else line.ours.ratios(line.lb).get(measure)
    return value(line.ours.sharpness.get(measure, Seeds())), ratio.text if ratio else ""
