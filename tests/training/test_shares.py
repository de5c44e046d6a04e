"""The shares of ranks: contiguous, whole ghosts, every sample once."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gengap.config.schema import Method
from gengap.errors import UserError
from gengap.training.micro_batches import micro_batches
from gengap.training.shares import check_shares, chunks, share


@given(
    per_batch=st.integers(1, 12),
    ghost=st.none() | st.integers(1, 9),
    left=st.integers(0, 99),
    ranks=st.integers(1, 6),
    at_a_time=st.integers(1, 4),
)
def test_micro_batches_of_all_ranks_are_those_of_one_process(per_batch, ghost, left, ranks, at_a_time):
    size = ghost or 1
    method = Method(batch_size=per_batch * size, ghost_size=ghost)
    samples = left % method.batch_size or method.batch_size
    parts = [share(samples, method, rank, ranks) for rank in range(ranks)]
    assert (parts[0].start, parts[-1].stop) == (0, samples)
    assert all(a.stop == b.start for a, b in pairwise(parts))
    weights = torch.zeros(samples, dtype=torch.float64)
    alone = weights.clone()
    for part, weight in micro_batches(samples, at_a_time * size, method):
        alone[part] += weight
    for mine in parts:
        for part, weight in micro_batches(samples, at_a_time * size, method, mine):
            assert mine.start <= part.start <= part.stop <= mine.stop
            weights[part] += weight
    assert torch.equal(weights, alone)


@given(samples=st.integers(1, 99), ghosts=st.integers(1, 12))
def test_chunks_are_those_of_torch(samples, ghosts):
    found = chunks(samples, Method(batch_size=1000 * ghosts, ghost_size=1000))
    expected = torch.arange(samples).chunk(ghosts)
    assert [list(range(samples)[c]) for c in found] == [c.tolist() for c in expected]


def test_a_batch_that_ranks_can_t_share_evenly_is_refused_with_numbers_that_can(digits):
    check_shares(digits("lb_gbn"), 8)
    check_shares(digits("lb"), 4)
    with pytest.raises(
        UserError, match=r"3 ranks .* 32 ghosts of 16 evenly.* 1, 2, 4, 8, 16 or 32 .* 480 or 528"
    ):
        check_shares(digits("lb_gbn"), 3)
    with pytest.raises(UserError, match=r"3 ranks .* 512 samples evenly.* 510 or 513"):
        check_shares(digits("lb"), 3)
    with pytest.raises(UserError, match=r"^2 ranks can.t share a batch of 1 ghost of 16 evenly, but 1 can: "):
        check_shares(digits("sb", "method.ghost_size=16"), 2)
    growing = ("method.earlier_batches=[48]", "method.batch_milestones=[1]")
    with pytest.raises(UserError, match=r"a batch of 3 ghosts of 16 evenly"):
        check_shares(digits("lb_gbn", *growing), 2)
