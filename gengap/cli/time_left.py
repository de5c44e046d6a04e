"""Print the time left for a sweep and its price, for `gengap status`."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from math import inf

from gengap.config.sweep import Job
from gengap.errors import DONE, UserError, counted, exit_code
from gengap.launch.stop import Stop
from gengap.launch.time_left import NO_RECORD, Cell, cell_line, cells_left, in_all, measured
from gengap.runs.speed import machine
from gengap.terminal import say

TO_MEASURE = f"{NO_RECORD}; add --estimate to measure"
NOT_MEASURED = "not measured"


def price(typed: Sequence[str]) -> float | None:
    """Parse --cost, the cost of one device for one hour.

    Args:
        typed: values of --cost, of which the last one is used.

    Raises:
        UserError: it is not a number, or negative.
    """
    for word in typed[-1:]:
        with suppress(ValueError):
            if 0 <= float(word) < inf:
                return float(word)
        raise UserError(f"--cost={word} is no price of a device-hour: type a number such as --cost=2.5")
    return None


def print_time_left(jobs: Sequence[Job], cost: float | None, *, estimate: bool) -> int:
    """Print the time left for each cell as soon as it is known, then the total; return the exit code.

    Args:
        jobs: runs to report on.
        cost: cost of one device for one hour.
        estimate: whether to measure cells for which there are no records. If one can't be measured, it is
            named, and its error determines the exit code.
    """
    print()
    say(f"Time left, at the speed recorded on devices named {machine(jobs[0].config.runtime.device)[1]}:")
    cells = cells_left(jobs)
    for cell in cells:
        if cell.seconds is not None:
            _say(cell_line(cell))
    code = _measure(cells, partial(_say_in_all, cells, cost)) if estimate else DONE
    _say_in_all(cells, cost, NOT_MEASURED if estimate else TO_MEASURE)
    return code


def _say(line: str) -> None:
    say(f"  {line}")


def _say_in_all(cells: Sequence[Cell], cost: float | None, why: str) -> None:
    for line in in_all(cells, why, cost):
        _say(line)


def _measure(cells: list[Cell], say_in_all: "partial[None]") -> int:
    """Measure the cells with unknown time, updating `cells` in place; return the exit code."""
    unknown = [number for number, cell in enumerate(cells) if cell.seconds is None]
    if not unknown:
        return DONE
    say(
        f"gengap: measuring {counted(len(unknown), 'cell')} here, for some seconds each, or longer where one "
        "update takes longer; Ctrl-C ends it and sums up what is known by then",
        sys.stderr,
    )
    code = DONE
    with Stop(None).before_exit(lambda _: say_in_all(NOT_MEASURED)):
        from gengap.launch.timed import timed  # imports torch

        for count, number in enumerate(unknown, 1):
            say(f"gengap: measuring {cells[number].name} ({count} of {len(unknown)})", sys.stderr)
            try:
                cells[number] = measured(cells[number], timed)
            except UserError as error:
                _say(f"{cells[number].name}: {NOT_MEASURED}: {error}")
                code = code or exit_code(error)
            else:
                _say(cell_line(cells[number]))
    return code
