"""The ghost size and the micro-batch of a plan: what was typed, or the defaults."""

from collections.abc import Mapping

from gengap.errors import UserError
from gengap.plan.numbers import whole

GHOST_SIZE = 128  # as in all of the paper's experiments


def default_ghost_size(small: int, large: int) -> int:
    """Largest divisor of the large batch that exceeds neither the small batch nor GHOST_SIZE."""
    return max(d for d in range(1, min(small, GHOST_SIZE) + 1) if large % d == 0)


def ghost_size(values: Mapping[str, str], small: int, large: int) -> int:
    """Read the ghost size that was typed, or use the default.

    Raises:
        UserError: it does not divide the large batch, or no divisor is near the default.
    """
    if "ghost_size" not in values:
        most, found = min(small, GHOST_SIZE), default_ghost_size(small, large)
        if 2 * found < most:
            raise UserError(
                f"large_batch={large} has no divisor from {most // 2} to {most} to use as the ghost size: "
                f"use large_batch={large // most * most}, or set ghost_size"
            )
        return found
    size = whole(values, "ghost_size")
    if large % size:
        nearest = _nearest_divisors(large, size)
        raise UserError(f"ghost_size={size} does not divide large_batch={large}: use {nearest}")
    return size


def _nearest_divisors(number: int, wanted: int) -> str:
    below = next(d for d in range(min(wanted, number), 0, -1) if number % d == 0)
    above = next((d for d in range(wanted + 1, number + 1) if number % d == 0), below)
    return " or ".join(f"ghost_size={d}" for d in dict.fromkeys((below, above)))


def micro_batch(values: Mapping[str, str], ghosts: int, large: int) -> int | None:
    """Read the number of samples that fit into memory at a time; None if it was not typed.

    Raises:
        UserError: it is no multiple of the ghost size, or does not divide the large batch.
    """
    if "micro_batch" not in values:
        return None
    size = whole(values, "micro_batch")
    if size % ghosts or large % size:
        raise UserError(
            f"micro_batch={size} must be a multiple of ghost_size={ghosts} and divide large_batch={large}"
        )
    return size
