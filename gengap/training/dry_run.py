"""Whether a network can train on a data set's images, tried on a copy before anything is recorded."""

import copy

import torch
from torch import Tensor, nn

from gengap.errors import UserError
from gengap.training.micro_batches import parts
from gengap.training.trainer import Trainer


@torch.no_grad()
def check_network(trainer: Trainer, shape: tuple[int, int, int], num_classes: int, samples: int) -> None:
    """Run a copy of the network on blank images; neither it nor a random number generator changes.

    Args:
        trainer: with its network on the device.
        shape: of an image, (C, H, W).
        num_classes: logits that the network must give for every image.
        samples: of the training set.

    Raises:
        UserError: the network refuses the images, gives other outputs than a logit a class, or has batch norm
            that would meet a single sample.
    """
    config, size = trainer.config, "x".join(str(s) for s in shape)
    name, method = config.model.name, config.method
    images = torch.zeros(2, *shape, device=trainer.flat.weights.device)
    try:
        logits = _try(trainer.model, images, training=False)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise UserError(
            f"model.name={name} can't take the images of data.name={config.data.name}, "
            f"{size} (channels x height x width): {_first_line(error)}"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if found != (2, num_classes):
        raise UserError(
            f"model.name={name} gives {found} for 2 images of {size}, not (2, {num_classes}): a logit a class"
        )
    if _smallest_norm(trainer, samples) == 1:
        try:
            _try(trainer.model, images[:1], training=True)
        except ValueError as error:
            raise UserError(
                f"batch norm can't train on a single sample, but model.name={name} gets a batch or ghost of "
                f"one, with method.batch_size={method.batch_size} and method.ghost_size={method.ghost_size} "
                f"on {samples} samples: change method.batch_size ({_first_line(error)})"
            ) from error


def _smallest_norm(trainer: Trainer, samples: int) -> int:
    """Samples of the smallest batch, or ghost, that batch norm meets."""
    method = trainer.config.method
    batches = [method.batch_size]
    if trainer.config.protocol.keep_partial_batch and samples % method.batch_size:
        batches.append(samples % method.batch_size)
    sizes: list[int] = [
        min(part.stop, n) - part.start
        for n in batches
        for part, _ in parts(n, trainer.samples_at_a_time, method)
    ]
    return min(sizes if method.ghost_size is None else [*sizes, method.ghost_size])


def _try(model: nn.Module, images: Tensor, *, training: bool) -> object:
    with torch.random.fork_rng():  # dropout draws
        return copy.deepcopy(model).train(training)(images)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
