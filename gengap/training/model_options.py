"""Options passed to a network, which may differ from the workload's own network."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

from gengap.config.compose import compose_config
from gengap.config.conf import names_in
from gengap.config.keys import OPTIONS, shown
from gengap.config.schema import Config
from gengap.errors import UserError
from gengap.models import builder
from gengap.models.signature import classes_argument, keywords, parameters, takes_any

log = logging.getLogger(__name__)


def fitting_options(config: Config) -> dict[str, Any]:
    """Select the options in `config.model.options` that the network `config.model.name` accepts.

    Options that the workload sets for its own network are dropped if this network has no arguments of those
    names. One log line names the dropped options, another those that a user's own network accepts.

    Raises:
        UserError: the network is unknown, it is unclear which argument is its number of classes, or it does
            not accept one of the user's options.
    """
    name, options = config.model.name, config.model.options
    arguments = parameters(name, builder(name))
    classes = classes_argument(name, builder(name), options).name
    taken = [k for k in keywords(arguments) if k != classes]
    foreign = [k for k in options if k not in taken]
    own = _workloads_own(config, options if ":" in name else foreign)
    ignored = [k for k in own if k in foreign]
    unknown = [k for k in foreign if k not in ignored and (k == classes or not takes_any(arguments))]
    if unknown:
        raise UserError(
            f"model.name={name} has no option {', '.join(unknown)}: it takes {', '.join(taken) or 'none'}"
        )
    if ignored:
        log.info(
            "model.name=%s has no arguments for these options of the workload, so they are not set: %s",
            name,
            ", ".join(ignored),
        )
    inherited = [k for k in own if k in taken]
    if inherited:
        listed = ", ".join(f"{k}={shown(options[k])}" for k in inherited)
        typed = " ".join(f"{OPTIONS}{k}=VALUE" for k in inherited)
        log.info("model.name=%s takes %s from the workload: type %s to change that", name, listed, typed)
    return {k: v for k, v in options.items() if k not in ignored}


def _workloads_own(config: Config, options: Collection[str]) -> list[str]:
    """Find the options that the workload sets for a network other than the configured one.

    If workload.name is the user's own, options of all workloads count, since the original is not recorded.
    """
    known = names_in("workload")
    name = config.workload.name
    found: dict[str, None] = {}
    for workload in ([name] if name in known else known) if options else ():
        model = compose_config([f"workload={workload}", "method=sb"]).model
        if model.name != config.model.name:
            found |= dict.fromkeys(_equal(model.options, config.model.options, options))
    return list(found)


def _equal(own: Mapping[str, Any], given: Mapping[str, Any], keys: Collection[str]) -> list[str]:
    return [k for k in keys if k in own and own[k] == given[k]]
