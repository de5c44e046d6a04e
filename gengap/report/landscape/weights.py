"""Which weights a record measured, those its run ended with or others, and their accuracies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gengap.report.cells import Records
from gengap.report.format import fixed
from gengap.report.markup import Table
from gengap.runs import Status, read_record
from gengap.runs.measurements import UNTRAINED
from gengap.runs.schema import WEIGHTS_DIGEST

ACCURACY, TRAINED = "accuracy", "trained"  # a kind of record, and the batch norm mode of a run's own record
OTHER = "it measured other weights than those that its run ended with"
OTHER_START = "its line starts at other weights than those that their run ended with"

_Run = tuple[str, int]  # name and seed


class Accuracies(NamedTuple):
    """Accuracies after the last update, in percent; None if unknown."""

    validation: float | None
    train: float | None


class Weights:
    """What the records of runs and of measurements say about the weights."""

    def __init__(self, records: Records) -> None:
        done = records.runs[records.runs["status"] == Status.FINISHED]
        columns = (done[c] for c in ("run", "seed", "directory", "last_val_accuracy", "train_accuracy"))
        finished = {(run, int(seed)): of_run for run, seed, *of_run in zip(*columns, strict=True)}
        self._runs = {key: Accuracies(float(v), float(t)) for key, (_, v, t) in finished.items()}
        needed = {key for content in records.landscape for key, _ in _measured(content)}
        found = {key: read_record(Path(finished[key][0])) for key in needed & finished.keys()}
        self._digests = {key: record.get(WEIGHTS_DIGEST) for key, record in found.items() if record}
        self._evaluated: dict[tuple[_Run, str], Accuracies] = {}
        for content in (c for c in records.landscape if c["kind"] == ACCURACY and c["measurements"]):
            self._evaluate(content)

    def _evaluate(self, content: dict[str, Any]) -> None:
        """Store what a record of accuracies says about its weights; records of different modes agree."""
        key = (content["run"], content["seed"]), content["weights"]
        of_mode = [m for m in content["measurements"] if m["batch_norm"] == TRAINED]
        train = 100 - of_mode[0]["train_error"] if of_mode else None
        own, known = content["measurements"][0]["run_val_accuracy"], self._evaluated.get(key)
        self._evaluated[key] = Accuracies(
            float(own), train if train is not None or not known else known.train
        )

    def why_left_out(self, content: dict[str, Any]) -> str:
        """State that a record is of weights other than those its run ended with; empty otherwise."""
        own = (content["run"], content["seed"])
        for key, measured in _measured(content):
            if self._digests.get(key) not in (None, measured):
                return OTHER if key == own else OTHER_START
        return ""

    def accuracies(self, content: dict[str, Any]) -> Accuracies:
        """Accuracies of the measured weights if recorded, otherwise of the run with that seed."""
        key = (content["run"], content["seed"])
        own = self._runs.get(key, Accuracies(None, None))
        found = self._evaluated.get((key, content["weights"]))
        return own if found is None or found.validation == own.validation else found

    def of_another_training(self) -> Table:
        """Tabulate weights whose own accuracy differs from their run's record, if that names no weights."""
        header = ("run", "seed", "validation %, the run's record", "validation %, the measured weights")
        found = {
            (*key, fixed(own.validation, 2), fixed(evaluated.validation, 2))
            for (key, _), evaluated in self._evaluated.items()
            if (own := self._runs.get(key))
            and own.validation != evaluated.validation
            and not self._digests.get(key)
        }
        rows = ((run, str(seed), *accuracies) for run, seed, *accuracies in sorted(found))
        return Table(header, tuple(rows), labels=1)


def _measured(content: dict[str, Any]) -> Iterator[tuple[_Run, str]]:
    """Yield the runs whose trained weights a record measured, with digests: its own, then a line's start."""
    if content["weights"] != UNTRAINED:
        yield (content["run"], content["seed"]), content["weights"]
    start, digest = content["config"][content["kind"]].get("start"), content.get("start_weights")
    run, _, seed = str(start).rpartition("/seed")
    if isinstance(digest, str) and seed.isdecimal():
        yield (run, int(seed)), digest
