"""Measurements that are one number per network: sharpness, adaptive sharpness, curvature."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gengap.report.landscape.subjects import Record, Subject

SHARPNESS, ADAPTIVE, EIGENVALUE, TRACE = "sharpness", "adaptive sharpness", "largest eigenvalue", "trace"
QUANTITIES = (SHARPNESS, ADAPTIVE, EIGENVALUE, TRACE)
ABNORMAL, NOTHING_FOUND = "abnormal", "left out: abnormal, no larger loss found"


class Measure(NamedTuple):
    """A quantity and how it was measured; only equal measures are averaged or compared.

    parameter: ε of Metric 2.1 or ρ of adaptive sharpness. subspace: dimension of the random subspace; None
    for the full space. settings: unusual settings.
    """

    quantity: str
    parameter: float | None
    subspace: int | None
    batch_norm: str
    settings: str

    @property
    def name(self) -> str:
        """Name such as `sharpness, ε = 0.001, 100 dimensions`."""
        symbol = {SHARPNESS: "ε", ADAPTIVE: "ρ"}.get(self.quantity)
        parts = [self.quantity]
        if symbol:
            parts.append(f"{symbol} = {self.parameter:g}")
        if self.quantity == SHARPNESS:
            parts.append(self.space)
        return ", ".join(parts)

    @property
    def space(self) -> str:
        """Space in which the maximum was searched for."""
        return "full space" if self.subspace is None else f"{self.subspace} dimensions"


@dataclass(frozen=True)
class Value:
    """One network's value, and its run's accuracies in percent.

    error: standard error of the value itself, for a trace. warning: why the value may be too small; empty if
    there is no sign of that. recorded: the measurement.
    """

    value: float
    accuracy: float | None
    train_accuracy: float | None
    error: float | None
    warning: str
    recorded: Mapping[str, Any]

    @property
    def is_kept(self) -> bool:
        """Whether the value counts; a search that broke off without finding anything has measured nothing."""
        return self.warning != NOTHING_FOUND


Seeds = dict[int, Value]
Numbers = dict[Subject, dict[Measure, Seeds]]


def numbers(records: Iterable[Record]) -> Numbers:
    """Group all numbers by subject, measure and seed; if two records have the same one, the first counts."""
    found: Numbers = {}
    for record in records:
        for measure, value in _of_record(record):
            found.setdefault(record.subject, {}).setdefault(measure, {}).setdefault(record.seed, value)
    return found


def kept(seeds: Seeds) -> Seeds:
    """Select the values over which means and ratios are taken."""
    return {seed: value for seed, value in seeds.items() if value.is_kept}


def measures(found: Numbers, *quantities: str) -> list[Measure]:
    """List the measures of these quantities (by default all): full space first, then decreasing ε."""
    asked = quantities or QUANTITIES
    present = {m for by_measure in found.values() for m in by_measure if m.quantity in asked}
    return sorted(present, key=_order)


def _order(measure: Measure) -> tuple[Any, ...]:
    quantity = QUANTITIES.index(measure.quantity)
    mode = mode_order(measure.batch_norm)
    return quantity, measure.subspace or 0, -(measure.parameter or 0), mode, measure.settings


def mode_order(batch_norm: str) -> tuple[int, str]:
    """Sort key for modes of batch norm."""
    known = ("trained", "augmented", "recomputed", "batch", "interpolated")
    return known.index(batch_norm) if batch_norm in known else len(known), batch_norm


def _of_record(record: Record) -> Iterator[tuple[Measure, Value]]:
    for m in record.measurements:
        if record.kind == "sharpness":
            yield _measure(record, m, SHARPNESS, m["epsilon"]), _value(record, m, m["sharpness"], _ended(m))
        elif record.kind == "adaptive":
            yield _measure(record, m, ADAPTIVE, m["rho"]), _value(record, m, m["sharpness"], _ended(m))
        elif record.kind == "curvature":
            if m["eigenvalues"]:
                largest = max(m["eigenvalues"])
                warning = "" if m["converged"] else "not converged"
                yield _measure(record, m, EIGENVALUE), _value(record, m, largest, warning)
            yield _measure(record, m, TRACE), _value(record, m, m["trace"], "", m["trace_error"])


def _measure(record: Record, m: dict[str, Any], quantity: str, parameter: float | None = None) -> Measure:
    given = None if parameter is None else float(parameter)
    return Measure(quantity, given, m.get("subspace"), m["batch_norm"], record.settings)


def _value(
    record: Record, m: dict[str, Any], value: float, warning: str, error: float | None = None
) -> Value:
    return Value(float(value), record.accuracy, record.train_accuracy, error, warning, m)


def _ended(m: dict[str, Any]) -> str:
    if not m["line_search"].startswith(ABNORMAL):
        return ""
    return ABNORMAL if m["sharpness"] > 0 else NOTHING_FOUND
