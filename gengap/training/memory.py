"""Estimate the memory of a training update before the first one."""

import torch
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.training.optimizer import MOMENTS
from gengap.training.sandbox import sandboxed

_PROBE = (2, 4)  # batch sizes to measure; saved activations grow linearly with the batch size


def vectors(config: Config) -> int:
    """Number of weight-sized vectors that training.trainer.Trainer keeps.

    They are the weights, gradient, initial weights, optimizer moments and, in conservative training, the
    center.
    """
    return 3 + MOMENTS[config.workload.optimizer] + (config.method.proximal > 0)


def update_bytes(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool, vectors: int = 4) -> int:
    """Estimate the memory of one update, in bytes.

    This is the sum of the activations saved for the backward pass, the largest activation gradient, and the
    weight-sized vectors.

    Args:
        model: network in training mode, on its device; neither it nor any random number generator is changed.
        shape: shape of one image, (C, H, W).
        samples: number of samples per forward and backward pass (the micro-batch).
        bf16: whether the forward pass is autocast to bfloat16.
        vectors: number of weight-sized vectors.
    """
    activations = _activations(model, shape, samples, bf16)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return round(sum(activations) + max(activations)) + vectors * weights


def saved_bytes(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> int:
    """Estimate the bytes of activations an update saves for backward; arguments as in `update_bytes`."""
    return round(sum(_activations(model, shape, samples, bf16)))


def _activations(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> list[float]:
    # Linear extrapolation from two small batches
    few, more = (_saved(model, shape, count, bf16) for count in _PROBE)
    steps = (samples - _PROBE[0]) / (_PROBE[1] - _PROBE[0])
    return [a + steps * (b - a) for a, b in zip(few, more, strict=True)]


def _saved(model: nn.Module, shape: tuple[int, ...], samples: int, bf16: bool) -> list[int]:
    """Bytes of each tensor a forward pass saves, in order, excluding parameters and buffers."""
    parameter = next(model.parameters())
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    saved: dict[int, Tensor] = {}  # by address; kept alive so that no address is reused

    def count(tensor: Tensor) -> None:
        # Detach, and return nothing: a graph that holds its own outputs would never be freed. Neither would
        # the parameters' gradient nodes, which are tied to their stream and would prevent CUDA graph capture.
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
