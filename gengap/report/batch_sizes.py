"""Random walks of a row at several batch sizes, at one learning rate and after adapting it (figure 2)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from gengap.report.cells import Group, Records, changed, row_names
from gengap.report.distance import Walk, read_walk
from gengap.report.rows import KINDS, Row

ONE_RATE, ADAPTED = "lb", "lb_gbn"  # methods of figures 2a and 2b
BATCH = "method.batch_size"

Series = dict[tuple[Row, str], dict[int, Walk]]  # by row and method, then by ascending batch size


def walks_by_batch(records: Records, tensor: int | None = None) -> Series:
    """Read the walks of every row's SB, LB and +GBN, and of the runs that differ from them in batch size.

    tensor: index of a parameter tensor, for its distance alone; None for all parameters.
    """
    found: Series = defaultdict(dict)
    for row in (Row(name, *kind) for name in row_names(records) for kind in KINDS):
        for group in _groups(records, row):
            walk, batch = read_walk(group, tensor), batch_size(group)
            for method in _series_of(group, is_cell=group is records.cells.get((row, "sb"))):
                if walk is not None and batch is not None:
                    found[row, method].setdefault(batch, walk)  # the cells come first
    return {key: dict(sorted(walks.items())) for key, walks in found.items()}


def _series_of(group: Group, *, is_cell: bool) -> Iterable[str]:
    """Series of a group: SB, with its unscaled rate, is in both; other batches of its method use its rate."""
    if is_cell:
        return ONE_RATE, ADAPTED
    return (ONE_RATE if group.method == "sb" else group.method,)


def _groups(records: Records, row: Row) -> Iterator[Group]:
    """Yield the cells of a row, and the runs that differ from them only in batch size."""
    methods = ("sb", ONE_RATE, ADAPTED)
    yield from (group for m in methods if (group := records.cells.get((row, m))) is not None)
    for group in records.variants:
        if group.workload == row.name and group.method in methods:
            differs = {k: v for k, v in _kind(row).items() if v not in KINDS[0]}
            found = changed(group) or {}
            if BATCH in found and found == {BATCH: found[BATCH]} | differs:
                yield group


def _kind(row: Row) -> dict[str, str]:
    return {"precision": row.precision, "protocol": row.protocol}


def batch_size(group: Group) -> int | None:
    """Batch size of a group of runs; None if no record can be read."""
    return int(group.config["method"]["batch_size"]) if group.config else None
