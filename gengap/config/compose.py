"""From command-line overrides, through Hydra, to a checked Config."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    InterpolationResolutionError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)
from yaml import YAMLError

from gengap.config import conf
from gengap.config.checks import check
from gengap.config.overrides import check_override, check_selection, parse
from gengap.config.schema import Config
from gengap.errors import UserError


def compose_config(overrides: Sequence[str]) -> Config:
    """The configuration that `gengap train` runs with these overrides, such as `seed=3`.

    Raises:
        UserError: an override can't be parsed, they don't compose, or they contradict each other.
    """
    parsed = [parse(override) for override in overrides]
    check_selection(parsed)
    for override in parsed:
        check_override(override)
    with errors_in_one_line():
        return to_config(conf.compose([o.input_line or "" for o in parsed]))


def compose_hydra_settings(words: Sequence[str]) -> DictConfig:
    """Hydra's own settings of a run that was composed before, interpolations unresolved.

    Raises:
        UserError: the overrides don't compose.
    """
    with errors_in_one_line():
        return cast(DictConfig, conf.compose_with_hydra(words).hydra)


def to_config(composed: DictConfig) -> Config:
    """Resolve and check a composed configuration.

    Raises:
        UserError: a value is missing, or fields contradict each other.
        OmegaConfBaseException: an interpolation can't be resolved.
    """
    with suppress(InterpolationResolutionError):  # to_object raises it again, with the key
        OmegaConf.resolve(composed)  # once, because every access to an interpolation parses it again
    try:
        config = cast(Config, OmegaConf.to_object(composed))
    except (InterpolationToMissingValueError, MissingMandatoryValue) as error:
        key = min(OmegaConf.missing_keys(composed))
        raise UserError(f"{key} has no value: add +experiment=NAME, or set {key}=VALUE") from error
    check(config)
    return config


def from_record(recorded: Mapping[str, Any]) -> Config:
    """The configuration in a run.json; a key that the record is older than has the schema's default.

    Raises:
        UserError: the record has a key that the schema lacks.
    """
    with errors_in_one_line():
        merged = OmegaConf.merge(OmegaConf.structured(Config), recorded)
        return cast(Config, OmegaConf.to_object(merged))


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Turn errors of Hydra and OmegaConf inside the block into a UserError of one line."""
    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise UserError(_one_line(error)) from error


def _one_line(error: BaseException) -> str:
    """The messages of an error and its cause, with the key in parentheses."""
    texts = [str(e) for e in (error, error.__cause__) if e is not None]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    kept = [line for line in lines if not line.startswith(("reference_type=", "object_type="))]
    return " ".join(re.sub(r"^full_key: (.*)", r"(\1)", line) for line in kept)
