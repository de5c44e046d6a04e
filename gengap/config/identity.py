"""A run's identity: the settings that distinguish it from others, and the directory named after them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from gengap.config.conf import CONF
from gengap.config.ranges import without_decimals
from gengap.config.schema import Config
from gengap.paths import expanded

_NOT_IDENTITY = {"seed", "runtime", "results_dir", "data.root", "data.bad_photographs", "data.packed"}


def identity(config: Config) -> dict[str, Any]:
    """Settings that differ from the schema's defaults, by dotted key, excluding seed, `runtime` and paths.

    Since only differences count, adding a field with a default leaves the names of existing runs unchanged.
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
    """`<workload>-<method>-<digest>`, shared by all seeds; 8 hex digits of the SHA-256 of `identity`."""
    text = json.dumps(identity(config), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{config.workload.name}-{config.method.name}-{digest}"


def run_directory(config: Config) -> Path:
    """Directory of this configuration and seed: results_dir/runs/<run_name>/seed<k>."""
    return expanded(config.results_dir) / "runs" / run_name(config) / f"seed{config.seed}"


def is_published(results_dir: Path) -> bool:
    """Whether a results directory is this clone's own, which holds the project's committed records."""
    return results_dir.resolve() == CONF.parent / "results"


def as_dict(config: Config) -> dict[str, Any]:
    """The whole configuration as plain dictionaries, for the record."""
    return asdict(config)


def recorded_differences(recorded: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """Recorded settings, by dotted key, in which a run.json's identity differs from that of `config`.

    Keys missing from an older record count as having the schema's default.
    """
    expected = _flat(as_dict(config))
    found = _flat(as_dict(Config())) | _flat(recorded)
    return {k: v for k, v in found.items() if _is_identity(k) and expected.get(k) != v}


def as_typed(changed: Mapping[str, Any]) -> str:
    """Format each setting as `key=value`, as on the command line."""
    return " ".join(f"{key}={_typed(changed[key])}" for key in sorted(changed))


def _typed(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_typed, value))}]"
    return json.dumps(without_decimals(value), separators=(",", ":")).replace('"', "")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found
