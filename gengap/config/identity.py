"""A run's identity: the settings that distinguish it, and the directory that they name."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from gengap.config.schema import Config

_NOT_IDENTITY = {"seed", "runtime", "results_dir", "data.root"}


def identity(config: Config) -> dict[str, Any]:
    """What distinguishes this run from the schema's defaults: dotted key to value, without seed and paths.

    Only differences count, so a new field with a default renames no old run.
    """
    return {key: value for key, value in _differences(config) if _is_identity(key)}


def _is_identity(key: str) -> bool:
    return key not in _NOT_IDENTITY and key.split(".")[0] not in _NOT_IDENTITY


def _differences(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for f in fields(node):
        value = getattr(node, f.name)
        if is_dataclass(value):
            found += _differences(value, f"{prefix}{f.name}.")
            continue
        default = f.default_factory() if f.default_factory is not NO_DEFAULT else f.default
        if value != default:
            found.append((prefix + f.name, value))
    return found


def run_name(config: Config) -> str:
    """`<workload>-<method>-<digest>`, the directory that the seeds of an experiment share."""
    text = json.dumps(identity(config), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{config.workload.name}-{config.method.name}-{digest}"


def run_directory(config: Config) -> Path:
    """Where the records of this configuration and seed are kept."""
    return Path(config.results_dir).expanduser() / "runs" / run_name(config) / f"seed{config.seed}"


def as_dict(config: Config) -> dict[str, Any]:
    """The whole configuration as plain dictionaries, for the record."""
    return asdict(config)


def recorded_differences(recorded: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """Dotted key to recorded value wherever a run.json's configuration has another identity than `config`.

    A key that the record is older than has the schema's default.
    """
    expected = _flat(as_dict(config))
    found = _flat(as_dict(Config())) | _flat(recorded)
    return {k: v for k, v in found.items() if _is_identity(k) and expected.get(k) != v}


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found
