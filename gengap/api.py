"""Python API: train a run, and load the network it trained.

torch and Hydra are imported inside the functions, so that `import gengap` stays instantaneous.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengap.errors import UserError
from gengap.launch.world import world_of
from gengap.paths import expanded

if TYPE_CHECKING:
    from gengap.config.schema import Config
    from gengap.training.trained import Classifier


def load(run_directory: str | Path) -> "Classifier":
    """Load a finished run's network, with its input normalization, in evaluation mode on the CPU.

    Args:
        run_directory: folder such as mine/runs/digits_f1-lb_gbn-0a472355/seed0, trained with
            runtime.keep_weights=true. A network of your own is imported from the current folder.

    Returns:
        A torch.nn.Module that maps pixels (B, C, H, W), uint8 in 0..255 or floating point in 0..1, to float32
        logits (B, classes).

    Raises:
        UserError: there is no finished run, it kept no weights, or they don't fit the network.
    """
    from gengap.training.trained import load_trained

    with _current_folder_importable():
        return load_trained(expanded(run_directory))


def train(
    *words: str, results_dir: str | Path | None = None, config_dir: str | Path | None = None, **keys: Any
) -> dict[str, Any]:
    """Train or resume a single run and return its record, the content of run.json.

    A finished run is not trained again. Check the record's `status`: it is "diverged" if the loss stopped
    being finite, and "running" if runtime.time_budget ran out. In the main thread, Ctrl-C and SIGTERM first
    save the run and then act as usual. Messages go to the logger "gengap", which the caller configures.

    Args:
        words: arguments as typed after `gengap train`: "+experiment=digits_lb", "method.batch_size=256".
        results_dir: folder in which the run is stored, replacing the key of that name.
        config_dir: configuration folder of your own beside conf/, like --config-dir; for this call only.
        keys: keys without a dot as keyword arguments: experiment="digits_lb", seed=3. They override words.

    Raises:
        UserError: the words describe no run or more than one, the run failed, another process is training it,
            or torchrun or srun started several processes.
    """
    if world := world_of(os.environ):
        raise UserError(
            f"train() trains in one process, and this is one of {world.size}: type torchrun -m gengap train"
        )
    replaced = tuple(f"{key}=" for key in keys)
    kept = [word for word in words if not str(word).lstrip("+").startswith(replaced)]
    with _config_dir(config_dir):
        return _train([*kept, *map(_word, keys.items())], results_dir)


def _train(words: Sequence[str], results_dir: str | Path | None) -> dict[str, Any]:
    config = _composed(words)
    if results_dir is not None:
        config.results_dir = str(results_dir)

    import torch

    from gengap.config.identity import run_directory
    from gengap.launch.execute import attempt
    from gengap.launch.outcome import Outcome
    from gengap.launch.stop import Stop
    from gengap.runs.record import read_record

    stop = Stop(config.runtime.time_budget)
    with _current_folder_importable(), torch.random.fork_rng(range(torch.cuda.device_count())):
        outcome = attempt(config, stop)
    stop.pass_on()
    directory = run_directory(config)
    record = read_record(directory)
    if record is None or outcome == Outcome.BUSY:
        raise UserError(f"{directory} is being trained by another process")
    return record


def _word(item: tuple[str, Any]) -> str:
    """Format a keyword argument as typed on the command line: seed=3, precision=bf16, data.limit=null."""
    key, value = item
    return f"{key}={value if isinstance(value, str) else json.dumps(value, default=str)}"


def _composed(words: Sequence[str]) -> "Config":
    """Compose the configuration of the single run that the words describe."""
    from gengap.config.sweep import compose_jobs, expand

    for word in words:
        _check_word(word)
    jobs = compose_jobs(expand(words))
    if len(jobs) != 1:
        raise UserError(f"train() trains one run, not the {len(jobs)} of {' '.join(words)}: call it for each")
    return jobs[0].config


def _check_word(word: Any) -> None:
    if isinstance(word, list | tuple):
        raise UserError(f"train() takes each word as an argument of its own: unpack the list, train(*{word})")
    if not isinstance(word, str):
        raise UserError(f'train() takes words such as "seed=3" and keywords such as seed=3, not {word!r}')
    if word.startswith(("-cd", "--config-dir", "hydra.searchpath")):
        raise UserError(f"train() takes no {word}: give the folder as config_dir=DIR")
    if word.startswith(("-", "hydra")):
        raise UserError(f"train() takes no {word}: give it key=value words of one run")


@contextmanager
def _config_dir(folder: str | Path | None) -> Iterator[None]:
    """Search a folder beside conf/ inside the block only, because two folders may use the same names."""
    from gengap.config import conf

    if folder is None:
        yield
        return
    before = list(conf._added)
    conf.add_config_dirs([folder])
    try:
        yield
    finally:
        conf._added[:] = before
        conf.names_in.cache_clear()


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Make package.module:factory importable from the current folder, as `gengap train` does."""
    sys.path.insert(0, "")
    try:
        yield
    finally:
        sys.path.remove("")
