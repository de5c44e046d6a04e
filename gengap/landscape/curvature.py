"""Largest eigenvalues and trace of the training loss's Hessian, from Hessian-vector products."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from gengap.errors import UserError
from gengap.landscape.arguments import check_positive, check_whole
from gengap.landscape.box import one_thread
from gengap.landscape.surface import Surface
from gengap.randomness import Purpose, generator

Vector = NDArray[np.float64]
Gradients = tuple[Tensor | None, ...]
RESTARTS = 100  # maximum number of restarts of the Lanczos iteration
LANCZOS = 4  # vectors per restart beyond two per eigenvalue; few products if the spectrum is easy
WORK_BYTES = 2 * 2**30  # memory for Lanczos vectors
KEPT_BYTES = 4 * 2**30  # memory for graphs that are kept
ROUNDED = 1e-5  # tolerance below which float32 rounding matters, since eigsh assumes exact products
GRAPH_PER_ACTIVATION = 3  # bytes in a gradient's graph per byte saved by the forward pass


def curvature(surface: Surface, count: int, probes: int, tolerance: float, seed: int) -> dict[str, Any]:
    """Compute the largest eigenvalues and the trace of the Hessian at the surface's weights.

    Args:
        surface: loss surface.
        count: number of eigenvalues to compute, the algebraically largest.
        probes: number of random vectors for the trace, at least 2.
        tolerance: relative tolerance for the residual ‖H v - λ v‖ of an eigenvalue λ, above 0. In float32, a
            tolerance below ROUNDED costs one more product per eigenvalue, to measure the residual.
        seed: seed of the probes and of the iteration's starting vector.

    Returns:
        The measurement for the record. `trace_error` is the standard error of the trace over the probes.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the tolerance is not a finite number above 0, or there are too few eigenvalues or probes.
        UserError: there are no more weights than eigenvalues, or batch norm statistics are recomputed over a
            set that does not fit into memory at once.
    """
    check_whole("count", count, 1)
    check_whole("probes", probes, 2)
    check_positive("tolerance", tolerance)
    if count >= surface.size:
        raise UserError(f"eigenvalues={count} must be lower than the number of weights ({surface.size:,})")
    products = Products(surface)
    is_rounded = surface.flat.weights.dtype == torch.float32 and tolerance < ROUNDED
    values, converged = largest(products.times, surface.size, count, tolerance, seed, verify=is_rounded)
    trace, error = hutchinson(products.times, surface.size, probes, seed)
    return {
        "batch_norm": surface.mode.value,
        "loss": products.loss,
        "eigenvalues": values,
        "trace": trace,
        "trace_error": error,
        "products": products.made,
        "tolerance": tolerance,
        "converged": converged,
    }


class Products:
    """Products of the Hessian of a surface's loss with vectors, at fixed weights.

    Gradient graphs are kept as far as they fit into KEPT_BYTES; a product then takes one backward pass per
    batch instead of one forward and two backward passes.

    Attributes:
        made: number of products so far.
        loss: loss, available after the first product.

    Raises:
        UserError: statistics are recomputed over a training set that does not fit into memory at once.
    """

    def __init__(self, surface: Surface) -> None:
        if surface.in_pieces:
            raise UserError(
                "batch_norm=recomputed takes the second derivative over all images at once, and these do not "
                "fit into memory: set samples to fewer, or use batch_norm=trained or batch_norm=batch"
            )
        self._surface = surface
        self._kept: list[Gradients] | None = None
        self._keeps = GRAPH_PER_ACTIVATION * surface.saved_bytes() <= KEPT_BYTES
        self.made, self.loss = 0, 0.0

    def times(self, vector: Vector) -> Vector:
        """Compute H v (P,), with sums over batches in float64."""
        flat = self._surface.flat
        total = torch.zeros_like(flat.weights, dtype=torch.float64)
        directions = flat.views(torch.from_numpy(vector).to(flat.weights))
        kept: list[Gradients] = []

        def add(gradients: Gradients) -> None:
            used = [(g, v) for g, v in zip(gradients, directions, strict=True) if g is not None and g.grad_fn]
            outputs, vectors = zip(*used, strict=True)
            self._surface.add_to(
                total,
                torch.autograd.grad(
                    outputs, flat.parameters, vectors, allow_unused=True, retain_graph=self._keeps
                ),
            )

        def differentiate(loss: Tensor) -> None:
            gradients = torch.autograd.grad(loss, flat.parameters, create_graph=True, allow_unused=True)
            add(gradients)
            if self._keeps:
                kept.append(gradients)

        if self._kept is None:
            self.loss = self._surface.over_batches(differentiate)
            self._kept = kept or None
        else:
            for gradients in self._kept:
                add(gradients)
                self._surface.between(0)
        self.made += 1
        return (total / len(self._surface.train)).cpu().numpy()


def largest(
    times: Callable[[Vector], Vector],
    size: int,
    count: int,
    tolerance: float,
    seed: int,
    verify: bool = False,
) -> tuple[list[float], bool]:
    """Compute a symmetric matrix's algebraically largest eigenvalues, in descending order, by scipy's eigsh.

    Args:
        times: multiplies the matrix by a vector (size,).
        size: size of the matrix.
        count: number of eigenvalues, below `size`.
        tolerance: relative tolerance for the residual.
        seed: seed of the starting vector.
        verify: whether to measure each eigenvalue's residual with one more product, e.g. if products are
            rounded.

    Returns:
        The eigenvalues that have converged, and whether all of them have.
    """
    fitting = WORK_BYTES // (8 * size)
    vectors = min(size, max(count + 2, min(fitting, 2 * count + LANCZOS)))
    operator = LinearOperator((size, size), matvec=lambda v: times(np.ravel(v)), dtype=np.float64)
    start = generator(seed, Purpose.PROBE, 0).standard_normal(size)
    asked: dict[str, Any] = {
        "k": count, "which": "LA", "v0": start, "ncv": vectors, "maxiter": RESTARTS, "tol": tolerance,
        "return_eigenvectors": verify,
    }  # fmt: skip
    found: Any
    try:
        with one_thread():
            found = eigsh(operator, **asked)
    except ArpackNoConvergence as error:
        found = (error.eigenvalues, error.eigenvectors) if verify else error.eigenvalues
    values = _accurate(times, found[0], found[1], tolerance) if verify else found
    return _descending(values), len(values) == count


def _accurate(
    times: Callable[[Vector], Vector], values: Vector, vectors: NDArray[Any], tolerance: float
) -> list[float]:
    """Select the eigenvalues whose residuals are within the tolerance."""
    return [
        value
        for value, vector in zip(values, vectors.T, strict=True)
        if np.linalg.norm(times(vector) - value * vector) <= tolerance * abs(value)
    ]


def hutchinson(times: Callable[[Vector], Vector], size: int, probes: int, seed: int) -> tuple[float, float]:
    """Estimate the trace of a matrix and its standard error (Hutchinson 1990).

    The estimate is the mean of vᵀ H v over vectors v of random signs.
    """
    samples = []
    for probe in range(1, probes + 1):
        signs = generator(seed, Purpose.PROBE, probe).choice([-1.0, 1.0], size)
        samples.append(float(signs @ times(signs)))
    return float(np.mean(samples)), float(np.std(samples, ddof=1) / np.sqrt(probes))


def _descending(values: Iterable[float]) -> list[float]:
    return sorted(map(float, values), reverse=True)
