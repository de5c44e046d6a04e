"""A file that records which runs of a command began and ended, and outlives the processes training them."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gengap.launch.outcome import Outcome


@dataclass(frozen=True)
class Journal:
    """File to which several processes append lines; lines that can't be written are dropped."""

    file: Path

    def begin(self, directory: Path) -> None:
        """Record that the run in this directory begins."""
        self._append(directory, None)

    def end(self, directory: Path, outcome: Outcome) -> None:
        """Record how the run in this directory ended."""
        self._append(directory, outcome)

    def _append(self, directory: Path, outcome: Outcome | None) -> None:
        line = json.dumps([os.fspath(directory), outcome]) + "\n"
        with suppress(OSError), self.file.open("ab", buffering=0) as file:
            file.write(line.encode())

    def read(self) -> tuple[dict[Path, Outcome], set[Path]]:
        """Read the outcomes of runs that have ended and the set of those that have begun, by directory."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        entries = [(Path(directory), outcome) for directory, outcome in map(json.loads, lines)]
        ended = {directory: Outcome(outcome) for directory, outcome in entries if outcome}
        return ended, {directory for directory, _ in entries}
