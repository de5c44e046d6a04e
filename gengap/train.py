"""`gengap train`: Hydra's command line, one run or a multirun; errors leave here as one line."""

import logging
import os
import signal
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from gengap.config import CONF, one_line, to_config
from gengap.errors import UserError, describe
from gengap.help import train_help
from gengap.sweep import replace_parameters


class RunFailedError(Exception):
    """A run of a sweep failed, and has said why."""


def main() -> int:
    """Run what sys.argv describes, Hydra's command line; return the exit code."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(train_help())
        return 0
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    sys.path.insert(0, "")  # so that package.module:factory is found in the folder gengap is called from
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors instead of printing them
    try:
        sys.argv[1:] = replace_parameters(sys.argv[1:])
        _run_jobs()
    except RunFailedError:
        return 1
    except KeyboardInterrupt:  # between two runs, or before the first update: there is nothing to save
        return 128 + signal.SIGINT
    except (HydraException, OmegaConfBaseException) as error:
        describe(UserError(one_line(error)))
        return 2
    except UserError as error:
        describe(error)
        return 2
    except OSError as error:
        describe(
            UserError(f"{error.filename}: {error.strerror}; set results_dir=DIR to a folder to write to")
        )
        return 2
    return 0


def _run_jobs() -> None:
    @hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
    def job(cfg: DictConfig) -> str:
        try:
            config = to_config(cfg)
            from gengap.execute import execute  # torch, which neither help, completion nor a mistake needs

            status = execute(config)
        except UserError as error:
            describe(error)
            status = "failed"
        if status != "failed":
            return status
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            raise RunFailedError  # Hydra goes on with the other jobs and raises it at the end
        raise SystemExit(1)

    job()
