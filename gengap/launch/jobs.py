"""Several runs after one another, or at once by a launcher of Hydra's; what became of them, in one line."""

import logging
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hydra._internal.callbacks import Callbacks  # a launcher of Hydra's can't be called without
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from gengap.config.compose import hydra_of_gengap, run_directory, to_config
from gengap.config.schema import Config
from gengap.config.sweep import Job
from gengap.errors import DONE, FAILED, UNFINISHED, UnreadableError, UserError, log_error
from gengap.launch.execute import execute
from gengap.launch.stop import COMMAND_STARTED, Stop
from gengap.runs.store import read_record

log = logging.getLogger(__name__)


def train_all(jobs: Sequence[Job], configs: Sequence[Config], launcher: Sequence[str]) -> int:
    """Train every run, in this process or as the launcher's overrides say; return the exit code.

    Raises:
        UserError: the records can't be written where they should, or there is no such launcher.
    """
    budget = configs[0].runtime.time_budget
    if launcher:
        with tempfile.TemporaryDirectory(prefix="gengap-") as folder:
            stop = Stop(budget, flag=Path(folder) / "stop")
            outcomes = _launch(jobs, launcher, stop)
    else:
        stop = Stop(budget)
        outcomes = [train_one(config, stop) for config in configs]
    if len(configs) > 1:
        _sum_up(configs, outcomes, stop.reason())
    if stop.reason() and {"stopped", "left"} & set(outcomes):
        return stop.exit_code
    if "failed" in outcomes:
        return FAILED
    return UNFINISHED if "running" in outcomes else DONE


def train_one(config: Config, stop: Stop) -> str:
    """Train one run, unless training should stop before it begins.

    Returns:
        what execute() returns, or skipped (it was finished or diverged before), or left (not begun).

    Raises:
        UserError: the run's directory can't be written to.
    """
    if stop.reason():
        return "left"
    try:
        record = read_record(run_directory(config)) or {}
        outcome = execute(config, stop)
    except UnreadableError as error:
        log_error(error)
        return "failed"
    return "skipped" if record.get("status") in ("finished", "diverged") else outcome


def _sum_up(configs: Sequence[Config], outcomes: Sequence[str], reason: str | None) -> None:
    counts = Counter("left" if o == "stopped" else o for o in outcomes)
    names = ("finished", "skipped", "diverged", "failed", "running", "left")
    parts = [f"{counts[n]} {n}" for n in names if counts[n] or n == "finished"]
    stopped = f" ({reason}; the same command goes on)" if reason and counts["left"] else ""
    log.info("gengap: %d runs: %s%s", len(configs), ", ".join(parts), stopped)
    for config, outcome in zip(configs, outcomes, strict=True):
        if outcome in ("diverged", "failed"):
            log.info("  %s: %s", outcome, run_directory(config))


def _launch(jobs: Sequence[Job], launcher: Sequence[str], stop: Stop) -> list[str]:
    with hydra_of_gengap() as hydra:
        _check_launcher(launcher, hydra.config_loader.get_group_options("hydra/launcher"))
        try:
            master = hydra.compose_config("config", list(launcher), RunMode.MULTIRUN)
        except HydraException as error:
            raise UserError(f"{' '.join(launcher)}: this launcher has no such setting") from error
        plugin = Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(hydra.config_loader, Callbacks(master)),
            task_function=partial(launched, os.getpid(), COMMAND_STARTED, stop.flag),
            config=master,
        )
        with stop:
            returned = plugin.launch([list(job) for job in jobs], initial_job_idx=0)
    return [str(one.return_value) for one in returned]


def _check_launcher(words: Sequence[str], known: Sequence[str]) -> None:
    for name in (w.removeprefix("hydra/launcher=") for w in words if w.startswith("hydra/launcher=")):
        if name not in known:
            raise UserError(
                f"there is no launcher {name!r} here, but {' and '.join(known)}: "
                "pip install 'gengap[joblib]' adds joblib"
            )


def launched(command: int, started: float, flag: Path | None, cfg: DictConfig) -> str:
    """Train one run in a process of the launcher's, with one thread if nothing else is set.

    The process that launched it hears of Ctrl-C and tells by the flag.
    """
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("gengap").setLevel(logging.INFO)
    if "" not in sys.path:
        sys.path.insert(0, "")
    if os.getpid() != command:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = to_config(cfg)
    config.runtime.threads = config.runtime.threads or 1
    try:
        return train_one(config, Stop(config.runtime.time_budget, started, flag))
    except UserError as error:
        log_error(error)
        return "failed"
