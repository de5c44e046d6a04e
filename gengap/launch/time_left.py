"""Estimate the remaining time and cost of a command's runs, from recorded or measured speeds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gengap.config.conf import CONF
from gengap.config.schema import Config
from gengap.config.sweep import Job
from gengap.data.load import TRAINING_IMAGES
from gengap.data.splits import training_samples
from gengap.duration import in_words
from gengap.errors import counted
from gengap.paths import expanded
from gengap.regime import build_regime
from gengap.runs.speed import Speed, machine, shown_rate, speeds, typical
from gengap.runs.state import RunState, run_state

Measure = Callable[[Config], tuple[Speed, int]]  # returns the speed and the number of training images
NO_RECORD = "no record of a similar run on a device of this name"
Known = Sequence[tuple[dict[str, Any], Speed]]


@dataclass(frozen=True)
class Cell:
    """Remaining work in the runs of one cell.

    seconds is the time left for running them one after another on one device, None if unknown; speed is the
    speed it is computed from; left holds the unfinished runs and their states.
    """

    name: str
    runs: int
    seconds: float | None
    speed: Speed | None
    left: Sequence[tuple[Job, RunState]] = ()

    def samples(self, images: int) -> int:
        """Number of samples still to be processed, given a training set of `images` images."""
        return sum(_samples_left(job.config, images, state) for job, state in self.left)


def cells_left(jobs: Sequence[Job]) -> list[Cell]:
    """Estimate the time left from records, for each cell with unfinished runs.

    The speed is that of records of the same cell; otherwise, of records with the same workload and precision
    and the same batch and ghost size; otherwise, with any sizes. Records are used if they were made on a
    device of the same name as this one and are in the runs' results directory or among those shipped with
    gengap.
    """
    left: dict[str, list[tuple[Job, RunState]]] = {}
    for job in jobs:
        state = run_state(job.directory)
        if not state.is_done:
            left.setdefault(job.name, []).append((job, state))
    return [_cell(name, runs) for name, runs in left.items()]


def _cell(name: str, runs: Sequence[tuple[Job, RunState]]) -> Cell:
    config = runs[0][0].config
    known = _known(config)
    speed = _closest(name, config, known)
    images = _training_images(config, [*(state.record for _, state in runs), *(r for r, _ in known)])
    cell = Cell(name, len(runs), None, None, runs)
    return cell if speed is None or images is None else _at(cell, speed, images)


def _at(cell: Cell, speed: Speed, images: int) -> Cell:
    return replace(cell, seconds=cell.samples(images) / speed.rate, speed=speed)


def measured(cell: Cell, measure: Measure) -> Cell:
    """Return the cell with a newly measured speed.

    Raises:
        UserError: `measure` can't find the data set or can't build the run.
    """
    return _at(cell, *measure(cell.left[0][0].config))


def _samples_left(config: Config, images: int, state: RunState) -> int:
    regime = build_regime(config, images)
    return regime.batches.samples(regime.updates) - regime.batches.samples(min(state.done, regime.updates))


def _training_images(config: Config, records: Sequence[Mapping[str, Any]]) -> int | None:
    """Number of training images of a run; None if finding out requires reading its data set."""
    images = TRAINING_IMAGES.get(config.data.name)
    if images is not None:
        return training_samples(images, config.data)
    data = config.data
    asked = (data.name, data.folder, data.limit, data.holdout)
    for record in records:
        given = record.get("config", {}).get("data", {})
        if asked == (given.get("name"), given.get("folder", ""), given.get("limit"), given.get("holdout", 0)):
            return int(record["data"]["train"])
    return None


def _known(config: Config) -> Known:
    own, shipped = expanded(config.results_dir).resolve(), CONF.parent / "results"
    place = machine(config.runtime.device)
    known = speeds([own], config.workload.name, place)
    if own == shipped.resolve():
        return known
    others = speeds([shipped], config.workload.name, place)
    return known + [(record, replace(s, seen=f"gengap's record {s.seen}")) for record, s in others]


def _closest(name: str, config: Config, known: Known) -> Speed | None:
    by_distance: dict[int, list[Speed]] = {}
    for record, speed in known:
        distance = _distance(name, config, record)
        if distance is not None:
            by_distance.setdefault(distance, []).append(speed)
    return typical(by_distance[min(by_distance)]) if by_distance else None


def _distance(name: str, config: Config, record: Mapping[str, Any]) -> int | None:
    """0 for a record of the same cell, more if sizes differ, None if network or precision differ."""
    if f"{record['workload']}-{record['method']}-{record['digest']}" == name:
        return 0
    given = record["config"]
    model, method = given.get("model", {}), given.get("method", {})
    if given["precision"] != config.precision or model.get("name") != config.model.name:
        return None
    if model.get("options", {}) != config.model.options:
        return None
    sizes = (method.get("batch_size"), method.get("ghost_size"))
    return 1 if sizes == (config.method.batch_size, config.method.ghost_size) else 2


def lines(cells: Sequence[Cell], why: str, cost: float | None = None) -> Iterator[str]:
    """Yield lines with the time left for each cell and in total; arguments are as in `in_all`."""
    yield from (cell_line(cell) for cell in cells if cell.seconds is not None)
    yield from in_all(cells, why, cost)


def cell_line(cell: Cell) -> str:
    """Format the time left for a cell with a known speed."""
    assert cell.seconds is not None
    assert cell.speed is not None
    seen = f"{shown_rate(cell.speed.rate)} images/s, {cell.speed.seen}"
    return f"{cell.name}: {counted(cell.runs, 'run')}, about {in_words(cell.seconds)} ({seen})"


def in_all(cells: Sequence[Cell], why: str, cost: float | None = None) -> Iterator[str]:
    """Yield lines with the total time left and its cost, and the number of cells with unknown time.

    Args:
        cells: cells as returned by `cells_left`.
        why: why some times are unknown, and what to type.
        cost: cost of one device for one hour.
    """
    known = [cell.seconds for cell in cells if cell.seconds is not None]
    unknown = counted(len(cells) - len(known), "cell")
    is_whole = len(known) == len(cells)
    if known:
        money = "" if cost is None else f", {sum(known) / 3600 * cost:,.2f} at {cost:g} per device-hour"
        about = f"{'' if is_whole else 'at least '}about {in_words(sum(known))} on one device{money}"
        yield f"in all: {about}{'' if is_whole else f', and {unknown} not known'}"
    if not is_whole:
        yield f"time of {unknown} not known: {why}"
