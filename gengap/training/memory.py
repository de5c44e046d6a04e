"""An estimate of the memory of a training update, made before the first one."""

import torch
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.training.optimizer import MOMENTS
from gengap.training.sandbox import sandboxed

_PROBE = (2, 4)  # samples; saved activations grow linearly with them


def vectors(config: Config) -> int:
    """Vectors of training.trainer.Trainer.

    They are weights, gradient, initial weights, the optimizer's moments and the center of conservative
    training.
    """
    return 3 + MOMENTS[config.workload.optimizer] + (config.method.proximal > 0)


def update_bytes(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool, vectors: int = 4) -> int:
    """Estimate the bytes of one update.

    They are the activations saved for the backward pass, the largest gradient of an activation, and vectors
    of the size of the weights.

    Args:
        model: in training mode, on its device; neither it nor any random number generator is changed.
        shape: of one image, (C, H, W).
        samples: per forward and backward pass (the micro-batch).
        bf16: whether the forward pass is autocast to bfloat16.
        vectors: of the size of the weights.
    """
    activations = _activations(model, shape, samples, bf16)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return round(sum(activations) + max(activations)) + vectors * weights


def saved_bytes(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> int:
    """Bytes of the activations that an update saves for the backward pass; arguments as above."""
    return round(sum(_activations(model, shape, samples, bf16)))


def _activations(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> list[float]:
    # Linear extrapolation from two small batches
    few, more = (_saved(model, shape, count, bf16) for count in _PROBE)
    steps = (samples - _PROBE[0]) / (_PROBE[1] - _PROBE[0])
    return [a + steps * (b - a) for a, b in zip(few, more, strict=True)]


def _saved(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> list[int]:
    """Bytes of each tensor that a forward pass saves, in order, without parameters and buffers."""
    parameter = next(model.parameters())
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    saved: dict[int, Tensor] = {}  # by address; kept alive, so that no address is reused

    def count(tensor: Tensor) -> None:
        # Detached, and nothing returned: a graph that held its own outputs would never be freed. Nor would
        # the gradient nodes of the parameters, which stay on their stream, so that no CUDA graph is captured.
        if tensor.untyped_storage().data_ptr() not in own:
            saved[tensor.untyped_storage().data_ptr()] = tensor.detach()

    images = parameter.new_zeros(samples, *shape).contiguous(memory_format=torch.channels_last)
    with (
        sandboxed(model),
        torch.autograd.graph.saved_tensors_hooks(count, _never_called),
        torch.autocast(parameter.device.type, torch.bfloat16, enabled=bf16),
    ):
        model(images)
    return [t.untyped_storage().nbytes() for t in saved.values()]


def _never_called(packed: None) -> Tensor:
    raise AssertionError("there is no backward pass")
