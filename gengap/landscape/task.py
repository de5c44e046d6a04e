"""A record of measurements to make, and checks that its runs exist; this module does not import torch."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengap.config.identity import as_typed, recorded_differences, run_directory, run_name
from gengap.config.schema import Config
from gengap.errors import FaultError, UnreadableError, UserError, printable
from gengap.landscape.settings import Settings, digest
from gengap.paths import expanded
from gengap.runs import Status, weights
from gengap.runs.measurements import measurement_file, read_measurement
from gengap.runs.record import WEIGHTS, own_record, read_record

NEAR = 2  # most settings in which another run may differ to be suggested
OF_ANOTHER = {"model.name", "data.name"}  # a run that differs in these can't be the one that was meant
KEEP_WEIGHTS = "runtime.keep_weights=true"


@dataclass(frozen=True)
class Task:
    """A record of measurements to make.

    Attributes:
        kind: kind of measurement.
        settings: settings of the measurement.
        config: configuration of the run.
        start: configuration of the run at α = 0 of a line; None for other kinds.
        words: words of `gengap train` for the run, for messages.
        start_words: likewise for the start.
    """

    kind: str
    settings: Settings
    config: Config
    start: Config | None = None
    words: Sequence[str] = ()
    start_words: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Kind of measurement, and name and seed of the run."""
        return f"{self.kind} of {run_name(self.config)} seed{self.config.seed}"

    @property
    def of(self) -> dict[str, Any]:
        """Anything the measurement depends on besides its run and settings."""
        return {"start": f"{run_name(self.start)}/seed{self.start.seed}"} if self.start else {}

    @property
    def file(self) -> Path:
        """Path of the record."""
        name = digest(self.kind, self.settings, self.of)
        results_dir = expanded(self.config.results_dir)
        return measurement_file(results_dir, run_name(self.config), self.config.seed, self.kind, name)


def is_measured(task: Task) -> bool:
    """Whether the record is finished.

    Raises:
        FaultError: it was made with weights other than the present ones.
        UnreadableError: it, or what was measured, is damaged, from a newer version, or of another run.
    """
    record = read_measurement(task.file)
    if record is None or record["status"] != Status.FINISHED:
        return False
    check_same_weights(task, record, kept_weights(task))
    return True


def check_runs(task: Task) -> None:
    """Check that the runs of a task have been trained and kept their weights.

    Raises:
        UserError: one has not, and the message gives the command that makes what is missing; or a line's runs
            have different networks or data.
        UnreadableError: the record of one is damaged or was written by a newer version.
    """
    if task.start:
        _check_alike(task.start, task.config)
    if task.settings.of_trained:
        _check_run(task.config, task.words)
    elif task.settings.repeats_training:
        _check_not_diverged(task.config)
    if task.start:
        _check_run(task.start, task.start_words)


def _check_run(config: Config, words: Sequence[str]) -> None:
    directory = run_directory(config)
    record = own_record(directory)
    typed = (word.removeprefix("++") for word in words)  # users type network options without the ++
    command = shlex.join(["gengap", "train", *typed, KEEP_WEIGHTS])
    if record is None:
        near = _near_match(config)
        raise UserError(f"{printable(directory)} is not trained: type {command}{near}")
    _check_not_diverged(config)
    if record["status"] != Status.FINISHED:
        raise UserError(f"{printable(directory)} has not finished training: type {command}")
    if weights.kept_weights(directory, record) is None:
        raise UserError(
            f"{printable(directory)} kept no weights: name another results_dir, or delete this folder, and "
            f"type {command}"
        )


def _near_match(config: Config) -> str:
    """Suggest how to name an existing run of the same workload, method and seed that differs in little."""
    runs = run_directory(config).parents[1]
    name = f"{config.workload.name}-{config.method.name}-*/seed{config.seed}"
    found: list[tuple[int, str]] = []
    for directory in sorted(d for d in runs.glob(name) if (d / WEIGHTS).exists()):
        with suppress(UnreadableError):
            record = read_record(directory)
            differs = recorded_differences(record["config"], config) if record else {}
            is_near = 0 < len(differs) <= NEAR and not OF_ANOTHER & differs.keys()
            found += [(len(differs), as_typed(differs))] if is_near else []
    return f"; there is one with {min(found)[1]}: add that to measure it" if found else ""


def _check_alike(start: Config, end: Config) -> None:
    """Compare names only; options are compared on the built networks, since untyped ones have defaults."""
    found = {"model.name": (start.model.name, end.model.name), "data.name": (start.data.name, end.data.name)}
    for key, (one, other) in found.items():
        if one != other:
            raise UserError(
                f"{run_name(start)}, the line's start, has {key}={one}, its end {run_name(end)} has "
                f"{key}={other}: set start to an experiment of the same network and data"
            )


def _check_not_diverged(config: Config) -> None:
    directory = run_directory(config)
    if (own_record(directory) or {}).get("status") == Status.DIVERGED:
        raise UserError(f"{printable(directory)} diverged, so there is nothing to measure: name another run")


def kept_weights(task: Task) -> dict[str, str]:
    """SHA-256 of weights.pt for each run of a task, by its key in the record; missing files are left out.

    Raises:
        UnreadableError: a file is not what its run ended with, or can't be read.
    """
    runs = {"weights": task.config if task.settings.of_trained else None, "start_weights": task.start}
    directories = {name: run_directory(config) for name, config in runs.items() if config}
    found = {name: weights.kept_weights(d, own_record(d) or {}) for name, d in directories.items()}
    return {name: digest for name, digest in found.items() if digest is not None}


def check_same_weights(task: Task, record: Mapping[str, Any], kept: Mapping[str, str]) -> None:
    """Check that a record was made with these weights.

    Raises:
        FaultError: it was not.
    """
    if any(record.get(name) != digest for name, digest in kept.items()):
        raise FaultError(
            f"{printable(task.file)} was measured with other weights, from before the run was trained again: "
            "delete it to measure these"
        )
