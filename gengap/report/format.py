"""How numbers are written in tables, captions and summaries."""

from gengap.report.statistics import Summary

NEAR, ABOVE, BELOW = "≈", "▲", "▼"


def spread(summary: Summary | None, digits: int = 2) -> str:
    """`mean ± std`; without `± std` for a single seed, empty for None."""
    if summary is None:
        return ""
    return f"{summary.mean:.{digits}f}" + ("" if summary.std is None else f" ± {summary.std:.{digits}f}")


def significant(value: float | None, digits: int = 3) -> str:
    """A number of any size, with so many significant digits; empty for None."""
    if value is None:
        return ""
    rounded = float(f"{value:.{digits}g}") + 0.0
    return f"{rounded:,.0f}" if 1000 <= abs(rounded) < 1e6 else f"{rounded:.10g}"


def significant_spread(summary: Summary | None) -> str:
    """`mean ± std` of numbers of any size; without `± std` for a single seed, empty for None."""
    if summary is None:
        return ""
    return significant(summary.mean) + ("" if summary.std is None else f" ± {significant(summary.std, 2)}")


def fixed(value: float | None, digits: int = 4) -> str:
    """A fixed number of decimals; empty for None."""
    return "" if value is None else f"{_rounded(value, digits):.{digits}f}"


def signed(value: float | None) -> str:
    """A difference in points, with its sign; empty for None."""
    return "" if value is None else f"{_rounded(value, 2):+.2f}"


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) + 0.0  # turns -0.0 into 0.0


def percent(fraction: float | None, digits: int = 0) -> str:
    """A fraction in percent; empty for None."""
    return "" if fraction is None else f"{_rounded(100 * fraction, digits):.{digits}f} %"


def interval(low: str, high: str) -> str:
    """`low to high`; empty where there is no interval."""
    return f"{low} to {high}" if low else ""


def signed_interval(summary: Summary | None) -> str:
    """The 95 % interval of a mean difference in points; empty for a single value and for None."""
    if summary is None or summary.half_width is None:
        return ""
    low, high = summary.mean - summary.half_width, summary.mean + summary.half_width
    return interval(signed(low), signed(high))


def p_value(value: float | None) -> str:
    """Four decimals, `< 0.0001` below that; empty for None."""
    if value is None:
        return ""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def whole(value: int | None) -> str:
    """A count with thousands separators; empty for None."""
    return "" if value is None else f"{value:,}"


def duration(seconds: float | None) -> str:
    """In seconds, minutes or hours, whichever fits; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def mark(difference: float, margin: float) -> str:
    """Whether a difference from the paper is within the margin, above or below it, both in points.

    A shape, so that it does not depend on color.
    """
    if abs(difference) <= margin:
        return NEAR
    return ABOVE if difference > 0 else BELOW


def state(status: str) -> str:
    """A run's status in words. A record cannot tell whether an unfinished run is still being trained."""
    return "unfinished" if status == "running" else status


def commit(digits: str) -> str:
    """A commit shortened to 8 digits; a suffix such as `-dirty` stays."""
    head, dash, suffix = digits.partition("-")
    return head[:8] + dash + suffix
