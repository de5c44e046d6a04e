"""Durations in human-readable form."""


def in_words(seconds: float) -> str:
    """Format seconds as `40 s`, `12 min`, `3.5 h` or `2.1 d`."""
    for unit, size in (("d", 86_400), ("h", 3_600)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
