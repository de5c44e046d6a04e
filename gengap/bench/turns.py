"""Sides that take turns: each is measured while the others stand still."""

import time
from collections.abc import Mapping
from math import ceil

from gengap.bench.progress import show
from gengap.bench.sides import Side

TURN_SECONDS = 2.0
CASE_SECONDS = 75.0  # no round starts later than this
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
    """Seconds per update of every turn, by side; slow cases get fewer turns than `rounds`.

    Args:
        sides: by name, inside their `with` blocks.
        rounds: turns of each side, at most.
        title: begins the lines that show the progress.
        ahead: by name, of how many updates a side may have done the work when it is asked for them.
    """
    show(f"{title}: how many updates per turn")
    updates = {}
    for name, side in sides.items():
        probe = 1 + 2 * ahead.get(name, 0)
        updates[name] = max(probe, ceil(TURN_SECONDS * probe / side.seconds(probe)))
    taken: dict[str, list[float]] = {name: [] for name in sides}
    deadline = time.monotonic() + CASE_SECONDS
    done = 0
    while not done or (done < rounds and time.monotonic() < deadline):
        for name, side in sides.items():
            show(f"{title}: round {done + 1} of {rounds}, {NAMES[name]}")
            taken[name].append(side.seconds(updates[name]) / updates[name])
        done += 1
    show("")
    return taken
