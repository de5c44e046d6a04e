"""Whether a network can train on a data set's images, tried before anything is recorded."""

import torch
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.training.micro_batches import micro_batches
from gengap.training.sandbox import sandboxed


@torch.no_grad()
def check_network(config: Config, model: nn.Module, shape: tuple[int, int, int], num_classes: int) -> None:
    """Run the network on two blank images, in evaluation mode.

    Args:
        config: names the network and the data set, for messages.
        model: on its device; it is not changed.
        shape: of an image, (C, H, W).
        num_classes: logits that the network must give for every image.

    Raises:
        UserError: the network has no parameters, refuses the images, or gives anything but one logit per
            class and image.
    """
    name, size = config.model.name, "x".join(str(s) for s in shape)
    if not any(p.requires_grad for p in model.parameters()):
        raise UserError(f"model.name={name} has no parameters to train")
    try:
        logits = _run(model, (2, *shape), training=False)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise UserError(
            f"model.name={name} can't take the images of data.name={config.data.name}, "
            f"{size} (channels x height x width): {_first_line(error)}"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if found != (2, num_classes):
        raise UserError(
            f"model.name={name} gives {found} for 2 images of {size}, not (2, {num_classes}): "
            "one logit per class"
        )


@torch.no_grad()
def check_smallest_batch(
    config: Config, model: nn.Module, shape: tuple[int, int, int], samples: int, micro_batch: int
) -> None:
    """Check that batch norm never meets a single sample, from which it has no variance.

    Args:
        config, model, shape: as above.
        samples: of the training set.
        micro_batch: samples that run at a time.

    Raises:
        UserError: the smallest batch or ghost has one sample, and the network can't train on it.
    """
    if _smallest_batch(config, samples, micro_batch) > 1:
        return
    method = config.method
    try:
        _run(model, (1, *shape), training=True)
    except ValueError as error:
        raise UserError(
            f"batch norm can't train on a single sample, but model.name={config.model.name} gets a batch or "
            f"ghost of one, with method.batch_size={method.batch_size} and "
            f"method.ghost_size={method.ghost_size} on {samples} samples: change method.batch_size "
            f"({_first_line(error)})"
        ) from error


def _smallest_batch(config: Config, samples: int, micro_batch: int) -> int:
    """Samples of the smallest batch or ghost that batch norm meets."""
    method = config.method
    batches = [method.batch_size]
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
    return str(error).strip().partition("\n")[0]
