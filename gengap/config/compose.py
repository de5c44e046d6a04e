"""From the words of a command line, through Hydra, to a checked Config."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import cast

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    InterpolationResolutionError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from gengap.config import conf
from gengap.config.checks import check
from gengap.config.overrides import check_override, check_selection, parse
from gengap.config.schema import Config
from gengap.errors import UserError


def compose_config(words: Sequence[str]) -> Config:
    """The configuration that `gengap train` would run with these overrides.

    Raises:
        UserError: an override can't be read, they don't compose, or they contradict each other.
    """
    parsed = [parse(word) for word in words]
    check_selection(parsed)
    for override in parsed:
        check_override(override)
    with errors_in_one_line():
        return to_config(conf.compose([o.input_line or "" for o in parsed]))


def to_config(composed: DictConfig) -> Config:
    """Resolve and check a composed configuration.

    Raises:
        UserError: a value is missing, or fields contradict each other.
        OmegaConfBaseException: an interpolation can't be resolved.
    """
    with suppress(InterpolationResolutionError):  # to_object says of which key
        OmegaConf.resolve(composed)  # once; every look at an interpolation parses it
    try:
        config = cast(Config, OmegaConf.to_object(composed))
    except (InterpolationToMissingValueError, MissingMandatoryValue) as error:
        key = min(OmegaConf.missing_keys(composed))
        raise UserError(
            f"{key} has no value: choose a cell with +experiment=NAME, or set {key}=VALUE"
        ) from error
    check(config)
    return config


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Raise what Hydra and OmegaConf raise inside the block as a UserError of one line."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_one_line(error)) from error


def _one_line(error: BaseException) -> str:
    """The message, and its cause's."""
    texts = [str(e) for e in (error, error.__cause__) if e is not None]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return " ".join(line for line in lines if not line.startswith(("reference_type=", "object_type=")))
