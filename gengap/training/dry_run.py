"""Check that a network can train on the data set's images, before anything is recorded."""

import torch
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.training.micro_batches import micro_batches
from gengap.training.sandbox import sandboxed


@torch.no_grad()
def check_network(config: Config, model: nn.Module, shape: tuple[int, int, int], num_classes: int) -> None:
    """Run the network on two blank images in evaluation mode.

    Args:
        config: configuration of the run, for the names in error messages.
        model: network on its device; it is not changed.
        shape: shape of one image, (C, H, W).
        num_classes: number of logits the network must return per image.

    Raises:
        UserError: the network has no trainable parameters, fails on the images, or returns anything but
            logits (2, num_classes).
    """
    name, size = config.model.name, "x".join(str(s) for s in shape)
    if not any(p.requires_grad for p in model.parameters()):
        raise UserError(f"model.name={name} has no trainable parameters: choose another network")
    try:
        logits = _run(model, (2, *shape), training=False)
    except Exception as error:  # a user's own network may raise anything
        raise UserError(
            f"model.name={name} can't take the images of data.name={config.data.name}, "
            f"{size} (channels x height x width): {_first_line(error)}"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if found != (2, num_classes):
        raise UserError(
            f"model.name={name} returns {found} for 2 images of {size}: "
            f"it must return logits of shape (2, {num_classes})"
        )


@torch.no_grad()
def check_smallest_batch(
    config: Config, model: nn.Module, shape: tuple[int, int, int], samples: int, micro_batch: int
) -> None:
    """Check that batch norm never sees a single value per channel, which has no variance.

    Args:
        config, model, shape: as in `check_network`.
        samples: number of training samples.
        micro_batch: samples per forward and backward pass.

    Raises:
        UserError: the smallest batch or ghost batch has one sample, and the network can't train on that.
    """
    if _smallest_batch(config, samples, micro_batch) > 1:
        return
    method = config.method
    try:
        _run(model, (1, *shape), training=True)
    except ValueError as error:
        raise UserError(
            f"batch norm can't train on a single sample, but method.batch_size={method.batch_size} and "
            f"method.ghost_size={method.ghost_size} on {samples} samples make a batch or ghost of one for "
            f"model.name={config.model.name}: change method.batch_size ({_first_line(error)})"
        ) from error


def _smallest_batch(config: Config, samples: int, micro_batch: int) -> int:
    """Number of samples in the run's smallest batch or ghost batch."""
    method = config.method
    batches = [method.batch_size, *method.earlier_batches]
    if config.protocol.keep_partial_batch and samples % method.batch_size:
        batches.append(samples % method.batch_size)
    sizes: list[int] = [
        min(part.stop, n) - part.start for n in batches for part, _ in micro_batches(n, micro_batch, method)
    ]
    return min(sizes if method.ghost_size is None else [*sizes, method.ghost_size])


def _run(model: nn.Module, shape: tuple[int, ...], *, training: bool) -> object:
    device = next(model.parameters()).device
    with sandboxed(model):
        return model.train(training)(torch.zeros(shape, device=device))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
