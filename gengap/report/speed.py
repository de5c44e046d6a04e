"""Speed as measured by `gengap bench`, and speed targets."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from gengap.paper import tables as paper
from gengap.paper.methods import LABELS
from gengap.report.markup import Table
from gengap.runs.provenance import hardware_name

MET, OPEN, SHORT, NOT_MEASURED = "met", "within the spread", "falls short", "not measured"


@dataclass(frozen=True)
class Target:
    """A line of speed_targets.csv, whose `target` has one of the FORMS."""

    device: str
    workload: str
    method: str
    precision: str
    target: str

    def applies_to(self, device: str, row: dict[str, Any]) -> bool:
        """Whether this is the target of a row measured on this kind of device."""
        asked = (self.device, self.workload, self.method, self.precision)
        return asked == (device, row["workload"], row["method"], row["precision"])

    def outcome(self, row: dict[str, Any]) -> tuple[str, str]:
        """Compute the row's value in the unit of the target, and whether it meets the target.

        It is met or missed only if both quartiles over the turns are on that side of it; rows in older files
        have no quartiles, so their median decides.

        Raises:
            ValueError: the target has none of the forms.
        """
        for form, measured in FORMS.items():
            if found := re.fullmatch(form, self.target):
                bound, shown = float(found[1]), measured(row)
                better = [v <= bound if self.target.startswith("≤") else v >= bound for v in shown.spread]
                return shown.text, MET if all(better) else OPEN if any(better) else SHORT
        raise ValueError(f"{self.target!r} has none of the forms {', '.join(FORMS)}")


@dataclass(frozen=True)
class Shown:
    """A value as shown to readers, and the ends of its spread in the unit of the target."""

    text: str
    spread: tuple[float, ...]


def _ratio(row: dict[str, Any]) -> Shown:
    return _measured(row["ratio"], (row.get("ratio_low"), row.get("ratio_high")), ".2f", "x")


def _seconds_per_epoch(row: dict[str, Any]) -> Shown:
    middle = row["seconds_per_epoch"]
    return _measured(middle, [middle * k for k in _slowness(row)], ".3g", " s/epoch")


def _of_matrix_rate(row: dict[str, Any]) -> Shown:
    percent = 100 * row["matrix_share"]
    return _measured(percent, [percent / k for k in _slowness(row)], ".0f", " %")


def _over_floor(row: dict[str, Any]) -> Shown:
    """Time relative to products at the machine's rate followed by the minimal reads and writes."""
    times = 1 / (row["matrix_share"] + row.get("copy_share", 0))
    return _measured(times, [times * k for k in _slowness(row)], ".2f", "x")


def _slowness(row: dict[str, Any]) -> list[float]:
    """Quartiles of the time per update, relative to its median; empty in older files, which have none."""
    quartiles = (row.get("gengap_seconds_low"), row.get("gengap_seconds_high"))
    return [q / row["gengap_seconds"] for q in quartiles if q is not None]


def _measured(middle: float, quartiles: Sequence[float | None], digits: str, unit: str) -> Shown:
    """Format as `2.37x (2.36–2.44)`, without the quartiles if there are none."""
    found = sorted(q for q in quartiles if q is not None)
    ends = "–".join(f"{q:{digits}}" for q in found)
    return Shown(f"{middle:{digits}}{unit}{f' ({ends})' if ends else ''}", tuple(found) or (middle,))


FORMS = {
    r"≥ ([\d.]+)x": _ratio,  # relative to the typical loop
    r"≤ ([\d.]+) s/epoch": _seconds_per_epoch,
    r"≥ ([\d.]+) % of matrix rate": _of_matrix_rate,
    r"≤ ([\d.]+)x the floor": _over_floor,
}


@cache
def targets() -> tuple[Target, ...]:
    """Read all lines of speed_targets.csv, in order."""
    text = files("gengap.report").joinpath("speed_targets.csv").read_text(encoding="utf-8")
    return tuple(Target(**row) for row in csv.DictReader(text.splitlines()))


def targets_table(documents: Sequence[dict[str, Any]]) -> Table:
    """Tabulate every target with its measurements: one line per machine that has one, otherwise one line."""
    header = ("device", "workload", "method", "precision", "target", "measured", "outcome", "machine")
    rows = (line for target in targets() for line in _target_lines(target, documents))
    return Table(header, tuple(rows), labels=4)


def _target_lines(target: Target, documents: Sequence[dict[str, Any]]) -> Sequence[tuple[str, ...]]:
    method = LABELS[target.method]
    labels = (target.device, paper.title(target.workload), method, target.precision, target.target)
    measured = [
        (*labels, *target.outcome(row), machine(document["hardware"]))
        for document in documents
        for row in document["rows"]
        if target.applies_to(document["hardware"]["device"], row)
    ]
    return measured or [(*labels, "", NOT_MEASURED, "")]


def machine(hardware: dict[str, Any]) -> str:
    """Name the hardware, including a CPU's features and threads."""
    return hardware_name(hardware)


def table(rows: list[dict[str, Any]], device: str = "cpu") -> Table:
    """Tabulate one row per workload, method and precision."""
    header = (
        "workload", "batch / ghost", "precision", "engine", "ratio", "target", "updates/s", "images/s",
        "s/epoch", "of matrix rate", "of copy rate", "memory MiB", "start s", "warm-up s", "typical images/s",
        "typical MiB",
    )  # fmt: skip
    return Table(header, tuple(_row(r, device) for r in rows), labels=4)


def _row(r: dict[str, Any], device: str) -> tuple[str, ...]:
    batch, seconds = r["batch_size"], r["gengap_seconds"]
    return (
        paper.title(r["workload"]),
        f"{batch:,} / {r['ghost_size'] or '–'}",
        r["precision"],
        r.get("engine", ""),
        _ratio(r).text,
        ", ".join(t.target for t in targets() if t.applies_to(device, r)),
        f"{1 / seconds:,.2f}",
        f"{batch / seconds:,.0f}",
        _seconds(r["seconds_per_epoch"]),
        _share(r["matrix_share"]),
        _share(r.get("copy_share")),  # older measurements lack it
        f"{r['gengap_memory']:,}",
        f"{r['gengap_start']:.1f}",
        f"{max(0, r['gengap_first_update'] - seconds):.1f}",
        f"{batch / r['typical_seconds']:,.0f}",
        f"{r['typical_memory']:,}",
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds >= 1 else f"{seconds:.3g}"


def _share(of_rate: float | None) -> str:
    """Format a share of a machine's rate; blank if no bound: measured too low, or exceeded in a cache."""
    return "" if of_rate is None or of_rate > 1 else f"{100 * of_rate:.0f} %"
