"""Keskar et al.'s remedies at the large batch: what they published, and ours."""

from collections.abc import Iterator

from gengap.paper import keskar
from gengap.paper import tables as paper
from gengap.paper.methods import LABELS
from gengap.report.landscape.numbers import SHARPNESS, Measure, Numbers, Seeds, measures
from gengap.report.landscape.tables import PUBLISHED, accuracy, value
from gengap.report.markup import Table

# How the names of our experiments end: keskar_c1_lb_augmented
SUFFIXES = {"augmentation": "augmented", "conservative": "conservative"}
_EPSILONS = (1e-3, 5e-4)  # of the published values, in the full space


def remedies(found: Numbers) -> Table:
    """For the workloads that are measured: published values, then ours by mode of batch norm."""
    present = {s.row.name for s in found}
    kinds = dict.fromkeys(
        (p.workload, p.remedy, p.method) for p in keskar.published() if p.remedy and p.workload in present
    )
    rows = [row for kind in kinds for row in (_published(*kind), *_ours(found, *kind))]
    sharpness = (f"sharpness, ε = {epsilon:g}" for epsilon in _EPSILONS)
    header = ("workload", "remedy", "method", "batch norm", "settings", "validation %", *sharpness)
    return Table(header, tuple(rows), labels=5)


def _published(workload: str, remedy: str, method: str) -> tuple[str, ...]:
    test = keskar.accuracy(workload, method, remedy=remedy)
    sharp = [keskar.sharpness(workload, method, e, None, remedy) for e in _EPSILONS]
    shown = (p.text if p else "–" for p in (test, *sharp))
    return (paper.title(workload), remedy, LABELS[method], PUBLISHED, "", *shown)


def _ours(found: Numbers, workload: str, remedy: str, method: str) -> Iterator[tuple[str, ...]]:
    experiment = f"{workload}_{method}_{SUFFIXES[remedy]}"
    for subject in (s for s in found if s.label == experiment):
        of_measures = {m: found[subject][m] for m in measures({subject: found[subject]}, SHARPNESS)}
        full = {m: seeds for m, seeds in of_measures.items() if m.subspace is None}
        for batch_norm, settings in dict.fromkeys((m.batch_norm, m.settings) for m in full):
            asked = [Measure(SHARPNESS, e, None, batch_norm, settings) for e in _EPSILONS]
            cells = [full.get(m, Seeds()) for m in asked]
            known = {m: seeds for m, seeds in zip(asked, cells, strict=True) if seeds}
            shown = (accuracy(known, keskar.TEST), *map(value, cells))
            title = subject.row.title
            yield (title, remedy, LABELS[method], batch_norm, settings, *shown)
