"""Photographs that could not be decoded, in the record of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

from gengap.data.device_images import DeviceImages
from gengap.runs.store import Run
from gengap.training.trainer import Trainer


def record_bad(run: Run, train: DeviceImages, validation: DeviceImages) -> None:
    """Name the photographs found so far, and those of earlier parts of the run, under `data`."""
    data = run.record["data"]
    before = data.get("bad_photographs", {})
    splits = {"train": train, "validation": validation}
    found = {name: sorted({*before.get(name, []), *images.bad}) for name, images in splits.items()}
    found = {name: names for name, names in found.items() if names}
    if found != before:
        run.update_record(data=data | {"bad_photographs": found})


@contextmanager
def recording_bad(run: Run, trainer: Trainer, validation: DeviceImages) -> Iterator[None]:
    """Name the photographs that the block finds, however it ends; rank 0 does."""
    try:
        yield
    finally:
        if trainer.ranks.is_first and (trainer.train.bad or validation.bad):
            record_bad(run, trainer.train, validation)
