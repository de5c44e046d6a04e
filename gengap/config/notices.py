"""Notices about settings whose effect the user may not have intended; such runs are trained all the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from gengap.config.schema import Config
from gengap.config.shipped import recipes


def _pads(config: Config) -> bool:
    data = config.data
    return data.crop_padding > 0 or data.rotation > 0 or data.shift > 0


_IGNORED: Mapping[str, Callable[[Config], bool]] = {  # tests if a key has no effect: others take its value
    "workload.ghost_size": lambda c: c.method.ghost_size != c.workload.ghost_size,
    "workload.large_batch": lambda c: c.method.batch_size != c.workload.large_batch,
    "workload.momentum": lambda c: c.protocol.momentum != c.workload.momentum,
    "workload.released_momentum": lambda c: c.protocol.momentum != c.workload.released_momentum,
    "method.lr_base_batch": lambda c: c.method.lr_rule == "none",
    "method.warmup_epochs": lambda c: c.method.lr_rule == "none",
    "method.reference_batch": lambda c: (
        c.method.regime_factor * c.method.reference_batch != c.method.batch_size
    ),
    "data.pad_value": lambda c: not _pads(c),
    "data.pad_first_channel": lambda c: not (_pads(c) and c.data.pad_value),
}


def notices(words: Sequence[str], config: Config) -> Iterator[str]:
    """Yield the lines for a run, given its overrides and the configuration composed from them."""
    for word in words:
        key = word.partition("=")[0].lstrip("+")
        if key in _IGNORED and _IGNORED[key](config):
            yield (
                f"{word} has no effect in method {config.method.name} and protocol {config.protocol.name}, "
                f"but makes a run of its own: train method {config.method.name} without it"
            )
    if line := unreached_milestones(config):
        yield line


def unreached_milestones(config: Config) -> str:
    """Return a line about milestones that training ends before, with the learning rates that are never used.

    It is empty if there are none, or if milestones and epochs are those of a workload in conf/: if such a
    recipe ends before its last milestone, it also does so in the released code.
    """
    workload = config.workload
    late = [milestone for milestone in workload.milestones if milestone >= workload.epochs]
    if not late or (workload.epochs, tuple(workload.milestones)) in recipes():
        return ""
    rates = [f"{rate:g}" for rate in workload.lr[-len(late) :]]
    listed = ",".join(f"{milestone:g}" for milestone in late)
    unused = f"rate {rates[0]} is" if len(rates) == 1 else f"rates {', '.join(rates)} are"
    return (
        f"workload.milestones=[{listed}]: training ends after {workload.epochs:g} epochs, "
        f"so the learning {unused} never used"
    )
