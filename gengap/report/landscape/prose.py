"""The prose of the report's part on the loss surface: what each number means and what it does not say."""

ABOUT = """\
The loss surface around trained networks, as `gengap landscape` measured it. "batch norm" says where the
statistics come from while the weights are moved: `trained`, the running statistics of the training;
`recomputed`, exact statistics of the moved weights over the training set; `batch`, those of each batch, as in
the networks that Keskar et al. (2017) released; on lines also `interpolated`. No number combines two modes,
two sizes of the box, two subspaces, two precisions or protocols, or other settings; "settings" names those
that are not the usual ones.
"""

FINDINGS = """\
A ratio is that of the geometric means of two methods over the seeds that both have. The two runs of a seed
begin at the same weights and see their samples in the same order, so the interval is the paired t-interval of
the difference of the logarithms. A ratio reads as sharper where its 95 % interval lies above 1, as flatter
where it lies below 1, else as open. Each combination of measure, ε and mode of batch norm counts once: if it
was measured on all training images and on a sample, the one with more seeds counts. A ratio of a single seed
counts only if the workload has no others. The comparisons of a workload are of the same networks: many that
agree are no more evidence than the number of seeds allows, and none is corrected for their number. Compare
networks at the training losses in "Loss and accuracy of the measured runs": with cross-entropy, a lower loss
alone lowers sharpness and curvature, since the gradient of a sample shrinks with its loss.
"""

DEMO = """\
Where LB's training loss is above SB's, as in the demo (digits), it makes so few updates that it has not
reached a minimum, and part of what its rows call sharper is a training that ended early.
"""

ORDER = """\
A pair of methods agrees where the flatter one is the more accurate one (validation accuracy after the last
update) and both paired 95 % intervals over seeds exclude equality; it disagrees where they exclude it the
other way; else it is open. Kendall's tau compares the order of the methods by their means, +1 where flatter
is more accurate throughout; p is exact and two-sided. With three methods p cannot be below 0.33, with five
not below 0.017.
"""

SHARPNESS = """\
Metric 2.1 of Keskar et al.: `100 (max f(x + A y) - f(x)) / (1 + f(x))` with f the loss of the training set,
`|y_i| <= ε (|(A⁺x)_i| + 1)`, and A the identity or a random subspace; maximized by 10 iterations of L-BFGS-B,
so that every value is a lower bound. Values are mean ± sample standard deviation over n seeds. "published"
rows are theirs, over 5 runs; the mode of batch norm is not stated, and "not measured" means that we have none
of this. "abnormal" counts the searches that ended because no larger value was found along a direction; where
one of them had found nothing at all, its value would be 0 and is left out.
"""

ADAPTIVE = """\
`max f(x + y) - f(x)` with `|y_i| <= ρ |x_i|` (Kwon et al. 2021): unlike Metric 2.1, it does not change when
the weights of a layer are multiplied by a number and those of another one divided by it.
"""

CURVATURE = """\
Of the Hessian of the training loss: the largest eigenvalue, and the trace as estimated from random vectors;
"error" is the mean of the traces' standard errors. Both depend on the scale of the weights.
"""

STATISTICS = """\
Validation accuracy of the trained weights, evaluated again in the precision of the run: with the running
statistics of training (`trained`), decayed averages over its last updates, and with exact ones in their
place, over the training set augmented as in training (`augmented`) or without augmentation (`recomputed`).
What `augmented` changes is due to the decay; `recomputed` also takes images of another kind than training
did. "the run's own" is the accuracy that the run of these weights recorded after its last update;
"difference" is from that, in points, paired by seed, and "95 %" its t-interval. With `trained` it is 0 but
for the rounding of another machine. Where a run was trained again to keep its weights, its accuracy is not
exactly that of the tables above.
"""

REMEDIES = """\
Keskar et al.'s remedies beside the small and the large batch without them. "− LB" is the difference of the
validation accuracies after the last update, in points, paired by seed; "95 %" is its t-interval, and "n" the
number of runs in "ours". "exact statistics %" and what follows it are the same for the weights evaluated
again with statistics of batch norm recomputed over the training images: adversarial training averages them
over images of two kinds, of which validation has one. In the second table "/ LB" and "/ SB" are ratios of
the sharpness (Metric 2.1 in the full space) to that of LB and of SB, with the paired interval of "Every
ratio"; a mode of batch norm is shown where a remedy is measured in it. "published" values are over 5 runs,
and their ratios and differences are those of the means.
"""

WARM_STARTS = """\
A warm start trains with the small batch for some epochs, then goes on from there with the large one (Keskar
et al.); a growing batch has further sizes between. Everything else is that of LB, the number of epochs
included. "− LB" is the difference of the validation accuracies after the last update, in points, paired by
seed, with its t-interval under "95 %"; "n" is the number of runs. "/ LB" is the ratio of the sharpness
(Metric 2.1 in the full space) to that of LB, with the paired interval of "Every ratio". A mode of batch norm
is shown where any run but LB and SB is measured in it.
"""

OTHER_RUNS = """\
Runs that are no cells of the tables, such as other batch sizes, with the settings in which they differ from
the experiment named; without what the tables of remedies, of warm starts and of sharpness by batch size show.
Runs that differ from cells in the same settings outside the method, `data.limit` for instance, are a row of
their own above, with its ratios, unless several of one method are there.
"""

ORIGIN = """\
"evaluations" counts losses with their gradients for sharpness, and products of the Hessian with a vector for
curvature, over all records.
"""

OTHER_TRAINING = """\
Runs that were trained again to keep their weights, on another machine or with another version, and did not
end exactly where the recorded run did. Accuracies beside their measurements are those of the measured
weights, not those of the recorded run, which the tables of accuracy show.
"""

LEFT_OUT = "These records are in no number above.\n"
