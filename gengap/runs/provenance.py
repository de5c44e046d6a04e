"""Provenance of a run for its record: versions, git commit and hardware."""

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengap import __version__

if TYPE_CHECKING:
    import torch

LIBRARIES = ("torch", "numpy")
BF16 = (
    "avx512_bf16",
    "amx_bf16",
    "bf16",
)  # x86 and Arm; without these, bf16 takes up to 20 times as long
FEATURES = ("avx2", "avx512f", *BF16)


def origin(device: "torch.device", ranks: int = 1) -> dict[str, Any]:
    """Versions, git commit and hardware of a run on `device` in this process, or in `ranks` like it."""
    versions = {"python": platform.python_version(), "gengap": __version__}
    versions |= {library: version(library) for library in LIBRARIES}
    return {"versions": versions, "git_commit": git_commit(), "hardware": hardware(device, ranks)}


def git_commit() -> str | None:
    """Commit of the checkout this package is imported from; None outside a checkout.

    It ends in `-dirty` if tracked files in `gengap` or `conf` have been modified.
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


def hardware(device: "torch.device", ranks: int = 1) -> dict[str, Any]:
    """Device type and name, number of CPU threads, and the CPU features that determine its speed.

    `ranks` is included if there are several ranks, each with such a device.
    """
    import torch  # imported here, so that git_commit doesn't need torch

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name()
    found = {"device": device.type, "name": name, "threads": torch.get_num_threads()}
    found |= {"ranks": ranks} if ranks > 1 else {}
    return found if device.type == "cuda" else found | {"features": cpu_features()}


def cpu_name() -> str:
    """Name of the processor as reported by the system."""
    return _cpuinfo().get("model name", "") or platform.processor() or platform.machine()


def cpu_features() -> list[str]:
    """List which of FEATURES the processor has; Linux only."""
    flags = _cpu_flags()
    return [feature for feature in FEATURES if feature in flags]


def lacks_bf16() -> bool:
    """Whether the processor is known to have no bf16 arithmetic; Linux only."""
    flags = _cpu_flags()
    return bool(flags) and not any(feature in flags for feature in BF16)


def _cpu_flags() -> list[str]:
    found = _cpuinfo()
    return found.get("flags", found.get("Features", "")).split()  # on x86 and Arm, respectively


def _cpuinfo() -> dict[str, str]:
    """Linux's description of the first processor; empty on other systems."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().split("\n\n")[0].splitlines() if file.exists() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def hardware_name(hardware: Mapping[str, Any]) -> str:
    """Format a record's hardware: `AMD EPYC (avx512_bf16), 2 threads`; older records don't list features.

    With several ranks, their number comes first, as in `4 x NVIDIA H100`.
    """
    features = [f for f in hardware.get("features", ()) if f in BF16]
    name = f"{hardware['name']} ({', '.join(features)})" if features else str(hardware["name"])
    name = f"{hardware['ranks']} x {name}" if "ranks" in hardware else name
    threads = hardware["threads"]
    return name if hardware["device"] == "cuda" else f"{name}, {threads} thread{'s' if threads > 1 else ''}"
