"""Measure decoding of photographs next to torchvision's ImageFolder, and whether it limits training."""

import statistics
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gengap.bench.cases import Case
from gengap.bench.progress import show
from gengap.bench.sides import Side
from gengap.bench.turns import NAMES, ratios, take_turns
from gengap.cores import usable_cores
from gengap.data.load import load
from gengap.data.sources import ImageFiles
from gengap.errors import UserError

SIDES = ("image_folder", "photographs", "on_device")
PREFETCHED = 2  # batches per worker of a DataLoader


def measure_photographs(case: Case, rounds: int, machine: dict[str, Any], title: str) -> dict[str, Any]:
    """Measure median seconds per photograph for decoding by both, and for gengap's updates without decoding.

    Both decode the same files to the same crops with one worker per core, and deliver normalized batches.

    Args:
        case: case with a workload that reads image files.
        rounds: number of turns of each side.
        machine: description of the machine, as returned by `machine.peak_rates`.
        title: start of the lines that show progress.

    Raises:
        UserError: the files can't be found or read, or a measured process died.
    """
    config = case.config(case.precisions[0])
    data = config.data
    if data.packed:
        raise UserError(
            "data.packed=true is not measured beside ImageFolder, which reads files: leave it out"
        )
    files = load(data.name, data.root, data.folder).train
    if not isinstance(files, ImageFiles):
        raise UserError(f"data.name={data.name} has no image files to measure")
    workers = usable_cores() if config.runtime.workers is None else config.runtime.workers
    with ExitStack() as stack:
        sides = {name: Side(name, config) for name in SIDES}
        for name, side in sides.items():
            show(f"{title}: starting {NAMES[name]}")
            stack.enter_context(side)
        ahead = dict.fromkeys(SIDES[:2], PREFETCHED * workers)
        taken = take_turns(sides, rounds, title, ahead)
        engine = sides["on_device"].startup.engine
    batch = config.method.batch_size
    sizes = [min(batch, len(files)), min(batch, len(files)), batch]
    typical, ours, device = (
        [seconds / size for seconds in taken[n]] for n, size in zip(SIDES, sizes, strict=True)
    )
    return {
        "workload": case.workload,
        "method": case.method,
        "precision": case.precisions[0],
        "batch_size": batch,
        "resize": data.resize,
        "crop": data.crop,
        "folder": data.folder,
        "files": len(files),
        "file_bytes": round(statistics.mean(Path(path).stat().st_size for path in files.paths[:1000])),
        "workers": workers,
        "cores": usable_cores(),
        "turns": len(ours),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": machine["git_commit"],
        "torch": machine["versions"]["torch"],
        "pillow": version("pillow"),
        "engine": engine,
        **ratios(typical, ours),
        "gengap_seconds": statistics.median(ours),
        "image_folder_seconds": statistics.median(typical),
        "update_seconds": statistics.median(device),
    }
