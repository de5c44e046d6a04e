"""Batch sizes by update, against counting one update after another."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gengap.batches import Batches

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=4)
EPOCHS = st.fractions(0, 6, max_denominator=100)


def schedule(size: int, sizes: list[int], milestones: list[Fraction]) -> Batches:
    found = Batches(size, (sizes[0],))
    for batch, milestone in zip(sizes[1:], sorted(milestones), strict=False):
        found = found.then(batch, milestone)
    return found


@given(st.integers(1, 60), SIZES, st.lists(EPOCHS, min_size=3, max_size=3), EPOCHS)
def test_updates_and_samples_are_those_of_a_loop(size, sizes, milestones, end):
    """Each size is used as long as its whole batch fits in the samples up to its milestone."""
    found = schedule(size, sizes, milestones)
    ends = [*sorted(milestones)[: len(sizes) - 1], end]
    seen, made = 0, []
    for batch, until in zip(sizes, ends, strict=True):
        while seen + batch <= min(until, end) * size:
            seen += batch
            made.append(batch)
    if end >= max(ends):
        assert found.updates(end) == len(made)
        assert found.samples(len(made)) == seen <= end * size
        assert found.epochs(len(made)) == Fraction(seen, size)
        assert [found.sizes[found.phase(u)] for u in range(len(made))] == made
    totals = [found.samples(u) for u in range(len(made) + 5)]
    assert totals[0] == 0
    assert [b - a for a, b in zip(totals, totals[1:], strict=False)] == [
        found.sizes[found.phase(u)] for u in range(len(made) + 4)
    ]


@given(st.integers(1, 60), st.integers(1, 80), EPOCHS)
def test_one_size_makes_the_floor_of_epochs_times_samples_by_size(size, batch, epochs):
    assert Batches(size, (batch,)).updates(epochs) == epochs * size // batch


@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 300))
def test_with_the_partial_batch_every_epoch_is_whole(size, batch, updates):
    found, per_epoch = Batches(size, (batch,), keep_partial=True), -(-size // batch)
    assert found.samples(updates) == sum(
        min(batch, size - step * batch) for step in (u % per_epoch for u in range(updates))
    )
    assert found.epochs(updates) == Fraction(updates, per_epoch)
    assert found.updates(Fraction(updates, per_epoch)) == updates
