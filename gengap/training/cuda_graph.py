"""An update as a CUDA graph: everything that it does on the device, launched at once, without the host."""

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # updates: enough for kernels to be compiled and chosen, and for memory to be allocated

DeviceStep = Callable[[float, tuple[Tensor, ...]], None]


class GraphedStep:
    """A step that is captured at the first call of each kind and replayed ever after.

    A kind is a weight decay and the shapes of the inputs; what the step reads besides must keep its place.

    Args:
        step: called as step(weight_decay, inputs), on the device throughout; it changes `state` in place.
        state: every tensor that the step changes: capturing leaves them as they were.
    """

    def __init__(self, step: DeviceStep, state: Callable[[], list[Tensor]]) -> None:
        self._step, self._state = step, state
        self._graphs: dict[tuple[object, ...], tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...]]] = {}

    def __call__(self, weight_decay: float, inputs: tuple[Tensor, ...]) -> None:
        """Do the step's work on these inputs (B, ...), which may be overwritten afterwards."""
        kind = (weight_decay, *(t.shape for t in inputs))
        if kind not in self._graphs:
            self._graphs[kind] = self._capture(weight_decay, tuple(t.clone() for t in inputs))
        graph, places = self._graphs[kind]
        for place, tensor in zip(places, inputs, strict=True):
            place.copy_(tensor, non_blocking=True)
        graph.replay()

    def _capture(
        self, weight_decay: float, places: tuple[Tensor, ...]
    ) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...]]:
        before = [t.clone() for t in self._state()]
        stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._step(weight_decay, places)
        torch.cuda.current_stream().wait_stream(stream)
        with torch.cuda.graph(graph):
            self._step(weight_decay, places)
        with torch.no_grad():
            for tensor, value in zip(self._state(), before, strict=True):
                tensor.copy_(value)
        torch.cuda.manual_seed(torch.cuda.initial_seed())  # dropout starts where the caller had set it
        return graph, places
