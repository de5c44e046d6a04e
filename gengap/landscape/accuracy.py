"""Loss and accuracy as a run evaluates itself, by where the statistics of batch norm come from."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from gengap.config.identity import run_directory
from gengap.landscape import batch_norm
from gengap.landscape.batch_norm import Mode
from gengap.landscape.recomputed import running_order, set_exact_statistics
from gengap.landscape.subject import Subject
from gengap.runs.record import read_record
from gengap.training.objective import EVALUATION_BATCH, evaluate


def accuracy(subject: Subject) -> dict[str, Any]:
    """Mean loss and error (%) of training and validation set, in the precision of the run; its own accuracy.

    With batch_norm=trained this is the evaluation of the run itself, by the running statistics of training.
    With batch_norm=recomputed, exact statistics of the trained weights over the training set, without
    augmentation, take the place of the running ones first.

    Raises:
        UserError: the run has no trained weights, or its batch norm can't be recomputed.
    """
    network, mode = subject.trained(), Mode(subject.settings.batch_norm)
    record = read_record(run_directory(subject.config))
    assert record is not None  # else there were no trained weights
    bf16 = subject.config.precision == "bf16"
    if mode == Mode.RECOMPUTED:
        with torch.no_grad(), torch.autocast(subject.device.type, torch.bfloat16, enabled=bf16):
            _recompute(network, subject)
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


def _recompute(network: nn.Module, subject: Subject) -> None:
    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in subject.train.evaluation_batches(EVALUATION_BATCH):
            yield images, labels
            subject.between(len(labels))

    batch_norm.running(network)  # there are some
    images, _ = next(iter(subject.train.evaluation_batches(2)))
    set_exact_statistics(network, running_order(network, images), batches)
