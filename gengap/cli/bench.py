"""The `gengap bench` command: gengap's loop beside the typical user's, in one run, on this machine."""

import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

USAGE = "gengap bench [workload=NAME] [method=sb,lb_ra] [precision=fp32,bf16] [rounds=3] [results_dir=DIR]"

HELP = f"""usage: {USAGE}

Trains on random images of the data set's shape, gengap and the typical loop in turns, each in a process of
its own, and prints the medians: updates/s, images/s, their ratio, the shares of this machine's matrix and
copy rates, peak memory, and the times to start and to warm up. Pause other work first.

The typical loop: torchvision transforms on PIL images in a DataLoader, fp32 without compilation, .item() at
every step; with ghosts one forward and backward pass a ghost, as in the paper's released code.

  workload=NAME    one workload (default: {{default}})
  method=NAME      which methods of it (default: sb and lb_ra)
  precision=NAME   gengap's precision (default: fp32 and bf16); the typical loop is always fp32
  rounds=N         turns a side, of about 2 s or one update each (default: 3; fewer in slow cases)
  results_dir=DIR  DIR/bench gets the measurements as JSON, a table and a figure (default: results)
"""


@dataclass(frozen=True)
class Arguments:
    """What was typed after `gengap bench`; empty tuples stand for the default."""

    workload: str = ""
    method: tuple[str, ...] = ()
    precision: tuple[str, ...] = ("fp32", "bf16")
    rounds: int = 3
    results_dir: Path = field(default_factory=lambda: Path("results"))


def parse(args: list[str]) -> Arguments:
    """Read the arguments; the last of a repeated one counts.

    Raises:
        ValueError: an argument is unknown or has no value; the message is the line to show.
    """
    values = dict(a.partition("=")[::2] for a in args)
    unknown = [
        a
        for a in args
        if a.partition("=")[0] not in Arguments.__dataclass_fields__ or not values[a.partition("=")[0]]
    ]
    if unknown:
        raise ValueError(f"gengap bench: {unknown[0]!r} is not an argument; type {USAGE}")
    found = Arguments()
    rounds = values.get("rounds", str(found.rounds))
    if not rounds.isdigit() or int(rounds) < 1:
        raise ValueError(f"gengap bench: rounds={rounds} must be a whole number above 0")
    return Arguments(
        values.get("workload", ""),
        tuple(filter(None, values.get("method", "").split(","))),
        tuple(values.get("precision", ",".join(found.precision)).split(",")),
        int(rounds),
        Path(values.get("results_dir", str(found.results_dir))).expanduser(),
    )


def _on_gpu() -> bool:
    import torch  # slow to import, and a mistake is told before

    return torch.cuda.is_available()


def main(args: list[str]) -> int:
    """Measure and write down; return the exit code: 0, 2 where the arguments can't be read, 130 by Ctrl-C."""
    from gengap.bench.cases import DEFAULT, cases
    from gengap.errors import UserError

    if {"-h", "--help"} & set(args):
        print(HELP.format(default=", ".join(dict.fromkeys(w for w, _ in DEFAULT))), end="")
        return 0
    try:
        arguments = parse(args)
        chosen = cases(arguments.workload, arguments.method, arguments.precision, _on_gpu)
    except (ValueError, UserError) as error:
        print(error, file=sys.stderr)
        return 2
    from gengap.bench.measure import measure_all

    try:
        return measure_all(chosen, arguments.rounds, arguments.results_dir)
    except KeyboardInterrupt:
        print("\ngengap bench: stopped; the cases that are printed are written down", file=sys.stderr)
        return 128 + signal.SIGINT
