"""Record photographs that could not be decoded in a run's record."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gengap.data.device_images import DeviceImages
from gengap.runs.store import Run
from gengap.training.trainer import Trainer


def count_earlier(found: Mapping[str, Sequence[str]], train: DeviceImages, validation: DeviceImages) -> None:
    """Count the photographs, by split, that earlier parts of the run found.

    Raises:
        MachineError: there are more than allowed.
    """
    for split, images in (("train", train), ("validation", validation)):
        images.bad.count_earlier(found.get(split, ()))


def record_bad(run: Run, train: DeviceImages, validation: DeviceImages) -> None:
    """List the photographs found so far, in this and earlier parts of the run, under `data` in its record."""
    data = run.record["data"]
    before = data.get("bad_photographs", {})
    splits = {"train": train, "validation": validation}
    found = {name: sorted({*before.get(name, []), *images.bad}) for name, images in splits.items()}
    found = {name: names for name, names in found.items() if names}
    if found != before:
        run.update_record(data=data | {"bad_photographs": found})


@contextmanager
def recording_bad(run: Run, trainer: Trainer, validation: DeviceImages) -> Iterator[None]:
    """Record the bad photographs found inside the block, however it ends; only rank 0 writes."""
    try:
        yield
    finally:
        if trainer.ranks.is_first and (trainer.train.bad or validation.bad):
            record_bad(run, trainer.train, validation)
