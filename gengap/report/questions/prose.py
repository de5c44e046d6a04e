"""Prose of the sections on the reader's questions."""

from gengap.report.figures.figure import paragraph
from gengap.report.questions.parts import FIRST_UPDATES, GHOST_SIZES, GHOSTS_ALONE, RA_PARTS, SAMPLES
from gengap.report.questions.parts_table import UPDATE

RATES = """\
Every method at several learning rates, all phases scaled alike, validated on training images that were held
out: for one seed, all rates and methods hold out the same images. "rate" is what the optimizer uses in the
first phase. A stopping rule on the held-out images would gain at most the distance to "best epoch", the epoch
with the highest mean. Both that and the best rate are maxima of noisy values and so biased upward, the best
epoch more than the best rate.
"""

RATES_READ = """\
"best" is the rate with the highest mean after the last epoch; a rate at which a run diverged is not, unless
there is no other. "the only rate": no other was tried with these settings. "not distinguishable": the 95 %
interval of the difference from the best, paired by seed, contains 0; these intervals are not corrected for
how many there are. Blank: too few seeds for an interval. "last quarter" is the mean over the evaluations in
the last quarter of the epochs. "train" is the accuracy on the training images after the last one.
"""

PARTS = """\
One thing changed at a time: each line is a cell of the tables with the setting under "with", beside the cell
under "cell". Differences are paired by seed where both have two seeds in common; the two runs of a seed begin
at the same weights and see the images in one order. A difference uses only the seeds that both have, so it
need not equal that of the two means. "p (Holm)" is corrected over the lines of a table, and
"reads as" uses it, at 0.05. "paper" is the number published for the cell, and ≈, ▲ and ▼ compare with it.
"""

STEPS_WITH = "Steps with these settings"
STEPS = """\
Both sides of a step have the same settings, and differences are paired by seed. Warm-up and the reference
batch act only on a scaled rate, so LB is then the cell itself. In a (bigbatch) row, +LR and +GBN scale the
rate by different factors unless the reference batch is set. "p (Holm)" is corrected over these lines, and
"reads as" uses it, at 0.05. "paper" is the difference published for the row.
"""

QUESTIONS = {
    FIRST_UPDATES: (
        "Do the first updates cause the drop of +LR and +GBN?",
        paragraph(
            "Warm-up, a smaller clipping norm and a smaller base rate all soften the first updates; so may "
            "batch norm's weights drawn from U(0, 1), torch's default when the paper was written. The "
            "released code loses its momentum at every epoch. Distances are ‖w_t − w_0‖ over all parameters, "
            f"at the recorded update nearest to {UPDATE}."
        ),
    ),
    SAMPLES: (
        "Is it the number of samples?",
        paragraph(
            "Regime adaptation makes as many updates as SB, so it sees more samples, as many times as its "
            "batch is larger. Here SB is trained on as many samples, with as many times the updates."
        ),
    ),
    RA_PARTS: (
        "Which part of regime adaptation helps?",
        paragraph(
            "+RA without ghosts, without the learning-rate rule, and without both: longer training alone."
        ),
    ),
    GHOSTS_ALONE: (
        "Does ghost batch norm help on its own?",
        paragraph("LB at the recipe's learning rate, with ghost batch norm."),
    ),
    GHOST_SIZES: (
        "How large should a ghost be?",
        paragraph("+GBN with ghost sizes other than the cell's 128."),
    ),
}
