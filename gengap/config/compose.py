"""Compose a checked Config from command-line overrides, using Hydra."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException
from yaml import YAMLError

from gengap.config import conf
from gengap.config.blame import in_file, raise_incomplete, raise_unchosen
from gengap.config.checks import check
from gengap.config.factory import check_options
from gengap.config.keys import OPTIONS, described, keys
from gengap.config.overrides import check_override, check_selection, hydra_words, parse, selects
from gengap.config.schema import Config
from gengap.errors import UserError

_WRONG_TYPE = re.compile(r"dereferencing interpolation '(.+?)': Value '(.+?)' of type")
_DELETED = re.compile(r"Could not delete from config. '(.+?)' does not exist")


def compose_config(overrides: Sequence[str]) -> Config:
    """Compose the configuration that `gengap train` uses for these overrides, such as `seed=3`.

    Raises:
        UserError: an override can't be parsed, or the overrides don't compose or contradict each other.
    """
    parsed = [parse(override) for override in overrides]
    check_selection(parsed)
    for override in parsed:
        check_override(override)
    with errors_in_one_line():
        try:
            composed = conf.compose_with_hydra(hydra_words(overrides))
        except ConfigCompositionException as error:
            raise_unchosen(str(error), {o.key_or_group: str(o.value()) for o in parsed})
            raise
        chosen = conf.choices(composed)
        composed = conf.without_hydra(composed)
        raise_incomplete(composed, chosen)
    try:
        with errors_in_one_line():
            config = to_config(composed)
    except UserError as error:
        raise in_file(error, chosen, {o.key_or_group for o in parsed}) from error
    check_options(config.model.name, _typed_options(parsed))
    return config


def _typed_options(overrides: Sequence[Override]) -> set[str]:
    """Find the names of network options set by overrides."""
    set_here = [o for o in overrides if not o.is_delete()]
    whole = [o.value() for o in set_here if o.key_or_group == OPTIONS.rstrip(".")]
    nested = {str(key) for value in whole if isinstance(value, dict) for key in value}
    keys_typed = (o.key_or_group for o in set_here if o.key_or_group.startswith(OPTIONS))
    return nested | {key.removeprefix(OPTIONS).partition(".")[0] for key in keys_typed}


def compose_hydra_settings(words: Sequence[str]) -> DictConfig:
    """Compose Hydra's own settings for overrides already checked, leaving interpolations unresolved.

    Raises:
        UserError: the overrides don't compose.
    """
    compose = conf.compose_with_hydra if selects([parse(word) for word in words]) else conf.compose_multirun
    with errors_in_one_line():
        return cast(DictConfig, compose(hydra_words(words)).hydra)


def show_info(topic: str, words: Sequence[str]) -> None:
    """Print what `--info TOPIC` prints in any Hydra application, for overrides already checked.

    Raises:
        UserError: the overrides don't compose.
    """
    with errors_in_one_line():
        conf.show_info(topic, hydra_words(words), partial=not selects([parse(word) for word in words]))


def to_config(composed: DictConfig) -> Config:
    """Resolve and check a composed configuration.

    Raises:
        UserError: fields contradict each other.
        OmegaConfBaseException: a value is missing, or an interpolation can't be resolved.
    """
    with suppress(InterpolationResolutionError):  # to_object raises it again, including the key
        OmegaConf.resolve(composed)  # resolve once, because every access to an interpolation parses it anew
    config = cast(Config, OmegaConf.to_object(composed))
    check(config)
    return config


def from_record(recorded: Mapping[str, Any]) -> Config:
    """Load the configuration from a run.json; keys newer than the record get the schema's default.

    Raises:
        UserError: the record has a key the schema lacks.
    """
    with errors_in_one_line():
        merged = OmegaConf.merge(OmegaConf.structured(Config), recorded)
        return cast(Config, OmegaConf.to_object(merged))


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Convert Hydra and OmegaConf errors inside the block to a one-line UserError."""
    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise UserError(_one_line(error)) from error


def _one_line(error: BaseException) -> str:
    """Describe known kinds of errors in plain words, and any other by its own text, in one line."""
    texts = [str(e) for e in (error, error.__cause__) if e is not None]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    text = " ".join(line for line in lines if not line.startswith(("reference_type=", "object_type=")))
    key = str(getattr(error, "full_key", None) or "")
    if isinstance(error, InterpolationResolutionError) or "interpolation" in text:
        return f"{key} {_unresolved(key, text)}"
    deleted = _DELETED.search(text)
    return f"{deleted[1]} is not set: leave out ~{deleted[1]}" if deleted else text


def _unresolved(key: str, text: str) -> str:
    found = _WRONG_TYPE.search(text)
    if found:
        return f"refers to {found[1]}, which is {found[2]}: it must be {described(keys().get(key))}"
    if "Recursive" in text:
        return "refers to itself: give it a value"
    cause = re.sub(r"^.* raised while resolving interpolation: | full_key: .*$", "", text)
    return f"refers to a value that can't be computed ({cause}): give it a value"
