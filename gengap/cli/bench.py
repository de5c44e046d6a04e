"""`gengap bench`: compare the speed of gengap's training loop with a typical PyTorch loop on this machine."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gengap.bench.progress import tell
from gengap.cli import options
from gengap.errors import DONE, UserError
from gengap.faults import MachineError
from gengap.launch.stop import Stop
from gengap.paths import expanded

if TYPE_CHECKING:
    from gengap.bench.cases import Case

FILES = ("data.root", "data.folder")
HESSIAN = ("hessian", "samples")
KEYS = ("workload", "method", "precision", *FILES, "rounds", "ranks", "peers", *HESSIAN, "results_dir")
SPEC = options.Spec("bench", keys=KEYS)

HELP = """\
usage: gengap bench [workload=NAME] [method=sb,lb_ra] [precision=fp32,bf16] [rounds=5] [results_dir=DIR]
       gengap bench peers=PYTHON [workload=NAME] ...
       gengap bench ranks=1,2 [workload=NAME] ...
       gengap bench hessian=RUN [samples=5000] [rounds=5] [results_dir=DIR]

Trains on random images of the data set's shape, alternating between gengap and a typical loop in processes of
their own, and prints medians: updates/s, images/s, their ratio, the fraction of this machine's matrix-product
and copy rates, peak memory, and the start-up and warm-up times. Stop other work on this machine first.

The typical loop: torchvision transforms on PIL images in a DataLoader, fp32 without compilation, .item() at
every step; with ghosts, one forward and backward pass per ghost, as in the paper's released code.

