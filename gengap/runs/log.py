"""run.log: everything logged while a run trains, with timestamps."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gengap.terminal import LogFormatter


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Append everything logged inside the block to `path`; a full disk is ignored.

    Raises:
        OSError: the file can't be opened.
    """
    handler = _LogFile(path)
    handler.setFormatter(LogFormatter("%(asctime)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Ignore the error: the line is already on the terminal, where logging's traceback would bury it."""

    def close(self) -> None:
        with suppress(OSError):  # closing flushes, which fails again on a full disk
            super().close()
