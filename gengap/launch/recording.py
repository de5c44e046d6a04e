"""Write a run's record: when the run starts, and once more when it has finished."""

import io
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gengap.batches import Batches
from gengap.config.identity import as_dict
from gengap.config.own_source import own_fingerprint
from gengap.config.schema import Config
from gengap.data.description import describe, what_changed
from gengap.data.sources import Source
from gengap.data.splits import Splits
from gengap.errors import UserError
from gengap.launch.threads import change_of_threads
from gengap.runs import Status, provenance
from gengap.runs.bits import pack
from gengap.runs.checkpoint import load_checkpoint
from gengap.runs.parts import continued
from gengap.runs.record import PREVIOUS, WEIGHTS, remove_checkpoints
from gengap.runs.schema import FORMAT, WEIGHTS_DIGEST
from gengap.runs.store import Run, write_atomically
from gengap.runs.together import summary_of
from gengap.training.trainer import Trainer

BAD = "bad_photographs"

log = logging.getLogger(__name__)


def compared(config: Config, run: Run, source: Source, splits: Splits) -> dict[str, Any]:
    """Load the run's checkpoint; return what the run's record shall say about data and network.

    If there is a checkpoint, data and network must match what it and the record say about them.

    Raises:
        UserError: they don't match, an image file can't be read, or none of the checkpoints is usable.
    """
    run.checkpoint = load_checkpoint(run.directory)
    before = [run.checkpoint, run.record] if run.checkpoint is not None else []
    data = _data_of(run, before, describe(source, splits), packed=config.data.packed)
    code = own_fingerprint("data.name", config.data.name)
    return {"data": data | ({"source": code} if code else {}), **_network_of(run, before, config)}


def _data_of(
    run: Run, before: Sequence[Mapping[str, Any]], data: dict[str, Any], *, packed: bool
) -> dict[str, Any]:
    recorded = run.record.get("config", {"data": {"packed": packed}})
    was_packed = recorded["data"].get("packed", False)
    for known in (one.get("data", {}) for one in before):
        if changed := what_changed(known, data):
            if was_packed != packed:
                so_far = f"data.packed={str(was_packed).lower()}"
                raise UserError(
                    f"{run.directory} was trained with {so_far} so far: add that, or set another results_dir"
                )
            raise UserError(
                f"{run.directory} was trained on other data so far: {changed}; put that data back, set "
                "data.root=DIR to where it is, or remove the run's folder to start over"
            )
    bad = [one["data"][BAD] for one in before if BAD in one.get("data", {})]
    return data | ({BAD: bad[-1]} if bad else {})  # prefer the record's, which may be newer


def _network_of(run: Run, before: Sequence[Mapping[str, Any]], config: Config) -> dict[str, Any]:
    """Fingerprint of the source code of a user's own network; empty for gengap's networks."""
    name = config.model.name
    fingerprint = own_fingerprint("model.name", name)
    if fingerprint is None:
        return {}
    if any(one.get("network", {}).get("fingerprint", fingerprint) != fingerprint for one in before):
        raise UserError(
            f"{run.directory} was trained with another source of model.name={name} so far: put back what its "
            "function was, or remove the run's folder to start over"
        )
    return {"network": {"fingerprint": fingerprint}}


def open_record(config: Config, run: Run, data_and_network: dict[str, Any], trainer: Trainer) -> None:
    """Write the record of a run that is about to start or resume training.

    Earlier parts, trained by another version or on another machine, are kept under `earlier`.
    """
    regime, record = trainer.regime, run.record
    origin = provenance.origin(trainer.flat.weights.device, trainer.ranks.size)
    if run.checkpoint and (line := change_of_threads(record.get("hardware", {}), origin["hardware"])):
        log.warning("%s: %s", run.name, line)
    run.update_record(
        format=FORMAT,
        status=Status.RUNNING,
        workload=config.workload.name,
        method=config.method.name,
        digest=run.name.rpartition("-")[2],
        seed=config.seed,
        config=published(as_dict(config)),
        **continued(record, origin, done=(run.checkpoint or {}).get("done", 0)),
        **data_and_network,
        regime={
            "updates": regime.updates,
            "milestones": regime.milestones,
            "lr": regime.lr,
            "updates_per_epoch": float(regime.updates_per_epoch),
        }
        | _batches(regime.batches),
        engine=str(trainer.engine),
        parameters=sum(trainer.flat.sizes),
        tensors=trainer.flat.names,
        started=record.get("started", now()),
    )


def _batches(batches: Batches) -> dict[str, Any]:
    """Batch sizes and the update at which each starts, if there are several."""
    if len(batches.sizes) == 1:
        return {}
    return {"batch_sizes": batches.sizes, "batch_starts": batches.starts}


def published(config: dict[str, Any]) -> dict[str, Any]:
    """Drop paths on this machine, since records are published, and the key for the TensorBoard mirror."""
    data = {k: v for k, v in config["data"].items() if k != "root"}
    runtime = {k: v for k, v in config["runtime"].items() if k != "tensorboard"}
    return {k: v for k, v in config.items() if k != "results_dir"} | {"data": data, "runtime": runtime}


def finish_record(run: Run, trainer: Trainer, train_error: float, wrong: NDArray[np.bool_]) -> None:
    """Complete the record of a finished run, save its weights if requested, and delete its checkpoints.

    Args:
        run: directory of the run.
        trainer: trainer after its last update.
        train_error: error rate on the training set, in percent.
        wrong: which validation images (N,) are misclassified.
    """
    rows = run.evaluations()
    (run.directory / PREVIOUS).unlink(missing_ok=True)  # makes room; the newest is from the end of the run
    kept: dict[str, str] = {}
    if trainer.config.runtime.keep_weights:
        weights = io.BytesIO()
        torch.save(trainer.model.state_dict(), weights)
        write_atomically(run.directory / WEIGHTS, weights.getvalue())
        kept = {WEIGHTS_DIGEST: sha256(weights.getbuffer()).hexdigest()}
    run.update_record(
        status=Status.FINISHED,
        finished=now(),
        wall_seconds=rows[-1]["seconds"],
        summary={
            "updates": trainer.regime.updates,
            "samples_seen": trainer.stream.samples_seen(trainer.regime.updates),
            "train_accuracy": round(100 - train_error, 4),
        }
        | summary_of(rows),
        misclassified=pack(wrong),
        **kept,
        **run.metrics_digest(),
    )
    remove_checkpoints(run.directory)
    accuracy = run.record["summary"]["last_val_accuracy"]
    log.info("%s: finished, validation accuracy %.2f%%", run.directory, accuracy)


def now() -> str:
    """Current time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
