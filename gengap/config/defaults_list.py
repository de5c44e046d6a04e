"""Read the defaults list of a user's own file, and reject entries that Hydra would misunderstand."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from gengap.config.conf import GROUPS
from gengap.config.keys import check_choice
from gengap.errors import UserError

_ENTRY = re.compile(
    r"(?P<words>(?:(?:override|optional)\s+)*)(?P<slash>/?)(?P<group>[^@\s]+)(?P<package>@\S+)?"
)
_NO_CHOICE = {  # what to do instead of choosing something of Hydra's
    "hydra/launcher": "type hydra/launcher=NAME on the command line",
    "hydra/sweeper": "list the runs below hydra: sweeper: params: in a file of the folder sweep",
}
_IN_ROOT = ("workload", "method", "protocol")  # chosen in conf/config.yaml, so a file must override them


class Choice(NamedTuple):
    """An entry: group and name of a file, and whether the entry gives it a package of its own."""

    group: str
    name: str
    packaged: bool


def read_defaults(entries: Any, own_group: str) -> list[Choice]:
    """Read the choices in a defaults list; entries of less common forms are left to Hydra.

    Args:
        entries: the list as it appears in the file.
        own_group: group of the file.

    Raises:
        UserError: an entry is wrong; the message says what to write.
    """
    if not isinstance(entries, list):
        raise UserError(
            "defaults: must be a list: begin each entry with a dash, as in - override /method: lb"
        )
    return [choice for entry in entries for choice in _choices(entry, own_group)]


def _choices(entry: Any, own_group: str) -> Iterator[Choice]:
    if isinstance(entry, Mapping):
        if len(entry) != 1:
            raise UserError(
                f"defaults: begin each entry with a dash, not several with one: {', '.join(map(str, entry))}"
            )
        ((typed, name),) = entry.items()
        yield from _of_group(str(typed), name, own_group)
    elif not isinstance(entry, str):
        raise UserError(f"defaults: {entry} names no file: write - NAME or - override /method: NAME")
    elif entry != "_self_" and "@" not in entry and "$" not in entry:
        yield _of_name(entry, own_group)


def _of_name(entry: str, own_group: str) -> Choice:
    """Read an entry without a group, which is a file of the same group or a path from the root."""
    words = entry.split()
    if words[0] in ("override", "optional") or len(words) > 1:
        raise UserError(f"defaults: {entry} has no choice: write - override /method: NAME")
    group, _, name = (
        entry.removeprefix("/").rpartition("/") if entry.startswith("/") else (own_group, "", entry)
    )
    if group in GROUPS:
        check_choice(group, name)
    return Choice(group, name, packaged=False)


def _of_group(typed: str, name: Any, own_group: str) -> Iterator[Choice]:
    entry = _ENTRY.fullmatch(typed.strip())
    if entry is None:
        raise UserError(f"defaults: {typed} is not a group: write - override /method: NAME")
    group, packaged = entry["group"], entry["package"] is not None
    if group.startswith("hydra"):
        advice = _NO_CHOICE.get(group, "leave it out")
        raise UserError(f"defaults: {group} can't be chosen here: {advice}")
    if group not in GROUPS:
        near = get_close_matches(group, GROUPS, n=1)
        meant = f"did you mean {near[0]}?" if near else f"the groups are {', '.join(GROUPS)}"
        raise UserError(f"defaults: unknown group {group}: {meant}")
    if not isinstance(name, str) or "$" in name:
        if name is None or isinstance(name, str | list):
            return
        raise UserError(f"defaults: {typed}: {name} is not a name: write - override /{group}: NAME")
    must_override = group in _IN_ROOT or own_group == "experiment"
    words, inherits = "override " if must_override else "", must_override and group == own_group
    lacks_override = must_override and "override" not in entry["words"]
    if not packaged and (inherits or lacks_override or not entry["slash"]):
        right = name if group == own_group else f"{words}/{group}: {name}"
        raise UserError(f"defaults: write - {right}, not - {typed}: {name}")
    check_choice(group, name)
    yield Choice(group, name, packaged)
