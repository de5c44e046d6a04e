"""Find which runs are points on which learning-rate curve."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isclose

from gengap.config.identity import as_typed
from gengap.config.shipped import experiment_config
from gengap.learning_rate import scaled_lr
from gengap.paper.methods import METHODS
from gengap.report.cells import Group, Records, changed
from gengap.report.places import at_protocol_of, experiment_of
from gengap.report.questions.rates import Point, RateCurve, Tuned
from gengap.report.rows import Row

LR = "workload.lr"
FEWEST = 2  # least number of rates on a curve
_COLUMNS = ("precision", "protocol")  # these already have their own fields in a row


def tuned(records: Records) -> list[Tuned]:
    """Find every workload and setting with a method at two or more rates, by name."""
    families = ((row, _curves(by_method)) for row, by_method in _points(records).items())
    return [Tuned(row, curves, _scaled(row, curves)) for row, curves in families if curves]


def beside(records: Records, found: Sequence[Tuned]) -> list[Tuned]:
    """Find the methods of these workloads at a single rate with other settings, such as more epochs."""
    curves = {(t.row.name, method) for t in found for method in t.curves}
    singles = []
    for row, by_method in _points(records).items():
        points = {m: p for m, p in by_method.items() if (row.name, m) in curves}
        if points and row not in {t.row for t in found}:
            ordered = {m: _curve(m, points[m]) for m in sorted(points, key=_order)}
            singles.append(Tuned(row, ordered, _scaled(row, ordered)))
    return singles


def _points(records: Records) -> dict[Row, dict[str, list[Point]]]:
    """Group points by workload and settings, then by method, sorted by name."""
    found: dict[Row, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for group in (*records.cells.values(), *records.variants):
        row, point = _point(group) or (None, None)
        if row and point:
            found[row][group.method].append(point)
    return dict(sorted(found.items()))


def _point(group: Group) -> tuple[Row, Point] | None:
    """Find a group's place on a curve; None if no images are held out, or rates differ in more than scale."""
    config, settings = group.config, changed(group)
    if settings is None or not config.get("data", {}).get("holdout"):
        return None
    rates = config["workload"]["lr"]
    recipe = experiment_config(experiment_of(group.workload, group.method)).workload.lr
    if not _is_multiple(rates, recipe):
        return None
    others = as_typed({k: v for k, v in settings.items() if k not in (LR, *_COLUMNS)})
    row = Row(group.workload, config["precision"], config["protocol"]["name"], others)
    return row, Point(group, rates[0], rates[0] * (group.lr_scale or 1.0))


def _is_multiple(rates: Sequence[float], recipe: Sequence[float]) -> bool:
    """Whether the rates of all phases are scaled by the same factor."""
    pairs = zip(rates, recipe, strict=False)
    return len(rates) == len(recipe) and all(isclose(a * recipe[0], b * rates[0]) for a, b in pairs)


def _curves(by_method: Mapping[str, list[Point]]) -> dict[str, RateCurve]:
    curves = (_curve(m, by_method[m]) for m in sorted(by_method, key=_order))
    return {c.method: c for c in curves if sum(p.measured.n > 0 for p in c.points) >= FEWEST}


def _order(method: str) -> tuple[int, str]:
    return METHODS.index(method) if method in METHODS else len(METHODS), method


def _curve(method: str, unsorted: Sequence[Point]) -> RateCurve:
    points = sorted(unsorted, key=lambda p: p.rate)
    group = points[0].group
    recipe = experiment_config(experiment_of(group.workload, method)).workload.lr[0]
    return RateCurve(method, points, recipe * (group.lr_scale or 1.0))


def _scaled(row: Row, curves: Mapping[str, RateCurve]) -> float | None:
    """Learning rate of +LR at the batch size and protocol of LB's curve; None without either."""
    experiment, lb = experiment_of(row.name, "lb_lr"), curves.get("lb")
    if not experiment or lb is None:
        return None
    recorded = lb.points[0].group.config
    config, batch = at_protocol_of(recorded, experiment), int(recorded["method"]["batch_size"])
    return scaled_lr(config.workload.lr[0], batch, config.method.lr_base_batch, config.method.lr_rule)
