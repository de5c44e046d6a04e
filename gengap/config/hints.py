"""Guess what an unknown name may mean, from names of networks and data sets as well as by spelling."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from gengap.config.conf import ADDED, GROUPS, names_in
from gengap.errors import either


def near_names(group: str, name: str) -> list[str]:
    """List a group's choices that a name may mean, most likely first: resnet44_sb may be cifar10_sb."""
    if group == "experiment":
        found = list(dict.fromkeys(_experiments(name.lower())))
    else:
        found = _with_part(name.lower(), names_in(group)) if group == "workload" else []
    return found or sorted(get_close_matches(name, names_in(group)), key=lambda near: _typos(name, near))


def _typos(a: str, b: str) -> int:
    """Number of letters to change, insert, delete or transpose (optimal string alignment distance)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != other)))
            if before and j > 1 and a[i - 2 : i] == b[j - 1] + b[j - 2]:
                row[-1] = min(row[-1], before[j - 2] + 1)
        before, last = last, row
    return last[-1]


def _experiments(name: str) -> Iterator[str]:
    """Yield experiments of workloads whose network or data set is named, with the method the name ends in."""
    methods = sorted(names_in("method"), key=len, reverse=True)
    method = next((m for m in methods if name.endswith(f"_{m}")), "")
    for workload in _with_part(name.removesuffix(f"_{method}"), names_in("workload")) if method else ():
        data_set = workload.partition("_")[0]
        written = (f"{start}_{method}" for start in (workload, data_set))  # names omit the default network
        yield from [e for e in written if e in names_in("experiment")][:1]


def _with_part(part: str, names: Sequence[str]) -> list[str]:
    """Find names that equal, start with or end with the part, which is a data set or a network."""
    return [n for n in names if f"_{n}_".startswith(f"_{part}_") or f"_{n}_".endswith(f"_{part}_")]


def near_word(word: str) -> str:
    """Guess what a word without = means: the name of a choice or a results directory; empty if neither."""
    for cutoff in (0.99, 0.6):
        for group in GROUPS:
            for name in get_close_matches(word, names_in(group), n=1, cutoff=cutoff):
                return f"{'+' if group in ADDED else ''}{group}={name}"
    return f"results_dir={word}" if Path(word).is_dir() else ""


def did_you_mean(near: Sequence[str]) -> str:
    """End of a message about something unknown."""
    return f"did you mean {either(near)}?" if near else "type gengap train --help for the list"
