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
    """Runs of the user's own workloads that no experiment describes, one line per configuration."""
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
    """Runs that belong to no cell, with the cell closest to them and the settings that differ from it.

    elsewhere: names of the runs that other sections show.
    """
    header = ("run", "experiment", "differs in", "n", "last val. % ± std", "left out")
    rows = []
    for group in (g for g in records.variants if not g.is_own and g.run not in elsewhere):
        m = measure(group)
        named = m.experiment or experiment_of(group.workload, group.method) or "–"
        rows.append((m.run, named, differences(group), str(m.n), spread(m.accuracy), m.note()))
    return Table(header, tuple(rows), labels=3)


def differences(group: Group) -> str:
    """`key=value` for each setting that differs from the cell of the same workload and method."""
    found = changed(group)
    if found is None:
        return "no cell has this workload and method"
    return as_typed(found) or "nothing recorded"


def unfinished(records: Records) -> Table:
    """Runs that are in no mean, with their place in the results directory."""
    rows = records.runs[~records.runs["status"].isin(("finished", *DIFFERS.values()))]
    found = (
        (str(run), str(seed), state(str(status)), f"runs/{run}/seed{seed}")
        for run, seed, status in zip(rows["run"], rows["seed"], rows["status"], strict=True)
    )
    return Table(("run", "seed", "status", "records"), tuple(found), labels=4)


def incomparable(records: Records, column: str) -> Table:
    """Finished runs that are in no mean because of their `data` or their `network`, which is the column."""
    rows = records.runs[records.runs["status"] == DIFFERS[column]]
    found = (
        (str(run), str(seed), str(fingerprint)[:8], f"runs/{run}/seed{seed}")
        for run, seed, fingerprint in zip(rows["run"], rows["seed"], rows[column], strict=True)
    )
    return Table(("run", "seed", f"fingerprint of the {column}", "records"), tuple(found), labels=4)


def unreadable(records: Records) -> Table:
    """Records that are damaged or from a newer version, and what to do about them."""
    return Table(("file", "what is wrong"), records.unreadable, labels=2)
