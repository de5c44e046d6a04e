"""Compare two groups of runs, however few seeds they have."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gengap.report.cells import Group
from gengap.report.comparisons import Comparison, between
from gengap.report.format import interval, p_value, signed
from gengap.report.rows import Row
from gengap.report.significance import Difference


def compared(kind: str, row: Row, groups: Mapping[str, Group]) -> tuple[Comparison, Difference | None]:
    """Compute the first group of runs minus the second, with the p-value of no difference.

    If a side has too few seeds for a test, compute only the difference, at the seeds that both have, if any.
    """
    line, tested = between(kind, row, groups)
    if tested:
        return replace(line, p=tested.p), tested
    a, b = (group.by_seed for group in groups.values())
    shared = sorted(a.keys() & b.keys())
    if line.needs_seeds and a and b:
        sides = ([s[k] for k in shared] if shared else [*s.values()] for s in (a, b))
        first, second = (float(np.mean(side)) for side in sides)
        seeds = (len(shared), len(shared)) if shared else line.seeds
        line = replace(line, value=first - second, seeds=seeds)
    return line, None


def brief_points(line: Comparison) -> str:
    """Format as `SB − LB +0.73 (+0.65 to +0.81; n = 3 pairs)`."""
    return f"{line.name} {signed(line.value)} ({interval(signed(line.low), signed(line.high))}; n = {line.n})"


def points(line: Comparison) -> str:
    """Format as `SB − LB is +0.20 points (95 %: +0.05 to +0.35; n = 3 pairs)`."""
    ends = interval(signed(line.low), signed(line.high))
    corrected = "" if line.p_holm is None else f", p (Holm) {p_value(line.p_holm)}"
    why = "too few seeds to decide" if line.needs_seeds else line.reason
    about = f"95 %: {ends}; n = {line.n}{corrected}" if ends else f"n = {line.n}: {why}"
    found = "not known" if line.value is None else f"{signed(line.value)} points"
    return f"{line.name} is {found} ({about})"
