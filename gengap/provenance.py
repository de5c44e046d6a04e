"""Where a result comes from: versions, commit and hardware, for the run's record."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("gengap", "torch", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {p: version(p) for p in PACKAGES}


def git_commit() -> str | None:
    """Commit of the checkout this package runs from, `-dirty` with changes; None in a wheel."""
    folder = Path(__file__).resolve().parent
    try:
        tracked = _git(folder, "ls-files", "--error-unmatch", str(Path(__file__).resolve()))
        commit = _git(folder, "rev-parse", "HEAD")
        dirty = _git(
            folder, "status", "--porcelain", "--untracked-files=no", "--", "gengap", "conf", cwd_up=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return (commit + ("-dirty" if dirty else "")) if tracked else None


def _git(folder: Path, *arguments: str, cwd_up: bool = False) -> str:
    where = folder.parent if cwd_up else folder
    done = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def hardware(device: torch.device) -> dict[str, Any]:
    """Name of the processor that trains, and the threads it may use."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    return {"device": device.type, "name": name, "threads": torch.get_num_threads()}


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
