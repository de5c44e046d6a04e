"""How a method or a batch size is drawn, the same in every figure."""

from dataclasses import dataclass

from gengap.paper.methods import LABELS

Dashes = tuple[float, tuple[float, ...]]  # offset, then dashes and gaps, in line widths
SOLID: Dashes = (0, ())
DASHED: Dashes = (0, (2, 1.5))


@dataclass(frozen=True)
class Style:
    """A line's label in legends and tables, its colour, marker, dashes and width in points."""

    label: str
    colour: str
    marker: str
    dashes: Dashes = SOLID
    width: float = 2.2


# Hues that colour-blind readers can tell apart, in steps of lightness for printing in grey; the markers
# distinguish the methods without any colour. +LR is wide because +GBN or the noise often covers it.
METHOD_STYLES = {
    "sb": Style(LABELS["sb"], "#000000", "o"),
    "lb": Style(LABELS["lb"], "#f0b429", "s"),
    "lb_lr": Style(LABELS["lb_lr"], "#3fae8c", "^", width=5.0),
    "lb_gbn": Style(LABELS["lb_gbn"], "#d1570c", "D", width=1.4),
    "lb_ra": Style(LABELS["lb_ra"], "#0b4f94", "v"),
}
NOISE = Style("LB + noise", "#8a3d7c", ">", width=1.4)

# Batch sizes are ordered, and so are their colours: viridis from dark to light, in even steps of grey.
BATCH_STYLES = {
    batch: Style(str(batch), colour, marker)
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
