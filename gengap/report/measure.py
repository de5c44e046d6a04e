"""Summaries of a cell or variant over its finished runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pandas import DataFrame

from gengap.paper import tables as paper
from gengap.report.cells import Group, Records
from gengap.report.format import mark, state
from gengap.report.margins import margin_of
from gengap.report.origins import commits, distinct, makes
from gengap.report.places import experiment_of
from gengap.report.rows import Row
from gengap.report.statistics import Summary, binomial_error, summarize
from gengap.runs.table import TOP5


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One cell or variant, with accuracies in percent over finished runs only; None if there are none.

    counts: number of runs by status, sorted. top5: top-5 accuracy; None if not recorded. wall_seconds: mean
    over the runs on each make of hardware. measuring: fraction of the wall time spent on evaluations,
    recording and checkpoints; None if not recorded. clipped: fraction of updates whose gradient was clipped,
    mean over runs; None if not recorded. paper: published accuracy as printed. difference: our mean minus
    the published accuracy, in points. one_run: binomial standard error of a single run's accuracy, in
    points; None if the size of the validation set is not recorded.
    """

    workload: str
    method: str
    run: str = ""
    experiment: str
    counts: tuple[tuple[str, int], ...] = ()
    accuracy: Summary | None = None
    train: Summary | None = None
    best: Summary | None = None
    top5: Summary | None = None
    updates: int | None = None
    samples: int | None = None
    wall_seconds: Mapping[str, float] = field(default_factory=dict)
    measuring: float | None = None
    clipped: float | None = None
    paper: str
    difference: float | None = None
    one_run: float | None = None
    batch_size: int | None = None
    epochs: float | None = None
    precision: str
    protocol: str
    hardware: str = ""
    commits: str = ""

    @property
    def n(self) -> int:
        """Number of finished runs."""
        return self.accuracy.n if self.accuracy else 0

    @property
    def runs(self) -> int:
        """Number of runs, whatever their status."""
        return sum(count for _, count in self.counts)

    @property
    def mark(self) -> str:
        """Mark for whether the paper's number is within the row's margin; empty if nothing to compare."""
        return "" if self.difference is None else mark(self.difference, margin_of(self.workload))

    @property
    def one_more(self) -> tuple[float, float] | None:
        """95 % prediction interval, cut at 0 and 100, for the accuracy of one further seed.

        None with fewer than two seeds.
        """
        if self.accuracy is None or self.accuracy.one_more is None:
            return None
        low, high = self.accuracy.mean - self.accuracy.one_more, self.accuracy.mean + self.accuracy.one_more
        return max(0.0, low), min(100.0, high)

    @property
    def predicts(self) -> bool | None:
        """Whether the paper's number is inside that interval; None if either is missing."""
        if self.one_more is None or not self.paper:
            return None
        return self.one_more[0] <= float(self.paper) <= self.one_more[1]

    def note(self) -> str:
        """List runs left out of the mean: `2 of 3 diverged, 1 unfinished`; `missing` if there are no runs."""
        if not self.runs:
            return "missing"
        left_out = dict(self.counts)
        left_out.pop("finished", None)
        diverged = left_out.pop("diverged", 0)
        parts = [f"{diverged} of {self.runs} diverged"] if diverged else []
        return ", ".join(parts + [f"{count} {state(status)}" for status, count in left_out.items()])


def measure_cell(records: Records, row: Row, method: str) -> Measured:
    """Summarize a cell of a table under its row's name; a cell without records has no runs."""
    group, published = records.cell(row, method), paper.accuracy(row.name, method)
    if group is not None:
        found = measure(group, published)
        return replace(found, workload=row.name, precision=row.precision, protocol=row.protocol)
    return Measured(
        workload=row.name,
        method=method,
        experiment=experiment_of(row.name, method),
        paper=published,
        precision=row.precision,
        protocol=row.protocol,
    )


def measure(group: Group, published: str = "") -> Measured:
    """Summarize a group of runs and compare it with the published accuracy, if there is one."""
    done = group.finished
    accuracy = summarize(group.accuracies) if group.accuracies else None
    return Measured(
        workload=group.workload,
        method=group.method,
        run=group.run,
        experiment=group.experiment,
        counts=tuple(sorted((str(s), int(n)) for s, n in group.runs["status"].value_counts().items())),
        accuracy=accuracy,
        train=_summary(done, "train_accuracy"),
        best=_summary(done, "best_val_accuracy"),
        top5=_summary(done[done[TOP5].notna()], TOP5),
        updates=None if done.empty else int(done["updates"].max()),
        samples=None if done.empty else int(done["samples_seen"].max()),
        wall_seconds={} if done.empty else _by_make(done),
        measuring=_measuring(done),
        clipped=_mean(done, "clipped"),
        paper=published,
        difference=accuracy.mean - float(published) if accuracy and published else None,
        one_run=binomial_error(accuracy.mean, done["validation"].min()) if accuracy else None,
        batch_size=None if group.runs.empty else int(group.runs["batch_size"].iloc[0]),
        epochs=None if group.runs.empty else float(group.runs["epochs"].iloc[0]),
        precision=distinct(group.runs, "precision"),
        protocol=distinct(group.runs, "protocol"),
        hardware=distinct(done, "hardware"),
        commits=commits(done),
    )


def _by_make(runs: DataFrame) -> dict[str, float]:
    means = runs.groupby(runs["hardware"].map(makes))["wall_seconds"].mean()
    return {str(make): float(seconds) for make, seconds in means.items()}


def _measuring(runs: DataFrame) -> float | None:
    counted = runs[runs["measuring_seconds"].notna()]
    return None if counted.empty else float((counted["measuring_seconds"] / counted["wall_seconds"]).mean())


def _mean(runs: DataFrame, column: str) -> float | None:
    found = runs[column].dropna()
    return None if found.empty else float(found.mean())


def _summary(runs: DataFrame, column: str) -> Summary | None:
    return None if runs.empty else summarize([float(v) for v in runs[column]])
