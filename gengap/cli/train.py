"""`gengap train`: from the command line to one run or several; errors leave here as one line."""

import logging
import signal
import sys
from collections.abc import Sequence

from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gengap.cli.help import train_help
from gengap.cli.options import read_options
from gengap.config.compose import one_line
from gengap.config.schema import Config
from gengap.config.sweep import Job, compose_all, expand
from gengap.errors import DONE, MISTAKE, UserError, log_error


def main(arguments: Sequence[str]) -> int:
    """Train what the arguments describe; return the exit code, as `gengap train --help` lists them."""
    if {"-h", "--help"} & set(arguments):
        print(train_help())
        return DONE
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("gengap").setLevel(logging.INFO)
    sys.path.insert(0, "")  # so that package.module:factory is found in the folder gengap is called from
    try:
        options = read_options(arguments)
        jobs = expand(options.overrides, options.multirun)
        configs = compose_all(jobs)
        if options.show_config:
            _show(jobs, configs)
            return DONE
        from gengap.launch import jobs as train_jobs  # torch, which neither help nor a mistake needs

        return train_jobs.train_all(jobs, configs, options.launcher)
    except KeyboardInterrupt:  # between two runs, or before the first update: there is nothing to save
        return 128 + signal.SIGINT
    except (HydraException, OmegaConfBaseException) as error:
        log_error(UserError(one_line(error)))
    except UserError as error:
        log_error(error)
    return MISTAKE


def _show(jobs: Sequence[Job], configs: Sequence[Config]) -> None:
    if len(jobs) > 1:
        print(f"# the first of {len(jobs)} runs: {' '.join(jobs[0])}")
    print(OmegaConf.to_yaml(OmegaConf.structured(configs[0])), end="")
