"""Cutting a batch into micro-batches, and their size."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gengap.config.schema import Method
from gengap.training.micro_batches import micro_batch_size, micro_batches, most_that_fit
from tests.networks import convolutional

CPU = torch.device("cpu")


@given(
    ghosts=st.integers(1, 12), ghost=st.integers(1, 9), at_a_time=st.integers(1, 12), left=st.integers(0, 99)
)
def test_micro_batches_partition_the_batch_and_weights_sum_to_one(ghosts, ghost, at_a_time, left):
    """Equal weights per sample in a full batch, and per ghost in a partial one, as in the released code."""
    method = Method(batch_size=ghosts * ghost, ghost_size=ghost)
    samples = left % method.batch_size or method.batch_size
    found = micro_batches(samples, at_a_time * ghost, method)
    assert found[0][0].start == 0
    assert all(a.stop == b.start for (a, _), (b, _) in pairwise(found))
    assert found[-1][0].stop >= samples
    sizes = [len(range(samples)[part]) for part, _ in found]
    weights = [weight for _, weight in found]
    assert sum(s * w for s, w in zip(sizes, weights, strict=True)) == pytest.approx(1)
    whole = samples == method.batch_size
    assert all(
        w == 1 / samples if whole else s * w == pytest.approx(1 / len(sizes))
        for s, w in zip(sizes, weights, strict=True)
    )


def test_largest_micro_batch_that_fits_divides_the_batch_into_whole_ghosts():
    """Capacities by the closed form of test_memory.py: 52 numbers of 4 bytes per sample, and 4 vectors."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3))
    vectors = 4 * 4 * (12 * 20 + 20 + 20 * 3 + 3)

    def found(samples):
        return most_that_fit(model, (3, 2, 2), 48, 4, False, 4 * 52 * samples + vectors)

    assert [found(samples) for samples in (100, 48, 47, 24, 23, 20, 15, 11, 4)] == [
        48,
        48,
        24,
        24,
        16,
        16,
        12,
        8,
        4,
    ]
    assert found(0) == 4  # one ghost, even if that does not fit


def test_cpu_runs_convolutions_one_ghost_at_a_time(digits):
    dense, deep = nn.Linear(4, 2), convolutional(10, 64, 64)
    shape = (1, 8, 8)
    assert micro_batch_size(digits("lb_gbn"), dense, shape, CPU) == 512
    assert micro_batch_size(digits("lb_gbn"), deep, shape, CPU) == 16
    assert micro_batch_size(digits("lb"), deep, shape, CPU) == 512
    assert micro_batch_size(digits("lb_gbn", "runtime.micro_batch=64"), deep, shape, CPU) == 64
    assert micro_batch_size(digits("sb", "method.ghost_size=64"), deep, shape, CPU) == 16
