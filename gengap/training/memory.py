"""How much memory a training update needs, known before the first one."""

import torch
from torch import Tensor, nn

from gengap.training.sandbox import sandboxed

_PROBE = (2, 4)  # samples; what is saved grows linearly with them


def update_bytes(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> int:
    """Bytes of one update, about: activations saved for the backward pass, the largest gradient, the weights.

    Weights, gradient, velocity and initial weights are four vectors. Neither the model's running statistics
    nor any random generator is changed.

    Args:
        model: in training mode, on its device.
        shape: of one image, (C, H, W).
        samples: how many run at a time (the batch, or runtime.micro_batch).
        bf16: whether the forward pass is autocast.
    """
    activations = _activations(model, shape, samples, bf16)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return round(sum(activations) + max(activations)) + 4 * weights


def saved_bytes(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> int:
    """Bytes of the activations that an update saves for the backward pass; arguments as above."""
    return round(sum(_activations(model, shape, samples, bf16)))


def _activations(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> list[float]:
    # What two small batches save is counted, and the line through it says what `samples` need.
    few, more = (_saved(model, shape, count, bf16) for count in _PROBE)
    steps = (samples - _PROBE[0]) / (_PROBE[1] - _PROBE[0])
    return [a + steps * (b - a) for a, b in zip(few, more, strict=True)]


def _saved(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> list[int]:
    """Bytes of the different tensors that a forward pass keeps, in its order, without parameters, buffers."""
    parameter = next(model.parameters())
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    saved: dict[int, Tensor] = {}  # they are kept alive, so that no address is used twice

    def count(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    images = parameter.new_zeros(samples, *shape).contiguous(memory_format=torch.channels_last)
    with (
        sandboxed(model),
        torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor),
        torch.autocast(parameter.device.type, torch.bfloat16, enabled=bf16),
    ):
        model(images)
    return [t.untyped_storage().nbytes() for t in saved.values()]
