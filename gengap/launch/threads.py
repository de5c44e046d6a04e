"""The number of CPU threads of a run, and advice if a single thread would be faster, as on a busy machine.

The number determines the order of summation, and thus the last bits of every result. It therefore depends on
the machine, the record or the command line, but never on the current load.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from gengap.config.schema import Runtime
from gengap.launch.trial import measured_rate
from gengap.training.trainer import Trainer

WORTH_SAYING = 1.1  # smallest speedup for which to give advice
SHORT_RUN = 30.0  # seconds; shorter runs get no advice


def threads_of(
    runtime: Runtime, record: Mapping[str, Any], default: int | None = None, ranks: int = 1
) -> int | None:
    """Return runtime.threads if set, else the number the recorded run used on a CPU, else `default`.

    A record with another number of ranks is ignored, since they share the machine differently.
    """
    if runtime.threads is not None:
        return runtime.threads
    hardware = record.get("hardware", {})
    same = hardware.get("device") == "cpu" and hardware.get("ranks", 1) == ranks
    return int(hardware["threads"]) if same else default


def change_of_threads(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return a line if a run resumes on a CPU with another number of threads, otherwise None.

    Args:
        before: hardware in the run's record; now: the hardware it resumes on.
    """
    if before.get("device") != "cpu" or now["device"] != "cpu" or before["threads"] == now["threads"]:
        return None
    return (
        f"resumes with runtime.threads={now['threads']} instead of {before['threads']}: valid, but its "
        "last bits may differ from an uninterrupted run's"
    )


def thread_advice(trainer: Trainer, rate: Callable[[Trainer], float] | None = None) -> str | None:
    """Return a line with both speeds if one thread trains faster than the current number, otherwise None.

    Args:
        trainer: trainer on a CPU, before its first update; it is not changed.
        rate: measures images per second with the current number of threads; by default `measured_rate`.
    """
    rate = rate or measured_rate
    threads = torch.get_num_threads()
    if threads == 1:
        return None
    with_all = rate(trainer)
    if trainer.stream.samples_seen(trainer.regime.updates) / with_all < SHORT_RUN:
        return None
    try:
        torch.set_num_threads(1)
        with_one = rate(trainer)
    finally:
        torch.set_num_threads(threads)
    if with_one < WORTH_SAYING * with_all:
        return None
    return (
        f"1 thread trains about {with_one:,.0f} images/s here, and {threads} threads only {with_all:,.0f} "
        "(busy cores or a small network): to use one thread, stop this run and add runtime.threads=1"
    )
