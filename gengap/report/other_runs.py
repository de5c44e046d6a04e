"""Runs outside the tables: own workloads, variants, runs that have not finished, and unreadable records."""

from collections.abc import Collection

from gengap.config.identity import as_typed
from gengap.paper.methods import LABELS
from gengap.report.cells import Group, Records, changed
from gengap.report.format import spread, state, whole
from gengap.report.markup import Table
from gengap.report.measure import Measured, measure
from gengap.report.places import experiment_of
from gengap.runs.comparable import DIFFERS


def own_workloads(records: Records) -> Table:
    """Tabulate runs of the user's own workloads without an experiment, one line per configuration."""
    header = (
        "workload", "method", "precision", "protocol", "batch", "epochs", "n", "last val. % ± std", "train %",
        "updates", "samples", "left out", "run",
    )  # fmt: skip
    return Table(header, tuple(_own_workload(measure(g)) for g in records.variants if g.is_own), labels=4)


def _own_workload(m: Measured) -> tuple[str, ...]:
    return (
        *(m.workload, LABELS.get(m.method, m.method), m.precision, m.protocol),
        *(whole(m.batch_size), "" if m.epochs is None else f"{m.epochs:g}"),
        *(str(m.n), spread(m.accuracy), spread(m.train), whole(m.updates), whole(m.samples)),
        *(m.note(), m.run),
    )


def variants(records: Records, elsewhere: Collection[str] = ()) -> Table:
    """Tabulate runs that belong to no cell, with the closest cell and the settings that differ from it.

    elsewhere: names of runs shown in other sections.
    """
    header = ("run", "experiment", "differs in", "n", "last val. % ± std", "left out")
    rows = []
    for group in (g for g in records.variants if not g.is_own and g.run not in elsewhere):
        m = measure(group)
        named = m.experiment or experiment_of(group.workload, group.method) or "–"
        rows.append((m.run, named, differences(group), str(m.n), spread(m.accuracy), m.note()))
    return Table(header, tuple(rows), labels=3)


def differences(group: Group) -> str:
    """List as `key=value` the settings that differ from the cell of the same workload and method."""
    found = changed(group)
    if found is None:
        return "no cell has this workload and method"
    return as_typed(found) or "nothing recorded"


def unfinished(records: Records) -> Table:
    """Tabulate runs that are in no mean, with their location in the results directory."""
    rows = records.runs[~records.runs["status"].isin(("finished", *DIFFERS.values()))]
    found = (
        (str(run), str(seed), state(str(status)), f"runs/{run}/seed{seed}")
        for run, seed, status in zip(rows["run"], rows["seed"], rows["status"], strict=True)
    )
    return Table(("run", "seed", "status", "records"), tuple(found), labels=4)


def incomparable(records: Records, column: str) -> Table:
    """Tabulate finished runs that are in no mean because of `column`, which is `data` or `network`."""
    rows = records.runs[records.runs["status"] == DIFFERS[column]]
    found = (
        (str(run), str(seed), str(fingerprint)[:8], f"runs/{run}/seed{seed}")
        for run, seed, fingerprint in zip(rows["run"], rows["seed"], rows[column], strict=True)
    )
    return Table(("run", "seed", f"fingerprint of the {column}", "records"), tuple(found), labels=4)


def unreadable(records: Records) -> Table:
    """Tabulate records that are damaged or from a newer version, and what to do about them."""
    return Table(("file", "what is wrong"), records.unreadable, labels=2)
