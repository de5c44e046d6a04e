"""How a method or a batch size is drawn, the same in every figure."""

from dataclasses import dataclass

from gengap.paper.methods import LABELS

Dashes = tuple[float, tuple[float, ...]]  # offset, then dashes and gaps, in line widths
SOLID: Dashes = (0, ())
DASHED: Dashes = (0, (3, 1.2))
DOTTED: Dashes = (0, (1, 1))


@dataclass(frozen=True)
class Style:
    """A line's label in legends and tables, its color, marker, width in points and dashes."""

    label: str
    color: str
    marker: str
    width: float
    dashes: Dashes = SOLID


# Hues that color-blind readers can distinguish, in steps of lightness for printing in gray; markers
# distinguish methods without any color. Lines often coincide, especially +LR, +GBN and +RA, so thinner ones
# are drawn on top and wider ones show on both sides.
METHOD_STYLES = {
    "sb": Style(LABELS["sb"], "#000000", "o", width=3.0),
    "lb": Style(LABELS["lb"], "#f0b429", "s", width=2.2),
    "lb_lr": Style(LABELS["lb_lr"], "#3fae8c", "^", width=7.0),
    "lb_gbn": Style(LABELS["lb_gbn"], "#d1570c", "D", width=4.0),
    "lb_ra": Style(LABELS["lb_ra"], "#0b4f94", "v", width=1.4),
}
NOISE = Style("LB + noise", "#8a3d7c", ">", width=1.4)

# Batch sizes are ordered, and so are their colors: viridis from dark to light, in even steps of gray
BATCH_STYLES = {
    batch: Style(str(batch), color, marker, width, dashes)
    for batch, color, marker, width, dashes in (
        (64, "#440154", "o", 4.2, SOLID),
        (128, "#443a83", "s", 3.7, DASHED),
        (256, "#32648e", "^", 3.2, SOLID),
        (512, "#24868e", "D", 2.7, DASHED),
        (1024, "#22a884", "v", 2.2, SOLID),
        (2048, "#5ec962", ">", 1.7, DASHED),
        (4096, "#bddf26", "<", 1.2, SOLID),
    )
}
