"""Random numbers as functions of (seed, purpose, time): there is no generator state to save or disturb."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What random numbers are used for. All results depend on these values, so they must never change."""

    INIT = 0
    ORDER = 1
    CROP = 2
    FLIP = 3
    DROPOUT = 4
    NOISE = 5
    HOLDOUT = 6
    SUBSPACE = 7
    DIRECTION = 8
    DRAW = 9
    PROBE = 10
    SAMPLE = 11
    MOTION = 12
    BN_WEIGHT = 13


def generator(seed: int, purpose: Purpose, epoch: int) -> np.random.Generator:
    """Create a NumPy generator for one purpose in one epoch (Philox, a counter-based generator)."""
    return np.random.Generator(np.random.Philox(_sequence(seed, purpose, epoch)))


def key(seed: int, purpose: Purpose, update: int) -> int:
    """Derive a 63-bit seed for another library's generator, for one purpose in one update."""
    return int(_sequence(seed, purpose, update).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _sequence(seed: int, purpose: Purpose, time: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, int(purpose), time])
