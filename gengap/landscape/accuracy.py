"""Loss and accuracy as in a run's own evaluation, for different sources of batch norm statistics."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from gengap.batches import Batches
from gengap.config.identity import run_directory
from gengap.data.device_images import to_device
from gengap.data.stream import Stream
from gengap.landscape import batch_norm
from gengap.landscape.batch_norm import Mode
from gengap.landscape.recomputed import running_order, set_exact_statistics
from gengap.landscape.subject import Subject
from gengap.runs.record import read_record
from gengap.training.objective import EVALUATION_BATCH, evaluate

Pairs = Iterator[tuple[Tensor, Tensor]]  # images and labels, batch by batch


def accuracy(subject: Subject) -> dict[str, Any]:
    """Measure loss and error (%) on training and validation set in the run's precision; add its own accuracy.

    With batch_norm=trained, this is the run's own evaluation, using the running statistics from training.
    Otherwise, exact statistics of the trained weights first replace the running ones: over the training set
    as augmented in the first epoch (augmented), or without augmentation (recomputed).

    Raises:
        UserError: the run has no trained weights, or its batch norm can't be recomputed.
    """
    network, mode = subject.trained(), Mode(subject.settings.batch_norm)
    record = read_record(run_directory(subject.config))
    assert record is not None  # otherwise there would be no trained weights
    bf16 = subject.config.precision == "bf16"
    if mode != Mode.TRAINED:
        batches = _augmented if mode == Mode.AUGMENTED else _plain
        with torch.no_grad(), torch.autocast(subject.device.type, torch.bfloat16, enabled=bf16):
            _recompute(network, partial(batches, subject), subject.between)
    with network.register_forward_hook(lambda _, images, __: subject.between(len(images[0]))):
        train, validation = (
            evaluate(network, images, torch.float32, bf16=bf16)
            for images in (subject.train, subject.validation)
        )
    return {
        "batch_norm": mode.value,
        "train_loss": train.loss,
        "train_error": train.error,
        "val_loss": validation.loss,
        "val_error": validation.error,
        "run_val_accuracy": record["summary"]["last_val_accuracy"],
    }


def _recompute(network: nn.Module, images: Callable[[], Pairs], between: Callable[[int], None]) -> None:
    def batches() -> Pairs:
        for batch, labels in images():
            yield batch, labels
            between(len(labels))

    batch_norm.running(network)  # raises an error if there are no running statistics
    first, _ = next(images())
    set_exact_statistics(network, running_order(network, first[:2]), batches)


def _plain(subject: Subject) -> Pairs:
    yield from subject.train.evaluation_batches(EVALUATION_BATCH)


def _augmented(subject: Subject) -> Pairs:
    """Yield every training image once, cropped, flipped and moved as in the run's first epoch."""
    images = to_device(subject.splits.train, subject.config, subject.device, augment=True)
    cut = Batches(len(images), (min(EVALUATION_BATCH, len(images)),), keep_partial=True)
    stream = Stream(subject.config.seed, cut, images.crop_positions, moving=images.moving)
    with closing(images.batches(stream, 0)) as drawn:
        for batch in islice(drawn, int(cut.per_epoch)):
            yield images.preprocess(batch)
