"""Sharpness and curvature of every cell next to published values, of other runs, and of every seed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from gengap.paper import keskar
from gengap.paper.methods import LABELS, METHODS
from gengap.report.format import significant, significant_spread, spread
from gengap.report.landscape.numbers import SHARPNESS, Measure, Numbers, Seeds, kept, measures, mode_order
from gengap.report.landscape.subjects import Subject, by_row
from gengap.report.markup import Table
from gengap.report.rows import Row
from gengap.report.statistics import summarize

PUBLISHED, NOT_MEASURED = "published", "not measured"
LossOf = tuple[str, str]
_OF_LOSS = ("samples", "dtype", "batch")
_ACCURACIES = {keskar.TEST: "validation %", keskar.TRAIN: "training %"}


def cells(found: Numbers, *quantities: str, published: Collection[str] = ()) -> Table:
    """Tabulate every measure of every cell, with a column per method, below any published values.

    Args:
        published: workloads whose published values are shown even if nothing was measured for them.
    """
    known = measures(found, *quantities)
    methods = _methods(s for s, by_measure in found.items() if by_measure.keys() & {*known})
    rows = [
        line
        for row, subjects in by_row([s for s in found if s.method])
        for line in _of_row(row, {s.method: found[s] for s in subjects}, known, methods)
    ]
    if SHARPNESS in quantities and rows:
        absent = (Row(name) for name in published if Row(name) not in {s.row for s in found if s.method})
        rows += [line for row in absent for line in _not_measured(row, (), methods)]
    header = ("workload", "measure", "batch norm", "settings", *(LABELS[m] for m in methods), "warnings")
    return Table(header, tuple(rows), labels=4)


def _methods(subjects: Iterable[Subject]) -> list[str]:
    present = {s.method for s in subjects}
    return [m for m in METHODS if m in present]


def _of_row(
    row: Row, of_methods: dict[str, dict[Measure, Seeds]], known: Sequence[Measure], methods: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    names = []
    for measure in known:
        values = [of_methods.get(m, {}).get(measure, {}) for m in methods]
        if not any(values):
            continue
        if measure.name not in names:
            yield from _published(row, measure, methods)
        names.append(measure.name)
        shown = (measure.name, measure.batch_norm, measure.settings)
        yield (row.title, *shown, *map(value, values), warnings(values))
    if any(measure.quantity == SHARPNESS for measure in known):
        yield from _not_measured(row, names, methods)


def _not_measured(row: Row, names: Collection[str], methods: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the published values of the measures that are not in `names`."""
    of_sharpness = [p for p in keskar.published() if p.quantity == keskar.SHARPNESS and not p.remedy]
    for epsilon, subspace in dict.fromkeys((p.epsilon, p.subspace) for p in of_sharpness):
        measure = Measure(SHARPNESS, float(epsilon), int(subspace) if subspace else None, "", "")
        if measure.name not in names:
            yield from _published(row, measure, methods, NOT_MEASURED)


def _published(
    row: Row, measure: Measure, methods: Sequence[str], warning: str = ""
) -> Iterator[tuple[str, ...]]:
    if measure.quantity != SHARPNESS or measure.parameter is None or row.deviation:
        return
    printed = [keskar.sharpness(row.name, m, measure.parameter, measure.subspace) for m in methods]
    if any(printed):
        cells = (p.text if p else "–" for p in printed)
        yield (row.title, measure.name, PUBLISHED, "", *cells, warning)


def value(seeds: Seeds) -> str:
    """Format `mean ± std (n=5)`, with the mean standard error of the values themselves if they have one."""
    seeds = kept(seeds)
    if not seeds:
        return ""
    errors = [v.error for v in seeds.values() if v.error is not None]
    error = f"; error {significant(summarize(errors).mean, 2)}" if errors else ""
    return f"{significant_spread(summarize([v.value for v in seeds.values()]))} (n={len(seeds)}{error})"


def warnings(values: Sequence[Seeds]) -> str:
    """Format warnings as `2 of 15 abnormal`."""
    found = [v.warning for seeds in values for v in seeds.values()]
    return ", ".join(f"{found.count(w)} of {len(found)} {w}" for w in dict.fromkeys(found) if w)