For a workload that reads photographs, it measures how many are decoded per second, beside torchvision's
ImageFolder and DataLoader on the same files, and how many the updates alone could use: the slower of the two
limits training.

  workload=NAME    one workload (default: {default})
  method=NAMES     its methods, separated by commas (default: sb,lb_ra; for photographs sb)
  precision=NAMES  gengap's precisions (default: fp32,bf16); the typical loop is always fp32. bf16 is left out
                   on a CPU that is slower in it
  data.root=DIR    for a workload that reads photographs, or for hessian: the folder with the data sets,
  data.folder=NAME and the data set's folder under it
  rounds=N         rounds per loop, of about 2 s or at least one update each (default: 5)
  peers=PYTHON     instead of beside the typical loop alone, beside the trainers of composer and Lightning, in
                   this Python that has them: scripts/bench-peers installs and measures them
  ranks=NUMBERS    instead, train with this many processes together, which share this machine's cores or
                   GPUs, and print images/s and the fraction of an update that they spend in exchanges
  hessian=RUN      instead, find the largest eigenvalue of the Hessian at the weights of a run, a folder such
                   as mine/runs/NAME/seed0, beside PyHessian and hessian-eigenthings
  samples=N        over the loss of that many training images (default: 5000)
  results_dir=DIR  write the measurements to DIR/bench as JSON, a table and a figure (default: results)
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and save the results; return the exit code. On a signal, the command ends with one line.

    Raises:
        UserError: an argument is unknown or has an invalid value, or `measure_all` raises it.
    """
    typed = options.read(SPEC, arguments)
    if typed.asks_for_help:
        from gengap.bench.cases import DEFAULT

        print(HELP.format(default=", ".join(dict.fromkeys(w for w, _ in DEFAULT))), end="")
        return DONE
    values = typed.values(KEYS)
    rounds = _positive("rounds", values.get("rounds", "5"))
    ranks = [_positive("ranks", text) for text in values["ranks"].split(",")] if "ranks" in values else []
    results_dir = expanded(values.get("results_dir", "results"))
    if set(HESSIAN) & set(values):
        return _measure_hessian(values, rounds, results_dir)
    peers = (
        _python(values["peers"], chosen_files=[k for k in FILES if k in values]) if "peers" in values else ""
    )
    stop = Stop(None)
    finished: list[str] = []
    place = "" if ranks else f", saved in {results_dir / 'bench'}"
    with stop.before_exit(partial(_say_stopped, finished, place)):
        chosen = _chosen(values)
        listed = ", ".join(f"{case} in {' and '.join(case.precisions)}" for case in chosen)
        tell(f"gengap bench: {listed}; {rounds} rounds; loading torch")
        if ranks and "peers" in values:
            raise UserError("ranks and peers are measured separately: leave one out")
        if ranks:
            from gengap.bench.ranks import end_ranks, measure_ranks

            with stop.cleaning_up(end_ranks):
                return measure_ranks(chosen, ranks, rounds, finished.append)
        from gengap.bench.measure import measure_all
        from gengap.bench.sides import end_sides

        try:
            with stop.cleaning_up(end_sides):
                return measure_all(chosen, rounds, results_dir, finished.append, peers)
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:  # an error on standard output
                raise
            advice = f"can't write to {error.filename} ({error.strerror}): set results_dir=DIR"
            raise MachineError(advice) from error


def _measure_hessian(values: Mapping[str, str], rounds: int, results_dir: Path) -> int:
    if "hessian" not in values:
        raise UserError("samples is for hessian: add hessian=RUN, a folder such as mine/runs/NAME/seed0")
    if others := [key for key in values if key not in (*HESSIAN, "rounds", "results_dir", "data.root")]:
        raise UserError(f"{others[0]} is not for hessian, which takes the run's: leave it out")
    samples = _positive("samples", values.get("samples", "5000"))
    modules = {"PyHessian": "pyhessian", "hessian-eigenthings": "hessian_eigenthings"}
    missing = [name for name, module in modules.items() if find_spec(module) is None]
    if missing:
        command = "pip install -c constraints.txt -e '.[hessian]'"
        raise UserError(f"{' and '.join(missing)} can't be imported: type {command}")
    tell("gengap bench: loading torch")
    with Stop(None).before_exit(lambda signal: tell(f"gengap bench: stopped ({signal}), nothing is saved")):
        from gengap.bench.hessian.compare import measure_hessian

        root = values.get("data.root")
        return measure_hessian(expanded(values["hessian"]), samples, rounds, results_dir, root)


def _python(text: str, chosen_files: Sequence[str]) -> str:
    if chosen_files:
        raise UserError(
            f"{chosen_files[0]}: photographs are not measured beside other trainers: leave peers out"
        )
    python = expanded(text)
    missing = "install them with scripts/bench-peers, which measures them too"
    if not os.access(python, os.X_OK) or python.is_dir():
        raise UserError(f"peers={text} is no Python that can be started: {missing}")
    found = subprocess.run(
        [python, "-c", "import composer, lightning, omegaconf"], capture_output=True, check=False
    )
    if found.returncode:
        raise UserError(f"peers={text} lacks composer, Lightning or OmegaConf: {missing}")
    return str(python)


def _chosen(values: Mapping[str, str]) -> "Sequence[Case]":
    from gengap.bench.cases import cases

    methods = [name for name in values.get("method", "").split(",") if name]
    files = [f"{key}={values[key]}" for key in FILES if key in values]
    precisions = values.get("precision", "fp32,bf16").split(",")
    return cases(values.get("workload", ""), methods, precisions, _on_gpu, files)


def _say_stopped(finished: Sequence[str], place: str, signal: str) -> None:
    which = f"; finished: {', '.join(finished)}{place}" if finished else " before any case was measured"
    with suppress(OSError, RuntimeError):  # a closed terminal, or interrupted while writing a line
        tell(f"gengap bench: stopped ({signal}){which}")


def _positive(key: str, text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise UserError(f"{key}={text} must be a positive whole number")
    return int(text)


def _on_gpu() -> bool:
    tell("gengap bench: looking for a GPU")
    import torch  # slow to import, so arguments are checked first

    return torch.cuda.is_available()
