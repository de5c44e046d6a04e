"""The figures of the report, in order. Each has its data and a drawing function, called only when needed."""

from gengap.report.cells import Records
from gengap.report.figures import (
    distance,
    distance_by_batch,
    own_runs,
    regime_adaptation,
    speed,
    walk_by_batch,
)
from gengap.report.figures.curves import FIGURE3, FIGURE5, FIGURE6, FIXED_RATE
from gengap.report.figures.errors import TRAINING, VALIDATION, ErrorFigure, error_figure
from gengap.report.figures.figure import Figure

__all__ = ["ERRORS", "Figure", "figures"]

_BOTH = (TRAINING, VALIDATION)
ERRORS = {
    about.number: about
    for about in (
        ErrorFigure(
            "Figure 1", "error by epoch at one learning rate",
            "Resnet44 on CIFAR-10, batch 64 to 2048, all at the learning rate of batch 128.",
            "figure1", FIXED_RATE, "epoch", _BOTH, panel="1b",
        ),
        ErrorFigure(
            "Figure 3", "regime adaptation closes the gap",
            "Resnet44 on CIFAR-10: batch 128, and 2048 and 4096 with learning-rate adaptation, GBN and as "
            "many updates as batch 128. The right panel enlarges the part after the drop.",
            "figure3", FIGURE3, "update", (VALIDATION,), panel="3", zoom=True,
        ),
        ErrorFigure(
            "Figure 5", "regime adaptation to batch 256",
            "Resnet44 on CIFAR-10: batch 256, larger batches with learning-rate adaptation, GBN and as many "
            "updates as batch 256, and 2048 without any of them. The paper does not state which batches it "
            "drew: 512, 1024 and 2048 are our choice.",
            "figure5", FIGURE5, "update", _BOTH, panel="5",
        ),
        ErrorFigure(
            "Figure 6", "learning-rate adaptation and multiplicative gradient noise",
            "Resnet44 on CIFAR-10, batch 2048: the learning rate multiplied by sqrt(2048 / 128) = 4, or each "
            "sample's gradient multiplied by noise from N(1, 15), where 15 = 2048 / 128 - 1. The paper's "
            "curves coincide. LB, with neither, is our addition.",
            "figure6", FIGURE6, "epoch", _BOTH, panel="6",
        ),
    )
}  # fmt: skip


def figures(records: Records) -> list[Figure]:
    """Make all figures; one without records states what is missing and has nothing to draw."""
    return [
        *own_runs.figures(records),
        error_figure(records, ERRORS["Figure 1"]),
        distance_by_batch.figure2(records),
        error_figure(records, ERRORS["Figure 3"]),
        error_figure(records, ERRORS["Figure 5"]),
        error_figure(records, ERRORS["Figure 6"]),
        distance_by_batch.figure7(records),
        regime_adaptation.figure(records),
        distance.figure(records),
        walk_by_batch.figure(records),
        *(speed.figure(document) for document in records.speeds),
    ]