def accuracies(found: Numbers) -> Table:
    """Tabulate training losses and accuracies of the measured runs, with published accuracies above ours."""
    methods = _methods(found)
    rows: list[tuple[str, ...]] = []
    for row, subjects in by_row([s for s in found if s.method]):
        of_methods = {s.method: found[s] for s in subjects}
        rows += _losses(row, of_methods, methods)
        for quantity in _ACCURACIES:
            rows += _accuracies(row, of_methods, quantity, methods)
    header = ("workload", "quantity", "", *(LABELS[m] for m in methods))
    return Table(header, tuple(rows), labels=3)


def _losses(
    row: Row, of_methods: dict[str, dict[Measure, Seeds]], methods: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    modes = {loss_of(m) for of_measures in of_methods.values() for m in of_measures}
    for mode in sorted(modes, key=lambda mode: (mode_order(mode[0]), mode[1])):
        shown = " ".join(part for part in ("training loss, batch norm:", *mode) if part)
        ours = (training_loss(of_methods.get(m, {}), mode) for m in methods)
        yield (row.title, shown, "ours", *ours)


def _accuracies(
    row: Row, of_methods: dict[str, dict[Measure, Seeds]], quantity: str, methods: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    printed = [None if row.deviation else keskar.accuracy(row.name, m, quantity) for m in methods]
    if any(printed):
        cells = (p.text if p else "–" for p in printed)
        yield (row.title, _ACCURACIES[quantity], PUBLISHED, *cells)
    ours = [accuracy(of_methods.get(m, {}), quantity) for m in methods]
    if any(ours):
        yield (row.title, _ACCURACIES[quantity], "ours", *ours)


def accuracy(of_measures: dict[Measure, Seeds], quantity: str) -> str:
    """Format `mean ± std (n=5)` of the measured runs' accuracy; empty if no run is known."""
    by_seed = {
        seed: v.train_accuracy if quantity == keskar.TRAIN else v.accuracy
        for seeds in of_measures.values()
        for seed, v in seeds.items()
    }
    known = [a for a in by_seed.values() if a is not None]
    return f"{spread(summarize(known))} (n={len(known)})" if known else ""


def training_loss(of_measures: dict[Measure, Seeds], mode: LossOf) -> str:
    """Format `mean ± std (n=5)` of the measured loss at the weights themselves, in a mode of batch norm."""
    by_seed = {
        seed: float(v.recorded["loss"])
        for m, seeds in of_measures.items()
        if loss_of(m) == mode
        for seed, v in seeds.items()
    }
    return f"{significant_spread(summarize([*by_seed.values()]))} (n={len(by_seed)})" if by_seed else ""


def loss_of(measure: Measure) -> LossOf:
    """Find the mode of batch norm, and the settings on which the loss at the weights themselves depends."""
    settings = [s for s in measure.settings.split() if s.partition("=")[0] in _OF_LOSS]
    return measure.batch_norm, " ".join(settings)


def data(found: Numbers) -> Table:
    """Tabulate every value of every seed."""
    columns: dict[str, Callable[[Subject, Measure], str]] = {
        "workload": lambda s, m: s.row.label,
        "method": lambda s, m: s.method,
        "run": lambda s, m: s.run,
        "batch_size": lambda s, m: str(s.batch_size),
        "quantity": lambda s, m: m.quantity,
        "parameter": lambda s, m: _number(m.parameter),
        "subspace": lambda s, m: "" if m.subspace is None else str(m.subspace),
        "batch_norm": lambda s, m: m.batch_norm,
        "settings": lambda s, m: m.settings,
    }
    recorded = ("loss", "max_loss", "evaluations", "products", "line_search")
    rows = [
        (
            *(column(s, m) for column in columns.values()),
            *(str(seed), _number(v.value), _number(v.error)),
            *(_recorded(v.recorded.get(name)) for name in recorded),
            *(v.warning, _number(v.accuracy), _number(v.train_accuracy)),
        )
        for s in found
        for m in measures({s: found[s]})
        for seed, v in sorted(found[s][m].items())
    ]
    header = (
        *columns, "seed", "value", "error", *recorded, "warning", "val_accuracy", "train_accuracy",
    )  # fmt: skip
    return Table(header, tuple(rows), labels=3)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _recorded(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
