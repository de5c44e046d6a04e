from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengap.batches import Batches
from gengap.data.stream import Stream


def stream(seed=0, size=10, batch=4, padding=2, keep_partial=False):
    return Stream(seed, Batches(size, (batch,), keep_partial=keep_partial), 2 * padding + 1)


@given(size=st.integers(1, 60), data=st.data(), seed=st.integers(0, 10))
def test_every_epoch_is_a_permutation_cut_into_equal_batches(size, data, seed):
    batch = data.draw(st.integers(1, size))
    found = stream(seed, size, batch)
    drawn = np.concatenate([found.batch(u).indices for u in range(4 * size // batch + 1)])
    assert all(len(found.batch(u).indices) == batch for u in range(5))
    for epoch in range(len(drawn) // size):
        assert sorted(drawn[epoch * size : (epoch + 1) * size]) == list(range(size))


@given(size=st.integers(1, 60), data=st.data())
def test_the_partial_batch_ends_each_epoch(size, data):
    batch = data.draw(st.integers(1, size))
    found = stream(0, size, batch, keep_partial=True)
    per_epoch = -(-size // batch)
    sizes = [len(found.batch(u).indices) for u in range(2 * per_epoch)]
    last = size - (per_epoch - 1) * batch
    assert sizes == ([batch] * (per_epoch - 1) + [last]) * 2
    assert sorted(np.concatenate([found.batch(u).indices for u in range(per_epoch)])) == list(range(size))
    assert found.samples_seen(per_epoch) == size


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 5))
def test_order_and_augmentation_do_not_depend_on_the_batch_size(one, other, seed):
    def flat(batch):
        parts = [stream(seed, 50, batch).batch(u) for u in range(-(-150 // batch))]
        return [np.concatenate([getattr(p, f) for p in parts])[:150] for f in ("indices", "offsets", "flips")]

    for a, b in zip(flat(one), flat(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_any_batch_can_be_drawn_first():
    forwards, backwards = stream(), stream()
    ahead = [forwards.batch(u) for u in range(20)]
    for update in reversed(range(20)):
        np.testing.assert_array_equal(backwards.batch(update).indices, ahead[update].indices)
        np.testing.assert_array_equal(backwards.batch(update).offsets, ahead[update].offsets)


def test_seeds_and_epochs_draw_differently_and_crops_cover_their_range():
    size = 5000
    first, second = (stream(0, size, size, padding=2).batch(e) for e in range(2))
    other = stream(1, size, size).batch(0)
    assert not np.array_equal(first.indices, second.indices)
    assert not np.array_equal(first.indices, other.indices)
    counts = np.bincount(first.offsets.reshape(-1), minlength=5)
    assert len(counts) == 5
    assert abs(counts / 10_000 - 0.2).max() < 0.02  # five standard errors
    assert abs(first.flips.mean() - 0.5) < 0.036


def test_golden_draws():
    """The published records rest on these numbers: a library that draws others must not go unnoticed."""
    batch = stream(seed=3, size=10, batch=4).batch(5)
    assert batch.indices.tolist() == GOLDEN[0]
    assert batch.offsets.tolist() == GOLDEN[1]
    assert batch.flips.tolist() == GOLDEN[2]


GOLDEN = ([7, 2, 3, 8], [[1, 0], [3, 2], [3, 1], [4, 3]], [False, False, False, False])


@given(st.lists(st.integers(1, 30), min_size=2, max_size=4), st.integers(0, 5))
def test_a_change_of_the_batch_size_goes_on_where_the_stream_is(sizes, seed):
    starts = tuple(3 * k for k in range(len(sizes)))
    growing = Stream(seed, Batches(30, tuple(sizes), starts), 5, moving=True)
    plain = Stream(seed, Batches(30, (1,)), 5, moving=True)
    found = [growing.batch(u) for u in range(3 * len(sizes))]
    assert [len(b.indices) for b in found] == [size for size in sizes for _ in range(3)]
    expected = [plain.batch(u) for u in range(growing.samples_seen(3 * len(sizes)))]
    for field in ("indices", "offsets", "flips", "motions"):
        drawn, one_by_one = (np.concatenate([getattr(b, field) for b in x]) for x in (found, expected))
        np.testing.assert_array_equal(drawn, one_by_one)


def test_motions_are_spread_and_leave_the_other_draws_alone():
    moving, still = (Stream(0, Batches(2000, (2000,)), 5, moving=m) for m in (True, False))
    a, b = moving.batch(0), still.batch(0)
    for field in ("indices", "offsets", "flips"):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
    assert not b.motions.any()
    assert np.abs(a.motions).max() <= 1
    np.testing.assert_allclose(a.motions.mean(0), 0, atol=5 / np.sqrt(3 * 2000))
    np.testing.assert_allclose((a.motions**2).mean(0), 1 / 3, atol=0.05)
    assert np.abs(np.corrcoef(a.motions.T) - np.eye(3)).max() < 0.1


@pytest.mark.parametrize(
    ("size", "batch", "epochs", "seeds", "crossing", "mean"),
    [
        (60_000, 4096, 128, 1, 127, 47.0),  # MNIST
        (50_000, 4096, 256, 1, 255, 56.1),  # CIFAR
        (600, 41, 41, 50, 40, 0.5),
    ],
)
def test_samples_repeated_in_a_batch_across_the_end_of_an_epoch(size, batch, epochs, seeds, crossing, mean):
    """Hypergeometric, of mean a (B - a) / N where an epoch leaves a samples; as in docs/protocols.md."""
    left = [size * epoch % batch for epoch in range(1, epochs + 1)]
    assert sum(a > 0 for a in left) == crossing
    expected = batch * (batch + gcd(batch, size)) / (6 * size)
    assert sum(a * (batch - a) / size for a in left) / crossing == pytest.approx(expected, rel=1e-12)
    assert expected == pytest.approx(mean, abs=0.05)
    repeated, variance = 0, 0.0
    for seed in range(seeds):
        found = stream(seed, size, batch)
        for epoch, a in enumerate(left, 1):
            if a > 0:
                drawn = found.batch(size * epoch // batch).indices
                repeated += batch - len(np.unique(drawn))
                of_first = a / size
                variance += (batch - a) * of_first * (1 - of_first) * (size - batch + a) / (size - 1)
    assert abs(repeated - seeds * crossing * expected) < 4 * variance**0.5
    assert repeated > 0


def test_no_sample_is_repeated_where_the_partial_batch_is_kept():
    found = stream(0, 600, 41, keep_partial=True)
    drawn = [found.batch(u).indices for u in range(10 * 15)]
    assert all(len(np.unique(indices)) == len(indices) for indices in drawn)
