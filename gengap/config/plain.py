"""Compose a run's words without Hydra if they are as plain as those of the shipped sweeps."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gengap.config.checks import check
from gengap.config.compose import compose_config
from gengap.config.overrides import parse
from gengap.config.schema import PAPER, Config, Runtime
from gengap.config.shipped import EXPERIMENT, experiment_config

_PATHS, _RUNTIME = ("results_dir", "data.root"), "runtime."
# Overrides besides +experiment=NAME that can be applied without Hydra
_PLAIN = re.compile(r"seed=\d+|(results_dir|data\.root)=.+|runtime\.\w+=[\w./~-]+|(precision|protocol)=\w+")


def compose_run(words: Sequence[str]) -> Config:
    """Compose checked overrides to find the run's directory; not for training.

    Hydra composes all but a shipped experiment with a seed, precision, protocol, paths and `runtime.*`.

    Raises:
        UserError: the overrides don't compose or contradict each other.
    """
    experiment = [word.removeprefix(EXPERIMENT) for word in words if word.startswith(EXPERIMENT)]
    plain = [_PLAIN.fullmatch(word) for word in words if not word.startswith(EXPERIMENT)]
    if len(experiment) != 1 or None in plain:
        return compose_config(words)
    typed = dict(word.split("=", 1) for word in words)
    paths = {key: str(parse(f"{key}={typed[key]}").value()) for key in _PATHS if key in typed}
    config = experiment_config(experiment[0], typed.get("protocol", PAPER))
    try:
        runtime = _with_runtime(config.runtime, [word for word in words if word.startswith(_RUNTIME)])
    except OmegaConfBaseException:
        return compose_config(words)  # raises an error that names the key
    found = replace(
        config,
        seed=int(typed.get("seed", config.seed)),
        precision=typed.get("precision", config.precision),
        results_dir=paths.get("results_dir", config.results_dir),
        data=replace(config.data, root=paths.get("data.root", config.data.root)),
        runtime=runtime,
    )
    check(found)
    return found


def _with_runtime(runtime: Runtime, words: Sequence[str]) -> Runtime:
    typed = OmegaConf.from_dotlist([word.removeprefix(_RUNTIME) for word in words])
    return cast(Runtime, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(runtime), typed)))
