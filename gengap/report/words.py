"""The report's prose: what every number means, what it does not say, and how the report is made again."""

MADE = "Made by `gengap report` from the records; not edited by hand."

GLANCE = """\
≈ within {margin:g} points of the paper's number, ▲ higher, ▼ lower. The paper gives one number a cell,
without seeds or error bars, so this is no test.
"""

MEANING = """\
Every number is the validation accuracy in percent after the last update, never the best; the validation
set is the test split, as in the paper. "mean ± std (n)" is over n finished runs that differ in nothing
but the seed; std is their sample standard deviation (n - 1), and one run has none. "95 %" is the
half-width of the t-interval of the mean. Both are over seeds only: neither covers the choice of test set,
recipe or hardware. "one run ±" is the binomial standard error of one run's accuracy on a validation set
of that size, √(p (1 - p) / size): a difference of less than about twice that can be the choice of test
images alone. The paper gives one number a cell, without seeds or error bars; "difference" is our mean
minus that number, in points. "samples" are those seen in training, with repetitions, and their multiple
of SB's: regime adaptation makes as many updates as SB with larger batches, so it sees more of them.
"train %" is the accuracy on the training set in evaluation mode. "best" is the highest validation
accuracy of a run, picked on the test split: it is shown for comparison and used nowhere. "wall time" is
the mean of one run, by whichever version trained it and beside whatever else the machine did: it compares
no methods, which is for the speed section. "measuring" is the share of it that went into evaluations and
checkpoints, where it was counted. Diverged runs are counted, not averaged. "missing" means that there is
no record.
"""

KINDS = """\
Rows marked (bf16) are the same cells trained with `precision=bf16`, those marked (bigbatch) with
`protocol=bigbatch`, the released code's, both beside the same published numbers. The other rows are in fp32
and follow the paper's text. No mean mixes them.
"""

SHARED = "Both rows share SB, and LB and +LR at batch 2048, as in the paper (footnote 8).\n"

COMPARISONS = """\
Accuracies of finished seeds, taken as independent samples; "n" counts the seeds of each cell in the order
of the name (for shares: SB, LB, the method), and all intervals are 95 % and over seeds only. Equivalence:
a p (TOST) below 0.05 says that two sides differ by less than 0.5 points; a larger one does not say that
they differ, which is for the interval to say. "reads as" is the first of these that holds: within 0.5
points; higher or lower, where the interval leaves out 0; open. It is not corrected for the number of
lines. Share: 0 % is LB and 100 % is SB; its bootstrap interval is too narrow when there are few seeds.
Steps: what each addition changes; read the p with Holm's correction, over the steps of a row that have a
p. Marked rows compare runs of their own kind with each other. Precision: runs in bf16 against those in
fp32 that differ in nothing else, tested as +RA and SB are. Protocol: runs by the released code's protocol
against those by the paper's text; their p is of no difference, uncorrected.
"""

TARGETS = """\
What the speed aims at, beside what `gengap bench` measured on a machine of that kind; "x" is images/s as a
multiple of the typical loop's, measured in turns with it, and "s/epoch" the time of an epoch's updates.
"""

VARIANTS = """\
Runs at other settings than the tables' cells; they enter no mean above. "differs in" names the settings that
are not those of the cell of the same workload and method.
"""

NOT_FINISHED = "These runs enter no mean.\n"

UNREADABLE = "These records are left out everywhere.\n"

NO_FIGURE = "These figures wait for runs that have no records yet.\n"

REBUILD = """\
`gengap train +sweep=NAME` makes the runs of a sweep, `gengap report` this folder from their records, and
`gengap report --check` fails where this folder is not what the records say. Add `results_dir=DIR` for
records elsewhere than in `results`.

The check compares the report with the records, not with the code: a run that an older version has finished
stays as it is. Its commit stands in the tables; to make it again with this version, remove its folder and
train it.
"""
