"""Images per second according to records from this machine, read without torch."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from gengap.errors import UnreadableError
from gengap.runs.folders import run_directories
from gengap.runs.parts import parts
from gengap.runs.provenance import cpu_name
from gengap.runs.record import metric_rows, name_of, read_record

_QUERY = ("--query-gpu=name", "--format=csv,noheader")


@dataclass(frozen=True)
class Speed:
    """Images per second of a run, including evaluations and checkpoints, and the source of that number."""

    rate: float
    seen: str


def machine(device: str) -> tuple[str, str]:
    """Type and name of the device that runtime.device means on this machine, as in records.

    GPUs are those that nvidia-smi lists and CUDA_VISIBLE_DEVICES doesn't hide.
    """
    names = [] if device == "cpu" else _gpus()
    return ("cuda", names[0]) if names else ("cpu", cpu_name())


@cache
def _gpus() -> list[str]:
    command = shutil.which("nvidia-smi")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if command is None or visible in ("", "-1"):
        return []
    done = subprocess.run([command, *_QUERY], capture_output=True, text=True, check=False)
    names = [line.strip() for line in done.stdout.splitlines() if line.strip()] if not done.returncode else []
    first = (visible or "0").split(",")[0]
    return names[int(first) :] if first.isdecimal() else names


def speeds(
    places: Sequence[Path], workload: str, place: tuple[str, str]
) -> list[tuple[dict[str, Any], Speed]]:
    """Find the records of a workload made by a single process entirely on this device, with their speeds.

    Args:
        places: results directories to search.
        workload: name of the workload.
        place: type and name of the device, as returned by `machine`.
    """
    found = []
    directories = {path for folder in places for path in run_directories(folder)[0]}
    for directory in sorted(path for path in directories if path.parent.name.startswith(f"{workload}-")):
        try:
            record, rows = read_record(directory), metric_rows(directory)
        except UnreadableError:
            continue
        if record and rows and rows[-1]["seconds"] > 0 and _is_of(record, workload, place):
            rate = rows[-1]["epoch"] * record["data"]["train"] / rows[-1]["seconds"]
            found.append((record, Speed(rate, name_of(directory))))
    return found


def _is_of(record: Mapping[str, Any], workload: str, place: tuple[str, str]) -> bool:
    used = [part["hardware"] for part in parts(record)]
    devices = {(one["device"], one["name"], one.get("ranks", 1)) for one in used}
    return record["workload"] == workload and devices == {(*place, 1)}


def typical(found: Sequence[Speed]) -> Speed:
    """Median of the speeds, whose number may be even."""
    return Speed(median(speed.rate for speed in found), found[0].seen)


def shown_rate(rate: float) -> str:
    """Format images per second: whole ones, or two significant digits if they are few."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
