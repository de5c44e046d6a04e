"""Check a user's own files beside conf/ before Hydra composes them, whose messages suggest no remedy."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import GrammarParseError
from yaml import MarkedYAMLError, YAMLError

from gengap.config.conf import CONF, GROUPS, own_files
from gengap.config.defaults_list import Choice, read_defaults
from gengap.config.factory import check_options
from gengap.config.keys import OPTIONS, check_value, keys, sections, unknown_key
from gengap.errors import UserError

GLOBAL = "_global_"
HEADER = f"# @package {GLOBAL}"
_NO_HYDRA = {  # what to do instead of setting something of Hydra's
    "launcher": "type hydra/launcher=NAME on the command line",
    "sweeper": "list the runs in a file of the folder sweep, and type +sweep=NAME",
    "searchpath": "type --config-dir DIR on the command line",
}
_NOT_VALUES = ("defaults", "hydra")


def check_own_file(group: str, name: str) -> None:
    """Check the file of a choice and those in its defaults list, as far as they are the user's own.

    Raises:
        UserError: a file is wrong; the message starts with the file's name.
    """
    for file, own_group in files(group, name):
        try:
            content = _content(file)
            if own_group == "sweep":
                _check_sweep(content)
            else:
                _check_values(content, _package(file, own_group))
        except UserError as error:
            raise UserError(f"{file}: {error}") from error


def files(group: str, name: str, above: Sequence[Path] = ()) -> Iterator[tuple[Path, str]]:
    """Yield the user's own file for a choice and those its defaults list includes, each with its group.

    Raises:
        UserError: a file can't be read, has the name of a shipped one, includes itself, or has a mistake in
            its defaults list.
    """
    for file in own_files(group, f"{name}.yaml")[:1]:
        try:
            _check_name(file, CONF / group / file.name)
            if file in above:
                raise UserError("its defaults list includes the file itself: remove that entry")
            included = _defaults(file, group)
        except UserError as error:
            raise UserError(f"{file}: {error}") from error
        yield file, group
        for choice in included:
            yield from files(choice.group, choice.name, (*above, file))


def keys_in(file: Path, group: str) -> set[str]:
    """Keys set by a checked file."""
    package = _package(file, group)
    tree = _content(file)
    tree = tree if package == GLOBAL else {package: tree}
    nested = {f"{section}.{key}" for section in sections() & tree.keys() for key in tree[section]}
    return nested | tree.keys()


def _check_name(file: Path, shipped: Path) -> None:
    if shipped.exists() and shipped.read_bytes() != file.read_bytes():
        raise UserError(
            f"gengap's own {file.parent.name} {file.stem} would be taken in its place: rename the file"
        )


def _content(file: Path) -> dict[str, Any]:
    try:
        loaded = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    except GrammarParseError as error:
        raise UserError(f"{error.full_key} has a reference that can't be parsed: write ${{KEY}}") from error
    except MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"not valid YAML{line}: {_yaml_problem(error)}") from error
    except (YAMLError, ValueError, OSError, RecursionError) as error:
        raise UserError(f"can't be read as YAML: {str(error).splitlines()[0]}") from error
    if not loaded:
        raise UserError("the file is empty: write what it chooses and sets, as the files in conf/ do")
    if not isinstance(loaded, dict):
        raise UserError("it must be a mapping of keys, as the files in conf/ are, not a list")
    return {str(key): value for key, value in loaded.items()}


def _yaml_problem(error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    return "indent with spaces, not with tabs" if "'\\t'" in problem else problem


def _defaults(file: Path, group: str) -> list[Choice]:
    content = _content(file)
    included = read_defaults(content.get("defaults", []), group)
    package = _package(file, group)
    below_group = not sections() & content.keys() and all(c.group == group or c.packaged for c in included)
    if package != GLOBAL and not (package in sections() and below_group):
        raise UserError(f"its first line must be {HEADER}")
    if (
        package == GLOBAL
        and group in ("method", "protocol", "data")
        and any(c.group == group for c in included)
    ):
        raise UserError(f"it includes another {group}: remove {HEADER} and write its keys without {group}:")
    return included


def _package(file: Path, group: str) -> str:
    """Determine where a file's keys belong: the package in its first lines, or else its group."""
    for line in file.read_text(encoding="utf-8").splitlines():
        words = line.strip().lstrip("#").split()
        if words and not (line.strip().startswith("#") and words[0].startswith("@")):
            break
        if len(words) > 1 and words[0] == "@package":
            return group if words[1] == "_group_" else words[1]
    return group


def _check_values(content: Mapping[str, Any], package: str) -> None:
    values = {key: value for key, value in content.items() if key not in _NOT_VALUES}
    _check_hydra(content.get("hydra", {}))
    _check_tree(values, "" if package == GLOBAL else f"{package}.")
    model = values.get("model", {}) if package == GLOBAL else {}
    check_options(str(model.get("name")), model.get("options", {}))


def _check_hydra(settings: Any, allowed: str = "") -> None:
    """Reject Hydra's own settings, except the sweeper's in a sweep file."""
    named = [str(key) for key in settings] if isinstance(settings, Mapping) else [str(settings)]
    for key in (key for key in named if key != allowed):
        raise UserError(f"hydra: {key}: can't be set here: {_NO_HYDRA.get(key, 'leave it out')}")


def _check_tree(tree: Mapping[str, Any], prefix: str) -> None:
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if key in sections():
            _check_section(key, value)
            _check_tree(value, f"{key}.")
        elif "." in str(name) and (key in keys() or key.startswith(OPTIONS)):
            section, _, last = key.partition(".")
            raise UserError(f"write {section}: with {last}: indented below it, not {name}:")
        elif key in keys():
            check_value(key, value)
        else:
            near = get_close_matches(str(name), _siblings(prefix), n=1)
            raise UserError(
                f"unknown key {key}: did you mean {prefix}{near[0]}?" if near else unknown_key(key)
            )


def _siblings(prefix: str) -> list[str]:
    """Names allowed below a prefix such as `workload.`, or at the root."""
    below = {key.removeprefix(prefix).partition(".")[0] for key in keys() if key.startswith(prefix)}
    return sorted(below)


def _check_section(key: str, value: Any) -> None:
    if isinstance(value, Mapping):
        return
    if key in GROUPS and isinstance(value, str):
        dash = "- " if key == "data" else "- override "
        raise UserError(f"{key}: {value} chooses nothing: write {dash}/{key}: {value} below defaults:")
    if value is None:
        raise UserError(f"nothing is indented below {key}: write its keys there, or remove the line")
    raise UserError(f"{key}: {value} must be a mapping: write its keys indented below {key}:")


def _check_sweep(content: Mapping[str, Any]) -> None:
    others = [key for key in content if key not in _NOT_VALUES]
    if others:
        raise UserError(f"{others[0]} is ignored here: list its values below hydra: sweeper: params:")
    _check_hydra(content.get("hydra", {}), "sweeper")
    node: Any = content
    for name in ("hydra", "sweeper", "params"):
        node = node.get(name) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not node:
        raise UserError(
            "it lists no runs: write hydra: sweeper: params: with +experiment: NAME,NAME and seed: 0,1,2"
        )
    for key, value in node.items():
        if isinstance(value, list):
            raise UserError(
                f"{key} must be one text: write {key}: {','.join(map(str, value))} without brackets or dashes"
            )
