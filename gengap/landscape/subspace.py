"""A random subspace of the weights: A in Metric 2.1 (Keskar et al. 2017), kept or generated in pieces."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gengap.errors import UserError
from gengap.randomness import Purpose, key

KEPT_BYTES = 2**30  # size up to which A is held in memory
ROWS, ENTRIES = 2**16, 2**23  # limits on the size of a piece; A depends on them, so they must never change


class Subspace:
    """Matrix A (n, p) with independent standard normal entries, which depend only on (seed, n, p).

    Args:
        size: number of weights n.
        dimension: dimension p of the subspace.
        seed: seed of the entries.
        kept_bytes: size above which A is generated anew, in pieces, for every product.

    Raises:
        UserError: there are fewer weights than dimensions.
    """

    def __init__(self, size: int, dimension: int, seed: int, kept_bytes: int = KEPT_BYTES) -> None:
        if dimension > size:
            raise UserError(
                f"subspace={dimension} has more dimensions than the network has weights ({size:,}): lower it"
            )
        self.size, self.dimension, self._seed = size, dimension, seed
        is_kept = 4 * size * dimension <= kept_bytes
        self._pieces = list(self._made()) if is_kept else None

    def __iter__(self) -> Iterator[tuple[slice, Tensor]]:
        """Iterate over the pieces of A: the slice of weights, and the float32 entries (rows, p)."""
        return iter(self._pieces if self._pieces is not None else self._made())

    def _made(self) -> Iterator[tuple[slice, Tensor]]:
        most = min(ROWS, max(1, ENTRIES // self.dimension))
        for number, start in enumerate(range(0, self.size, most)):
            rows = slice(start, min(start + most, self.size))
            generator = torch.Generator().manual_seed(key(self._seed, Purpose.SUBSPACE, number))
            yield rows, torch.randn(rows.stop - start, self.dimension, generator=generator)

    def expand(self, y: Tensor) -> Tensor:
        """Compute A y (n,) in float64, for y (p,)."""
        expanded = torch.empty(self.size, dtype=torch.float64)
        for rows, entries in self:
            expanded[rows] = entries.double() @ y.double()
        return expanded

    def project(self, x: Tensor) -> Tensor:
        """Compute Aᵀ x (p,) in float64, for x (n,)."""
        projected = torch.zeros(self.dimension, dtype=torch.float64)
        for rows, entries in self:
            projected += x[rows].double() @ entries.double()
        return projected

    def coordinates(self, x: Tensor) -> NDArray[np.float64]:
        """Compute A⁺ x (p,), the coordinates of x's projection onto the subspace, by solving AᵀA y = Aᵀx."""
        gram = torch.zeros(self.dimension, self.dimension, dtype=torch.float64)
        for _, entries in self:
            gram += entries.double().T @ entries.double()
        solved: NDArray[np.float64] = torch.linalg.solve(gram, self.project(x)).numpy()
        return solved
