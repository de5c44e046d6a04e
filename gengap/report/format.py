"""Format numbers in tables, captions and summaries."""

from gengap.report.statistics import Summary

NEAR, ABOVE, BELOW = "≈", "▲", "▼"


def spread(summary: Summary | None, digits: int = 2) -> str:
    """Format `mean ± std`; without `± std` for a single seed, empty for None."""
    if summary is None:
        return ""
    return f"{summary.mean:.{digits}f}" + ("" if summary.std is None else f" ± {summary.std:.{digits}f}")


def significant(value: float | None, digits: int = 3) -> str:
    """Format a number of any size with `digits` significant digits, trailing zeros too; empty for None."""
    if value is None:
        return ""
    rounded = float(f"{value:.{digits}g}") + 0.0
    if rounded == 0:
        return "0"
    if abs(rounded) < 1000:
        return f"{rounded:#.{digits}g}".removesuffix(".")
    return f"{rounded:,.0f}" if abs(rounded) < 1e6 else f"{rounded:.10g}"


def significant_spread(summary: Summary | None) -> str:
    """Format `mean ± std` for numbers of any size; without `± std` for a single seed, empty for None."""
    if summary is None:
        return ""
    return significant(summary.mean) + ("" if summary.std is None else f" ± {significant(summary.std, 2)}")


def fixed(value: float | None, digits: int = 4) -> str:
    """Format with a fixed number of decimals; empty for None."""
    return "" if value is None else f"{_rounded(value, digits):.{digits}f}"


def signed(value: float | None) -> str:
    """Format a difference in points, with its sign; empty for None."""
    return "" if value is None else f"{_rounded(value, 2):+.2f}"


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) + 0.0  # turns -0.0 into 0.0


def percent(fraction: float | None, digits: int = 0) -> str:
    """Format a fraction in percent; empty for None."""
    return "" if fraction is None else f"{_rounded(100 * fraction, digits):.{digits}f} %"


def interval(low: str, high: str) -> str:
    """Format `low to high`; empty if there is no interval."""
    return f"{low} to {high}" if low else ""


def with_interval(summary: Summary) -> str:
    """Format as `0.184 (0.171 to 0.197)`, the mean with its 95 % interval; only the mean for one value."""
    mean, ends = significant(summary.mean), summary.interval
    return f"{mean} ({interval(*map(significant, ends))})" if ends else mean


def signed_interval(summary: Summary | None) -> str:
    """Format the 95 % interval of a mean difference in points; empty for a single value and for None."""
    ends = summary.interval if summary else None
    return interval(*map(signed, ends)) if ends else ""


def p_value(value: float | None) -> str:
    """Format with four decimals, `< 0.0001` below that; empty for None."""
    if value is None:
        return ""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def whole(value: int | None) -> str:
    """Format a count with thousands separators; empty for None."""
    return "" if value is None else f"{value:,}"


def duration(seconds: float | None) -> str:
    """Format in seconds, minutes or hours, whichever fits; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def mark(difference: float, margin: float) -> str:
    """Mark whether a difference from the paper is within, above or below the margin, both in points.

    The mark is a shape, so that it doesn't depend on color.
    """
    if abs(difference) <= margin:
        return NEAR
    return ABOVE if difference > 0 else BELOW


def state(status: str) -> str:
    """A run's status in words; a record can't tell whether an unfinished run is still being trained."""
    return "unfinished" if status == "running" else status


def commit(digits: str) -> str:
    """Shorten a commit to 8 digits, keeping a suffix such as `-dirty`."""
    head, dash, suffix = digits.partition("-")
    return head[:8] + dash + suffix
