"""The largest eigenvalue of the Hessian of a network's mean cross-entropy, computed by each library."""

import gc
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gengap.landscape.curvature import Products, largest
from gengap.landscape.subject import Subject

Batches = Sequence[tuple[Tensor, Tensor]]  # normalized images and labels
Find = Callable[[nn.Module, Batches, int], float]  # takes a network it may change, batches and a seed


@dataclass(frozen=True)
class Library:
    """A library to measure.

    Attributes:
        package: name of the package on PyPI.
        settings: settings of its accuracy, least accurate first, as text, each with the function that finds
            the eigenvalue with it.
    """

    package: str
    settings: Mapping[str, Find]


def residuals(subject: Subject) -> Library:
    """gengap on the subject's images, with `tolerance` as in `gengap landscape curvature`."""
    tolerances = (0.1, 0.03, 0.01, 0.003, 0.001)
    return Library("gengap", {f"tolerance={t:g}": gengap(subject, t) for t in tolerances})


def gengap(subject: Subject, tolerance: float) -> Find:
    """gengap's method on the subject's images, to a relative residual of `tolerance`."""

    def find(network: nn.Module, batches: Batches, seed: int) -> float:
        surface = subject.surface(network)
        (value,), _ = largest(Products(surface).times, surface.size, 1, tolerance, seed)
        return value

    return find


def _power_iteration(tolerance: float) -> Find:
    """PyHessian's method; it keeps the gradient's graph, as gengap does, only if images fit one batch."""

    def find(network: nn.Module, batches: Batches, seed: int) -> float:
        from pyhessian import hessian

        torch.manual_seed(seed)
        images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
        on_gpu = images.device.type == "cuda"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using backward.. with create_graph=True")
            found = hessian(network, nn.CrossEntropyLoss(), data=(images, labels), cuda=on_gpu)
        values, _ = found.eigenvalues(maxIter=1000, tol=tolerance, top_n=1)
        network.zero_grad()  # as that warning advises: gradients and their graph keep each other alive
        del found
        gc.collect()
        return float(values[0])

    return find


def _lanczos(steps: int) -> Find:
    """hessian-eigenthings' method, with this many steps."""

    def find(network: nn.Module, batches: Batches, seed: int) -> float:
        from hessian_eigenthings import HessianOperator, lanczos, supervised_loss

        operator = HessianOperator(network.eval(), batches, supervised_loss(nn.CrossEntropyLoss()))
        return float(lanczos(operator, k=1, max_iter=steps, which="LA", seed=seed).eigenvalues[0])

    return find


LIBRARIES: Mapping[str, Library] = {
    "PyHessian": Library(
        "pyhessian", {f"tol={10.0**-n:.0e}": _power_iteration(10.0**-n) for n in range(2, 7)}
    ),
    "hessian-eigenthings": Library(
        "hessian-eigenthings", {f"max_iter={n}": _lanczos(n) for n in range(6, 62, 2)}
    ),
}
