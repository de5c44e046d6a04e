"""The largest eigenvalues of the Hessian, one by one."""

from collections.abc import Sequence

from gengap.report.format import significant_spread
from gengap.report.landscape.numbers import mode_order
from gengap.report.landscape.subjects import Record, Subject
from gengap.report.markup import Table
from gengap.report.statistics import summarize

_Key = tuple[Subject, str, str]  # subject, mode of batch norm, and settings


def spectra(read: Sequence[Record]) -> Table:
    """Tabulate mean ± std over seeds of each eigenvalue that all seeds have."""
    found: dict[_Key, dict[int, list[float]]] = {}
    for record in (r for r in read if r.kind == "curvature"):
        for m in record.measurements:
            key = (record.subject, m["batch_norm"], record.settings)
            found.setdefault(key, {}).setdefault(record.seed, sorted(m["eigenvalues"], reverse=True))
    shared = {key: min(map(len, of_seeds.values())) for key, of_seeds in found.items()}
    header = (
        *("workload", "run", "batch norm", "settings", "n"),
        *(f"λ{k + 1}" for k in range(max(shared.values(), default=0))),
    )
    order = sorted(found, key=lambda key: (_rows(found).index(key[0].row), mode_order(key[1])))
    rows = (_row(key, found[key], shared[key], len(header)) for key in order)
    return Table(header, tuple(rows), labels=4)


def _rows(found: dict[_Key, dict[int, list[float]]]) -> list[object]:
    return list(dict.fromkeys(subject.row for subject, *_ in found))


def _row(key: _Key, of_seeds: dict[int, list[float]], shared: int, columns: int) -> tuple[str, ...]:
    subject, batch_norm, settings = key
    values = (
        significant_spread(summarize([spectrum[k] for spectrum in of_seeds.values()])) for k in range(shared)
    )
    cells = (subject.row.title, subject.label, batch_norm, settings, str(len(of_seeds)), *values)
    return cells + ("",) * (columns - len(cells))
