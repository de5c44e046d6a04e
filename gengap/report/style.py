"""How a method looks everywhere: its name in the paper's tables, its colour and its marker."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """A method's column heading, its line colour and its marker."""

    label: str
    colour: str
    marker: str


# The hues stay apart for colour-blind readers, the lightness in steps for those who print in grey, and the
# markers tell the methods apart without any colour.
METHODS = {
    "sb": Look("SB", "#000000", "o"),
    "lb": Look("LB", "#f0b429", "s"),
    "lb_lr": Look("+LR", "#3fae8c", "^"),
    "lb_gbn": Look("+GBN", "#d1570c", "D"),
    "lb_ra": Look("+RA", "#0b4f94", "v"),
}
