"""`gengap bench`: the speed of gengap's training loop beside a typical PyTorch loop, on this machine."""

import sys
from collections.abc import Sequence

from gengap.cli import options
from gengap.cli.ending import INTERRUPTED, raising_interrupts
from gengap.errors import DONE, UserError
from gengap.paths import expanded

KEYS = ("workload", "method", "precision", "rounds", "results_dir")
SPEC = options.Spec("bench", keys=KEYS)

HELP = """\
usage: gengap bench [workload=NAME] [method=sb,lb_ra] [precision=fp32,bf16] [rounds=3] [results_dir=DIR]

Trains on random images of the data set's shape, alternating between gengap and a typical loop in processes of
their own, and prints medians: updates/s, images/s, their ratio, the fraction of this machine's matrix-product
and copy rates, peak memory, and the start-up and warm-up times. Stop other work on this machine first.

The typical loop: torchvision transforms on PIL images in a DataLoader, fp32 without compilation, .item() at
every step; with ghosts, one forward and backward pass per ghost, as in the paper's released code.

  workload=NAME    one workload (default: {default})
  method=NAMES     its methods, separated by commas (default: sb,lb_ra)
  precision=NAMES  gengap's precisions (default: fp32,bf16); the typical loop is always fp32
  rounds=N         rounds per loop, of about 2 s or one update each (default: 3; fewer in slow cases)
  results_dir=DIR  write the measurements to DIR/bench as JSON, a table and a figure (default: results)
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and save the results; return the exit code: 0, or 130 after Ctrl-C.

    Raises:
        UserError: an unknown argument or an invalid value.
    """
    from gengap.bench.cases import DEFAULT, cases

    typed = options.read(SPEC, arguments)
    if typed.asks_for_help:
        print(HELP.format(default=", ".join(dict.fromkeys(w for w, _ in DEFAULT))), end="")
        return DONE
    values = typed.values(KEYS)
    rounds = _rounds(values.get("rounds", "3"))
    methods = [name for name in values.get("method", "").split(",") if name]
    precisions = values.get("precision", "fp32,bf16").split(",")
    chosen = cases(values.get("workload", ""), methods, precisions, _on_gpu)
    from gengap.bench.measure import measure_all

    try:
        with raising_interrupts():  # so that the measured processes are stopped
            return measure_all(chosen, rounds, expanded(values.get("results_dir", "results")))
    except KeyboardInterrupt:
        print("\ngengap bench: stopped; only the cases printed so far, if any, are saved", file=sys.stderr)
        return INTERRUPTED


def _rounds(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise UserError(f"rounds={text} must be a positive whole number")
    return int(text)


def _on_gpu() -> bool:
    import torch  # slow to import, so arguments are checked first

    return torch.cuda.is_available()
