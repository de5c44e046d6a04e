"""Accuracy with the running statistics of batch norm and with exact ones, beside the run's own."""

from collections.abc import Sequence
from typing import NamedTuple

from gengap.report.format import fixed, interval, signed, significant_spread, spread
from gengap.report.landscape.numbers import mode_order
from gengap.report.landscape.subjects import Record, Subject, by_row
from gengap.report.markup import Table
from gengap.report.statistics import Summary, summarize


class Evaluated(NamedTuple):
    """A network evaluated again: accuracies in percent after the last update; None without a finished run.

    own: as the run recorded it.
    """

    validation: float
    own: float | None
    train: float
    train_loss: float


Seeds = dict[int, Evaluated]
Found = dict[tuple[Subject, str], Seeds]  # by the mode of batch norm


def evaluated(read: Sequence[Record]) -> Found:
    """The records of the kind `accuracy`, row by row, method by method, in the order of the modes."""
    found: Found = {}
    for record in (r for r in read if r.kind == "accuracy"):
        for m in record.measurements:
            value = Evaluated(
                100 - m["val_error"], record.accuracy, 100 - m["train_error"], float(m["train_loss"])
            )
            found.setdefault((record.subject, m["batch_norm"]), {}).setdefault(record.seed, value)
    rows = [row for row, _ in by_row([subject for subject, _ in found])]
    order = list(dict.fromkeys(subject for subject, _ in found))
    return dict(
        sorted(
            found.items(),
            key=lambda of: (rows.index(of[0][0].row), order.index(of[0][0]), mode_order(of[0][1])),
        )
    )


def table(found: Found) -> Table:
    """One line per run and mode; the difference from the run's own accuracy is paired by seed."""
    header = (
        "workload", "run", "batch norm", "n", "validation %", "the run's own", "difference", "95 %",
        "training %", "training loss",
    )  # fmt: skip
    return Table(header, tuple(_row(*key, seeds) for key, seeds in found.items()), labels=3)


def _row(subject: Subject, mode: str, seeds: Seeds) -> tuple[str, ...]:
    values = list(seeds.values())
    own = [v.own for v in values if v.own is not None]
    differences = [v.validation - v.own for v in values if v.own is not None]
    difference = summarize(differences) if differences else None
    return (
        *(subject.row.title, subject.label, mode, str(len(values))),
        spread(summarize([v.validation for v in values])),
        spread(summarize(own)) if own else "",
        _signed_spread(difference),
        _interval(difference),
        spread(summarize([v.train for v in values])),
        significant_spread(summarize([v.train_loss for v in values])),
    )


def _signed_spread(found: Summary | None) -> str:
    if found is None:
        return ""
    return signed(found.mean) + ("" if found.std is None else f" ± {found.std:.2f}")


def _interval(found: Summary | None) -> str:
    if found is None or found.half_width is None:
        return ""
    return interval(signed(found.mean - found.half_width), signed(found.mean + found.half_width))


def data(found: Found) -> Table:
    """Every seed, in percent and points."""
    header = (
        "workload", "method", "run", "batch_size", "batch_norm", "seed", "val_accuracy", "run_val_accuracy",
        "difference", "train_accuracy", "train_loss",
    )  # fmt: skip
    rows = (
        (
            *(s.row.label, s.method, s.run, str(s.batch_size), mode, str(seed)),
            *(fixed(v.validation), fixed(v.own), fixed(None if v.own is None else v.validation - v.own)),
            *(fixed(v.train), f"{v.train_loss:.6g}"),
        )
        for (s, mode), seeds in found.items()
        for seed, v in seeds.items()
    )
    return Table(header, tuple(rows), labels=5)
