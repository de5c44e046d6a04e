"""A mirror of a run's metrics for TensorBoard; metrics.jsonl remains the authoritative record."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from gengap.errors import UserError
from gengap.runs.record import metric_rows
from gengap.runs.store import Run

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


class TensorBoard:
    """Writes every line of metrics.jsonl as scalars, one per key, at the line's update.

    Per-tensor distances are omitted. An event's wall time is the start of the run plus the line's `seconds`.

    Args:
        run: run whose events are written to the folder `tensorboard` in its directory.

    Raises:
        UserError: the package tensorboard is not installed.
    """

    def __init__(self, run: Run) -> None:
        try:
            import torch.utils.tensorboard  # noqa: F401  # optional, and slow to import
        except ImportError as error:
            raise UserError(
                f"runtime.tensorboard=true needs the package tensorboard: pip install tensorboard ({error})"
            ) from error
        self._run = run
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def start(self) -> None:
        """Rewrite all lines that metrics.jsonl has so far, so that a resumed run has no duplicates."""
        from torch.utils.tensorboard import SummaryWriter

        folder = self._run.directory / FOLDER
        for events in folder.glob("events.out.tfevents.*"):
            events.unlink()
        # purge_step tells a TensorBoard that is already running to forget the deleted events
        self._writer = SummaryWriter(folder, purge_step=0)
        self._started = datetime.fromisoformat(self._run.record["started"]).timestamp()
        for row in metric_rows(self._run.directory):
            self.add(row)

    def add(self, row: dict[str, Any]) -> None:
        """Write one line of metrics.jsonl."""
        assert self._writer is not None, "start() comes first"
        for name, value in row.items():
            if isinstance(value, int | float) and name not in ("update", "seconds"):
                self._writer.add_scalar(name, value, row["update"], walltime=self._started + row["seconds"])
