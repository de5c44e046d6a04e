"""How a method or a batch size looks everywhere: its name, its colour, its marker and its line."""

from dataclasses import dataclass

Line = tuple[float, tuple[float, ...]]  # offset and dashes in line widths; no dashes: solid
SOLID: Line = (0, ())


@dataclass(frozen=True)
class Look:
    """A line's name in legends and headings, its colour, marker, dashes and width in points."""

    label: str
    colour: str
    marker: str
    line: Line = SOLID
    width: float = 2.2


# The hues stay apart for colour-blind readers, the lightness in steps for those who print in grey, and the
# markers tell the methods apart without any colour. +LR is wide, for it often lies under +GBN or the noise.
METHODS = {
    "sb": Look("SB", "#000000", "o"),
    "lb": Look("LB", "#f0b429", "s"),
    "lb_lr": Look("+LR", "#3fae8c", "^", width=5.0),
    "lb_gbn": Look("+GBN", "#d1570c", "D", width=1.4),
    "lb_ra": Look("+RA", "#0b4f94", "v"),
}
NOISE = Look("LB + noise", "#8a3d7c", ">", width=1.4)

# Batch sizes are ordered, so is their colour: dark to light, from viridis, whose grey is even in steps.
BATCHES = {
    batch: Look(str(batch), colour, marker)
    for batch, colour, marker in (
        (64, "#440154", "o"),
        (128, "#443a83", "s"),
        (256, "#32648e", "^"),
        (512, "#24868e", "D"),
        (1024, "#22a884", "v"),
        (2048, "#5ec962", ">"),
        (4096, "#bddf26", "<"),
    )
}
UNADAPTED: Line = (0, (2, 1.5))
