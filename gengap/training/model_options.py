"""The options passed to a network, which may be another one than the workload's."""

import inspect
import logging
from collections.abc import Mapping
from typing import Any

from gengap.config.compose import compose_config
from gengap.config.conf import names_in
from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.models import builder

log = logging.getLogger(__name__)


def fitting_options(config: Config) -> dict[str, Any]:
    """The options in `config.model.options` that the network `config.model.name` takes.

    Options that the workload sets for its own network are dropped, with a log line, if this one lacks them.

    Raises:
        UserError: an unknown network, or one of the user's options is unknown to it.
    """
    name, options = config.model.name, config.model.options
    parameters = inspect.signature(builder(name)).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return options
    own = _options_of(config.workload.name)
    foreign = [k for k in options if k not in parameters]
    unknown = [k for k in foreign if k not in own or own[k] != options[k]]
    taken = list(parameters)[1:]  # the first is num_classes
    if unknown:
        raise UserError(
            f"model.name={name} has no option {', '.join(unknown)}: it takes {', '.join(taken) or 'none'}"
        )
    if foreign:
        log.info("model.name=%s does not take the workload's options %s: ignored", name, ", ".join(foreign))
    return {k: v for k, v in options.items() if k in parameters}


def _options_of(workload: str) -> Mapping[str, Any]:
    if workload not in names_in("workload"):
        return {}
    return compose_config([f"workload={workload}", "method=sb"]).model.options
