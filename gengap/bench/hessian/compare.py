"""Compare gengap with other libraries on the Hessian of a run: in turns, on the same weights and images."""

import copy
import json
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gengap.bench.document import merged, write
from gengap.bench.hessian.libraries import LIBRARIES, Batches, Find, Library, gengap, residuals
from gengap.bench.machine import peak_rates
from gengap.bench.measure import write_page
from gengap.bench.progress import show
from gengap.bench.turns import ratios
from gengap.config.compose import from_record
from gengap.config.schema import Runtime
from gengap.errors import UserError
from gengap.landscape.settings import Curvature
from gengap.landscape.subject import Subject
from gengap.landscape.surface import nothing
from gengap.report.figures.speed import slug
from gengap.report.hessian import HESSIAN, hessian_table
from gengap.report.markup import markdown
from gengap.runs.record import read_record
from gengap.terminal import say
from gengap.training.device import prepare_device
from gengap.training.trained import load_trained

AGREEMENT = 1e-3  # largest relative error allowed between a library's eigenvalue and the exact one
EXACT = 1e-6  # tolerance for computing the exact one, in float64
BATCH = 1000


def measure_hessian(
    directory: Path, samples: int, rounds: int, results_dir: Path, root: str | None = None
) -> int:
    """Measure, print and record; earlier measurements of other runs on this machine are kept.

    Args:
        directory: directory of a finished run that has kept its weights.
        samples: number of training images, chosen at random, whose mean loss is differentiated.
        rounds: number of turns of each library.
        results_dir: results directory; the file is written to its folder `bench`.
        root: folder of the data sets; None for the default.

    Raises:
        UserError: the run can't be loaded or has fewer images, or a library doesn't find the eigenvalue.
        OSError: results_dir can't be written to.
    """
    device = prepare_device(Runtime())
    network = load_trained(directory).network.to(device).to(memory_format=torch.channels_last)
    record = read_record(directory) or {}
    config = from_record(record["config"])
    if root is not None:
        config = replace(config, data=replace(config.data, root=root))
    subject = Subject(config, Curvature(samples=samples), device, nothing)
    machine = peak_rates(device, ["fp32"])
    folder = results_dir / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug(machine['hardware'])}.json"
    merged(path, machine, HESSIAN, [])  # before measuring: raises an error if the file can't be read
    rows = compare(subject, network, rounds, f"gengap bench: {directory}")
    stated = {
        "workload": config.workload.name,
        "method": config.method.name,
        "seed": config.seed,
        "weights": record.get("weights_sha256"),
        "samples": samples,
        "turns": rounds,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": machine["git_commit"],
        "torch": machine["versions"]["torch"],
    }
    write(path, merged(path, machine, HESSIAN, [stated | row for row in rows]))
    print(markdown(hessian_table([stated | row for row in rows])), flush=True)
    write_page(json.loads(path.read_text()), folder)
    say(f"{path}: written")
    return 0


def compare(subject: Subject, network: nn.Module, rounds: int, title: str) -> list[dict[str, Any]]:
    """Measure a row per library: seconds of its turns and of gengap's, and the errors of their eigenvalues.

    Each uses its loosest setting for which every eigenvalue is within AGREEMENT of the exact one, which is
    determined before the turns.

    Args:
        subject: subject whose training images are used.
        network: maps normalized images to logits, in float32; it is not changed.
        rounds: number of turns of each; the number of a turn is the seed of its starting vector.
        title: start of the lines that show progress.
    """
    batches = [(images.clone(), labels) for images, labels in subject.train.evaluation_batches(BATCH)]
    show(f"{title}: the eigenvalue in float64")
    doubled = replace(subject, settings=replace(_curvature(subject), dtype="float64"))
    exact = gengap(doubled, EXACT)(copy.deepcopy(network).double(), batches, rounds)
    finders = {
        name: _loosest(name, library, network, batches, exact, rounds, title)
        for name, library in {"gengap": residuals(subject), **LIBRARIES}.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in finders}
    values: dict[str, list[float]] = {name: [] for name in finders}
    for turn in range(rounds):
        for name, (setting, find) in finders.items():
            show(f"{title}: round {turn + 1} of {rounds}, {name} {setting}")
            taken, value = _timed(find, network, batches, turn)
            seconds[name].append(taken)
            values[name].append(value)
    show("")
    off = {name: max(abs(value / exact - 1) for value in of) for name, of in values.items()}
    return [
        {
            "library": name,
            "version": version(LIBRARIES[name].package),
            "setting": finders[name][0],
            "gengap_setting": finders["gengap"][0],
            "eigenvalue": exact,
            "off": off[name],  # largest relative error in any turn
            "gengap_off": off["gengap"],
            **ratios(seconds[name], seconds["gengap"]),
            "seconds": statistics.median(seconds[name]),
            "gengap_seconds": statistics.median(seconds["gengap"]),
        }
        for name in LIBRARIES
    ]


def _curvature(subject: Subject) -> Curvature:
    assert isinstance(subject.settings, Curvature)
    return subject.settings


def _loosest(
    name: str, library: Library, network: nn.Module, batches: Batches, exact: float, rounds: int, title: str
) -> tuple[str, Find]:
    """Find the first setting whose eigenvalue is within AGREEMENT for the starting vectors of all turns."""
    for setting, find in library.settings.items():
        show(f"{title}: {name} {setting}, is it accurate enough?")
        found = (_timed(find, network, batches, turn)[1] for turn in range(rounds))
        if all(abs(value / exact - 1) <= AGREEMENT for value in found):
            return setting, find
    raise UserError(f"{name} finds no eigenvalue within {AGREEMENT:g} of {exact:.6g}: take other weights")


def _timed(find: Find, network: nn.Module, batches: Batches, seed: int) -> tuple[float, float]:
    """Compute the eigenvalue; return the time in seconds, and the eigenvalue."""
    own = copy.deepcopy(network)
    began = time.perf_counter()
    value = find(own, batches, seed)
    return time.perf_counter() - began, value
