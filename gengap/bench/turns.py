"""Let sides take turns: each is measured while the others are stopped."""

import statistics
from collections.abc import Mapping, Sequence
from math import ceil

from gengap.bench.progress import show
from gengap.bench.sides import Side

TURN_SECONDS = 2.0
NOTHING_AHEAD: Mapping[str, int] = {}
NAMES = {
    "typical": "the typical loop",
    "fp32": "gengap in fp32",
    "bf16": "gengap in bf16",
    "image_folder": "ImageFolder and DataLoader",
    "photographs": "gengap's decoding",
    "on_device": "gengap's updates without decoding",
}


def take_turns(
    sides: dict[str, Side], rounds: int, title: str, ahead: Mapping[str, int] = NOTHING_AHEAD
) -> dict[str, list[float]]:
    """Measure seconds per update in every turn, by side.

    Args:
        sides: sides by name, inside their `with` blocks.
        rounds: number of turns of each side.
        title: start of the lines that show progress.
        ahead: by name, for how many updates a side may have done the work before they are requested.
    """
    show(f"{title}: how many updates per turn")
    updates = {}
    for name, side in sides.items():
        probe = 1 + 2 * ahead.get(name, 0)
        updates[name] = max(probe, ceil(TURN_SECONDS * probe / side.seconds(probe)))
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for done in range(rounds):
        for name, side in sides.items():
            show(f"{title}: round {done + 1} of {rounds}, {NAMES.get(name, name)}")
            taken[name].append(side.seconds(updates[name]) / updates[name])
    show("")
    return taken


def ratios(slow: Sequence[float], fast: Sequence[float]) -> dict[str, float]:
    """Compute how many times as long one side takes: median and quartiles over pairs of adjacent turns.

    Turns are compared in adjacent pairs, so that drift in the machine's speed affects both.
    """
    low, middle, high = quartiles([t / g for t, g in zip(slow, fast, strict=True)])
    return {"ratio": middle, "ratio_low": low, "ratio_high": high}


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Compute lower quartile, median and upper quartile, with linear interpolation."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
