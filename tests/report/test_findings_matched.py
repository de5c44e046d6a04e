"""The claim of figure 2b: all batch sizes walk equally far once the learning rate is adapted."""

from math import log

import pytest
from report_records import Store, walk
from scipy.stats import t as student

from gengap.report.cells import read_records
from gengap.report.findings import matched
from gengap.report.findings.claims import Claim


def grown(times: float, until: int = 2000) -> list[dict]:
    return walk(until, lambda t: times * (1 + log(t)))


def claim(store: Store) -> Claim:
    return matched.claim(read_records(store.root))


@pytest.fixture
def small(store: Store) -> Store:
    """SB with three seeds that walk differently far, so that only pairing by seed gives equal ratios."""
    for seed in range(3):
        store.add("mnist_sb", seed, rows=grown(1 + seed), milestones=[1500])
    return store


@pytest.mark.parametrize(
    ("times", "agrees"),
    [((1.0, 1.01, 1.02), True), ((2.0, 2.1, 2.2), False), ((1.1, 1.2, 1.5), None), ((1.0,), None)],
)
def test_a_size_agrees_where_the_interval_of_the_paired_ratio_is_near_one(
    times: tuple[float, ...], agrees: bool | None, small: Store
) -> None:
    for seed, factor in enumerate(times):
        small.add("mnist_lb_gbn", seed, rows=grown((1 + seed) * factor), milestones=[100])
    (found,) = claim(small).evidence
    assert found.agrees is agrees
    mean = sum(times) / len(times)
    assert f"batch 4,096: {mean:#.3g}" in found.text
    assert f"(n = {len(times)}) at update 100; at update 10 {mean:#.3g}" in found.text
    if len(times) > 1:
        std = (sum((x - mean) ** 2 for x in times) / (len(times) - 1)) ** 0.5
        half = student.ppf(0.975, len(times) - 1) * std / len(times) ** 0.5
        assert f"({mean - half:#.3g} to {mean + half:#.3g})" in found.text
    assert bool(found.brief) == (len(times) > 1)


def test_only_the_first_phase_of_the_larger_batch_counts(small: Store) -> None:
    for seed in range(3):
        later = walk(2000, lambda t, s=1 + seed: s * (1 + log(t)) if t <= 150 else 99.0)
        small.add("mnist_lb_gbn", seed, rows=later, milestones=[120])
    (found,) = claim(small).evidence
    assert found.agrees
    assert "at update 120" in found.text


@pytest.mark.parametrize("evaluated", [False, True])
def test_what_follows_the_first_phase_does_not_count_between_its_last_row_and_its_end(
    evaluated: bool, small: Store
) -> None:
    end = 117  # between two rows
    for seed in range(3):
        rows = walk(2000, lambda t, s=1 + seed: s * (1 + log(t)) if t <= end else 99.0)
        assert end not in {row["update"] for row in rows}
        if evaluated:  # a row without distances of the tensors
            last = next(row for row in reversed(rows) if row["update"] < end)
            at_end = {k: v for k, v in last.items() if k != "tensor_distances"}
            rows.append(
                at_end | {"update": end, "epoch": end / 10, "distance": 3 * (1 + seed) * (1 + log(end))}
            )
            rows.sort(key=lambda row: row["update"])
        small.add("mnist_lb_gbn", seed, rows=rows, milestones=[end])
    (found,) = claim(small).evidence
    assert f"batch 4,096: {'3.0' if evaluated else '1.0'}" in found.text
    assert "of the first parameter tensor 1.00" in found.text


def test_seeds_are_paired_and_others_left_out(small: Store) -> None:
    for seed in (1, 2, 7):
        small.add("mnist_lb_gbn", seed, rows=grown(1 + seed), milestones=[100])
    assert "(n = 2)" in claim(small).evidence[0].text


def test_a_walk_that_outlasts_the_small_batch_is_not_compared(store: Store) -> None:
    for seed in range(3):
        store.add("mnist_sb", seed, rows=grown(1, until=90), milestones=[80])
        store.add("mnist_lb_gbn", seed, rows=grown(1), milestones=[100])
    assert claim(store).verdict == "not tested"


