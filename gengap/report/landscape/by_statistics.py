"""Accuracy with running statistics of batch norm and with exact ones, next to the run's own."""

from collections.abc import Sequence
from typing import NamedTuple

from gengap.report.format import fixed, signed, signed_interval, significant_spread, spread
from gengap.report.landscape.numbers import mode_order
from gengap.report.landscape.subjects import Record, Subject
from gengap.report.markup import Table
from gengap.report.statistics import Summary, summarize


class Evaluated(NamedTuple):
    """Accuracies in percent from evaluating trained weights again.

    own: validation accuracy that the run of these weights recorded after its last update.
    """

    validation: float
    own: float
    train: float
    train_loss: float

    @property
    def difference(self) -> float:
        """Difference from the run's own accuracy, in points."""
        return self.validation - self.own


Seeds = dict[int, Evaluated]
Found = dict[tuple[Subject, str], Seeds]  # by subject and mode of batch norm


def evaluated(read: Sequence[Record]) -> Found:
    """Group the records of kind `accuracy` by run, in the order of the records, and by mode."""
    found: Found = {}
    for record in (r for r in read if r.kind == "accuracy"):
        for m in record.measurements:
            accuracies = 100 - m["val_error"], m["run_val_accuracy"], 100 - m["train_error"]
            value = Evaluated(*accuracies, float(m["train_loss"]))
            found.setdefault((record.subject, m["batch_norm"]), {}).setdefault(record.seed, value)
    order = list(dict.fromkeys(subject for subject, _ in found))
    keys = sorted(found, key=lambda key: (order.index(key[0]), mode_order(key[1])))
    return {key: found[key] for key in keys}


def table(found: Found) -> Table:
    """Tabulate one line per run and mode; the difference from the run's own accuracy is paired by seed."""
    header = (
        "workload", "run", "batch norm", "n", "validation %", "the run's own", "difference", "95 %",
        "training %", "training loss",
    )  # fmt: skip
    return Table(header, tuple(_row(*key, seeds) for key, seeds in found.items()), labels=3)


def _row(subject: Subject, mode: str, seeds: Seeds) -> tuple[str, ...]:
    def over_seeds(quantity: str) -> Summary:
        return summarize([getattr(v, quantity) for v in seeds.values()])

    difference = over_seeds("difference")
    return (
        *(subject.row.title, subject.label, mode, str(len(seeds))),
        *(spread(over_seeds("validation")), spread(over_seeds("own"))),
        signed(difference.mean) + ("" if difference.std is None else f" ± {difference.std:.2f}"),
        signed_interval(difference),
        *(spread(over_seeds("train")), significant_spread(over_seeds("train_loss"))),
    )


def data(found: Found) -> Table:
    """Tabulate every seed, in percent and points."""
    header = (
        "workload", "method", "run", "batch_size", "batch_norm", "seed", "val_accuracy", "run_val_accuracy",
        "difference", "train_accuracy", "train_loss",
    )  # fmt: skip
    rows = (
        (
            *(s.row.label, s.method, s.run, str(s.batch_size), mode, str(seed)),
            *(fixed(v.validation), fixed(v.own), fixed(v.difference)),
            *(fixed(v.train), f"{v.train_loss:.6g}"),
        )
        for (s, mode), seeds in found.items()
        for seed, v in seeds.items()
    )
    return Table(header, tuple(rows), labels=5)
