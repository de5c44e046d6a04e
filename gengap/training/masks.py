"""Dropout on several ranks: each uses its own rows of the masks that a single process would draw."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gengap.config.schema import Method
from gengap.training.micro_batches import micro_batches


@dataclass(frozen=True)
class _Draw:
    """What a dropout layer draws per sample: shape, strides and dtype of the mask, and drop probability."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype
    p: float

    def __call__(self, samples: int, device: torch.device) -> Tensor:
        """Draw factors (samples, ...) of 0 or 1 / (1 - p), exactly as nn.Dropout would."""
        per_sample = math.prod(self.shape)
        strides = (per_sample, *self.strides)
        ones = torch.empty_strided((samples, *self.shape), strides, dtype=self.dtype, device=device).fill_(1)
        factors: Tensor = F.dropout(ones, self.p, training=True)
        return factors


class SharedDropout(nn.Dropout):
    """nn.Dropout that uses this rank's rows of the mask drawn for their whole block."""

    masks: "Masks"
    dropped: Callable[[Tensor], Tensor]  # not compiled, because what it draws depends on the micro-batch

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements in training, keeping shape, dtype and memory format."""
        shared = self.training and self.masks.active
        output: Tensor = self.dropped(input) if shared else super().forward(input)
        return output

    def by_rows(self, x: Tensor) -> Tensor:
        """Drop elements using this rank's rows of the mask."""
        return x * self.masks.rows_of(x, self.p)


class Masks:
    """Masks that a single process with micro-batches of `block` samples would draw, block by block.

    Masks are a function of (seed, update), so a rank can also draw those of other ranks. It does, so that its
    random number generator is always in the same state as in a single process.

    Args:
        model: network whose dropout layers are converted to SharedDropout in place.
        block: samples per micro-batch in a single process.
        method: provides batch sizes and ghost size.
    """

    def __init__(self, model: nn.Module, block: int, method: Method) -> None:
        self._block, self._method = block, method
        self._device = next(model.parameters()).device
        self._draws: list[_Draw] = []
        self._recording = False
        self.active = False  # whether layers share masks; if not, as in a dry run, they draw their own
        self._samples, self._rows = 0, slice(0, 0)
        for module in model.modules():
            if type(module) is nn.Dropout:
                module.__class__ = SharedDropout
                assert isinstance(module, SharedDropout)
                module.masks = self
                module.dropped = torch.compiler.disable(module.by_rows)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the layers draw during one forward pass in training mode."""
        self._draws.clear()
        self.active = self._recording = True
        try:
            yield
        finally:
            self.active = self._recording = False

    @property
    def drawn(self) -> bool:
        """Whether the network uses any dropout in training."""
        return bool(self._draws)

    def rows_of(self, x: Tensor, p: float) -> Tensor:
        """Draw the factors for a layer's input x (B, ...): this rank's rows of the mask."""
        strides = x.stride() if len(x) else x.contiguous().stride()
        draw = _Draw(tuple(x.shape[1:]), tuple(strides[1:]), x.dtype, p)
        if self._recording:
            self._draws.append(draw)
            return torch.ones_like(x)
        return draw(self._samples, self._device)[self._rows]

    def in_turn(self, samples: int, parts: Sequence[tuple[slice, float]]) -> Iterator[tuple[slice, float]]:
        """Yield this rank's micro-batches, each with the generator in the state at the start of its block.

        Args:
            samples: number of samples in the whole batch.
            parts: this rank's micro-batches in order, each within one block.
        """
        if not self._draws:
            yield from parts
            return
        waiting = list(parts)
        for block, _ in micro_batches(samples, self._block, self._method):
            inside = [p for p in waiting if p[0].start < block.stop or block.stop == samples]
            waiting = waiting[len(inside) :]
            self._samples = block.stop - block.start
            state = self.generator_state()
            for number, part in enumerate(inside):
                if number:
                    self._restore(state)
                self._rows = slice(part[0].start - block.start, part[0].stop - block.start)
                self.active = True
                yield part
                self.active = False
            if not inside:
                for draw in self._draws:
                    draw(self._samples, self._device)

    def generator_state(self) -> Tensor:
        """State of torch's random number generator on the device."""
        on_gpu = self._device.type == "cuda"
        return torch.cuda.get_rng_state(self._device) if on_gpu else torch.default_generator.get_state()

    def _restore(self, state: Tensor) -> None:
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(state, self._device)
        else:
            torch.default_generator.set_state(state)