def test_the_ratio_after_a_tenth_of_the_updates_stands_beside_it(small: Store) -> None:
    for seed in range(3):
        ahead = walk(2000, lambda t, s=1 + seed: s * (1 + log(t)) * (3 if t < 20 else 1), rows=200)
        small.add("mnist_lb_gbn", seed, rows=ahead, milestones=[100])
    (found,) = claim(small).evidence
    assert found.agrees
    assert "at update 100; at update 10 3.00 (3.00 to 3.00)" in found.text


def test_the_first_tensor_alone_stands_beside_it_and_decides_nothing(small: Store) -> None:
    for seed in range(3):
        rows = grown((1 + seed) * 3)
        for row in rows:
            row["tensor_distances"] = [row["distance"] / 3]
        small.add("mnist_lb_gbn", seed, rows=rows, milestones=[100])
    (found,) = claim(small).evidence
    assert found.agrees is False
    assert "; of the first parameter tensor 1.00 (1.00 to 1.00)" in found.text


def test_sizes_between_and_the_ratio_at_one_rate(small: Store) -> None:
    for seed in range(3):
        small.add("mnist_lb", seed, rows=grown((1 + seed) / 4), milestones=[100])
        small.add("mnist_lb_gbn", seed, rows=grown((1 + seed) * 3), milestones=[100])
        words = "method.batch_size=512"
        small.add_with(words, "mnist_lb_gbn", seed, rows=grown(1 + seed), milestones=[800])
    between, cell = claim(small).evidence
    assert between.agrees
    assert not cell.agrees
    assert "batch 512: 1.00 (1.00 to 1.00) times as far (n = 3) at update 800" in between.text
    assert "one learning rate" not in between.text
    assert cell.text.endswith("; at one learning rate 0.250 (0.250 to 0.250)")
    assert claim(small).verdict == "holds in part on F1, MNIST"


def test_the_released_protocol_is_a_row_of_its_own(small: Store) -> None:
    for seed in range(3):
        small.add_with("protocol=bigbatch", "mnist_sb", seed, rows=grown(2), milestones=[1500])
        small.add_with("protocol=bigbatch", "mnist_lb_gbn", seed, rows=grown(2), milestones=[100])
    (found,) = claim(small).evidence
    assert found.text.startswith("F1, MNIST (bigbatch), batch 4,096: 1.00 (1.00 to 1.00)")


def test_settings_that_make_the_first_updates_smaller_stand_beside_it(small: Store) -> None:
    for seed in range(3):
        small.add("mnist_lb_gbn", seed, rows=grown((1 + seed) * 3), milestones=[100])
    cell = claim(small).evidence[0].text
    for seed in range(3):
        for words, times in (
            ("method.warmup_epochs=2", 1.5),
            ("method.clip_norm=1", 4),
            ("protocol.bn_weight=uniform", 5),
        ):
            rows = grown((1 + seed) * times)
            small.add_with(words, "mnist_lb_gbn", seed, rows=rows, milestones=[100])
    (softer,) = claim(small).evidence
    assert softer.text == f"{cell}; with method.warmup_epochs=2 1.50 (1.50 to 1.50)"
    assert softer.agrees is False


def test_the_demo_is_no_evidence(store: Store) -> None:
    for seed in range(3):
        for experiment in ("digits_sb", "digits_lb_gbn"):
            store.add(experiment, seed, rows=grown(1), milestones=[100])
    assert not claim(store).evidence


def test_sb_is_compared_with_and_not_a_smaller_batch(small: Store) -> None:
    for seed in range(3):
        for batch in (64, 512):
            rows = grown((1 + seed) * 512 / batch)
            words = f"method.batch_size={batch}"
            small.add_with(words, "mnist_lb_gbn", seed, rows=rows, milestones=[100])
    (found,) = claim(small).evidence
    assert "batch 512: 1.00" in found.text


def test_without_sb_there_is_nothing_to_compare_with(store: Store) -> None:
    for seed in range(3):
        store.add("mnist_lb_gbn", seed, rows=grown(1), milestones=[100])
        store.add_with("method.batch_size=512", "mnist_lb_gbn", seed, rows=grown(1), milestones=[100])
    assert not claim(store).evidence
