"""Provenance of a run for its record: versions, git commit and hardware."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PACKAGES = ("gengap", "torch", "numpy")


def origin(device: "torch.device") -> dict[str, Any]:
    """Versions, git commit and hardware of a run on `device` in this process."""
    versions = {"python": platform.python_version()} | {p: version(p) for p in PACKAGES}
    return {"versions": versions, "git_commit": git_commit(), "hardware": hardware(device)}


def git_commit() -> str | None:
    """The commit of the checkout that this package is imported from; None outside a checkout.

    It ends in `-dirty` if tracked files of `gengap` or `conf` were changed.
    """
    package = Path(__file__).resolve().parents[1]
    try:
        _git(package, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(package, "rev-parse", "HEAD")
        changes = _git(
            package.parent, "status", "--porcelain", "--untracked-files=no", "--", "gengap", "conf"
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changes else commit


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def hardware(device: "torch.device") -> dict[str, Any]:
    """The type and name of the device, and the number of CPU threads."""
    import torch  # here, so that git_commit needs no torch

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    return {"device": device.type, "name": name, "threads": torch.get_num_threads()}


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
