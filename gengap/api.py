"""gengap in Python: train a run, and load the network that it trained.

torch and Hydra are imported by the functions, so that `import gengap` stays immediate.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengap.errors import UserError

if TYPE_CHECKING:
    from gengap.training.trained import Classifier


def load(run_directory: str | Path) -> "Classifier":
    """The trained network of a finished run, in evaluation mode, on the CPU, with its normalisation.

    Args:
        run_directory: a folder such as mine/runs/digits_f1-lb_gbn-0a472355/seed0, trained with
            runtime.keep_weights=true. A network of your own is imported from the current folder.

    Returns:
        A torch.nn.Module that maps pixels (B, C, H, W), uint8 in 0..255 or floating point in 0..1, to logits
        (B, classes) in float32.

    Raises:
        UserError: there is no finished run, it kept no weights, or they do not fit the network.
    """
    from gengap.training.trained import load_trained

    with _current_folder_importable():
        return load_trained(Path(run_directory).expanduser())


def train(*words: str, results_dir: str | Path | None = None) -> dict[str, Any]:
    """Train one run, or continue it, and return its record, the content of run.json.

    A finished run is not trained again. Look at the record's `status`: it is "diverged" if the loss stopped
    being finite, and "running" if runtime.time_budget was used up. In the main thread, Ctrl-C and SIGTERM
    first save the run and then act as usual. Messages go to the logger "gengap", which the caller configures.

    Args:
        words: as after `gengap train`: "+experiment=digits_lb", "seed=3".
        results_dir: where the run is kept, in place of the key of that name.

    Raises:
        UserError: the words describe no run or several, the run failed, or another process trains it.
    """
    from gengap.config.sweep import compose_jobs, expand

    refused = [word for word in words if word.startswith(("-", "hydra"))]
    if refused:
        raise UserError(f"train() takes no {refused[0]}: give it key=value words of one run")
    jobs = compose_jobs(expand(words))
    if len(jobs) != 1:
        raise UserError(f"train() trains one run, not the {len(jobs)} of {' '.join(words)}: call it for each")
    config = jobs[0].config
    if results_dir is not None:
        config.results_dir = str(results_dir)

    import torch

    from gengap.config.identity import run_directory
    from gengap.launch.execute import attempt
    from gengap.launch.outcome import Outcome
    from gengap.launch.stop import Stop
    from gengap.runs.record import read_record

    stop = Stop(config.runtime.time_budget)
    with _current_folder_importable(), torch.random.fork_rng():
        outcome = attempt(config, stop)
    stop.pass_on()
    directory = run_directory(config)
    record = read_record(directory)
    if record is None or outcome == Outcome.BUSY:
        raise UserError(f"{directory} is being trained by another process")
    return record


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Find package.module:factory in the current folder, as `gengap train` does."""
    sys.path.insert(0, "")
    try:
        yield
    finally:
        sys.path.remove("")
