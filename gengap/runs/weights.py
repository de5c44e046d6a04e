"""Weights kept by a finished run, and whether they are still the ones it ended with."""

from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from gengap.errors import UnreadableError
from gengap.faults import check_is_file
from gengap.runs.record import WEIGHTS
from gengap.runs.schema import WEIGHTS_DIGEST
from gengap.runs.seal import damage_at_end


def kept_weights(directory: Path, record: Mapping[str, Any]) -> str | None:
    """SHA-256 of a run's complete weights.pt, in hexadecimal; None if it kept no weights.

    Args:
        directory: directory of the run.
        record: its run.json; records made before weights were recorded don't mention them.

    Raises:
        UnreadableError: it is not the file the record describes, is not a regular file, or can't be read.
    """
    file, expected = directory / WEIGHTS, record.get(WEIGHTS_DIGEST)
    try:
        if not check_is_file(file):
            return None
        wrong = "" if expected is None else damage_at_end(file)  # checked before reading a file of any size
        if not wrong:
            with file.open("rb") as opened:
                found = file_digest(opened, sha256).hexdigest()
            if expected in (None, found):
                return found
            wrong = "its SHA-256 is not the one in run.json"
    except OSError as error:
        raise UnreadableError(file, f"can't be read: {error.strerror}") from error
    raise UnreadableError(
        file,
        f"is damaged, or of another run ({wrong}): restore it, or delete its folder and train the run again "
        "with runtime.keep_weights=true",
    )
