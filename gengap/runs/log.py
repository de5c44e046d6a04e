"""A run's own log beside its record: what is logged meanwhile, with times."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Append everything that is logged inside the block to `path`, as far as the disk has room.

    Raises:
        OSError: the file can't be opened.
    """
    handler = _LogFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing: the line is on the terminal, and logging's own traceback would bury it."""

    def close(self) -> None:
        with suppress(OSError):  # lines that found no room are written again on closing
            super().close()
