"""Run an update as a CUDA graph: all of its device work in a single launch."""

import gc
from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # updates before capture, enough to compile and select kernels and to allocate memory

DeviceStep = Callable[[float, tuple[Tensor, ...]], None]


class GraphedStep:
    """A step captured once per combination of weight decay and input shapes, and replayed from then on.

    Args:
        step: called as step(weight_decay, inputs); must not synchronize with the host, must change `state` in
            place, and any other tensors it reads must keep their addresses.
        state: returns every tensor the step changes; their values are restored after capture.
    """

    def __init__(self, step: DeviceStep, state: Callable[[], list[Tensor]]) -> None:
        self._step, self._state = step, state
        self._stream: torch.cuda.Stream | None = None
        self._graphs: dict[tuple[object, ...], tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...]]] = {}

    def __call__(self, weight_decay: float, inputs: tuple[Tensor, ...]) -> None:
        """Run the step on these inputs, each (B, ...); they are copied, so may be overwritten afterwards."""
        signature = (weight_decay, *(t.shape for t in inputs))
        if signature not in self._graphs:
            self._graphs[signature] = self._capture(weight_decay, tuple(t.clone() for t in inputs))
        graph, static_inputs = self._graphs[signature]
        for static, tensor in zip(static_inputs, inputs, strict=True):
            static.copy_(tensor, non_blocking=True)
        graph.replay()

    def _capture(
        self, weight_decay: float, static_inputs: tuple[Tensor, ...]
    ) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...]]:
        before = [t.clone() for t in self._state()]
        # One stream for all captures, because gradient nodes that stay alive are tied to their first stream
        self._stream = stream = self._stream or torch.cuda.Stream()
        gc.collect()  # freeing an earlier run's graph during the capture would abort it
        graph = torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._step(weight_decay, static_inputs)
            # thread_local, because the thread that pins batches of image files may allocate host memory
            # meanwhile
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                self._step(weight_decay, static_inputs)
        torch.cuda.current_stream().wait_stream(stream)
        with torch.no_grad():
            for tensor, value in zip(self._state(), before, strict=True):
                tensor.copy_(value)
        torch.cuda.manual_seed(torch.cuda.initial_seed())  # the warm-up drew dropout masks
        return graph, static_inputs
