"""`gengap train --help`: every choice in conf/ and every key of the schema."""

import inspect
import json
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from omegaconf import OmegaConf

from gengap.config import schema
from gengap.config.conf import GROUPS, names_in

USAGE = """\
usage: gengap train +experiment=NAME [key=value ...]           one run: a cell of a table and a seed
       gengap train -m +experiment=NAME seed=0,1,2             several, one after another
       gengap train +sweep=NAME [seed=0,1,2]                   all cells of a table or figure
       gengap train workload=NAME method=NAME [key=value ...]  the same by its parts
       gengap train +experiment=NAME --cfg job                 print the configuration, run nothing

A finished run is skipped, an interrupted one resumed: type the same command again.

Exit codes
  0        all is done: every run is finished, or diverged
  1        a run failed or could not begin, and said why; the others went on
  2        a mistake in the command, seen before the first run: nothing was trained
  75       the time budget is used up, or another process is at it: saved; the same command goes on
  130 143  stopped by Ctrl-C or SIGTERM: saved; the same command goes on"""

COLUMN = 40  # where explanations begin


def train_help() -> str:
    """The text of `gengap train --help`."""
    names = "\n".join(_choices(group) for group in GROUPS)
    keys = "\n".join(_keys(schema.Config))
    return (
        f"{USAGE}\n\nChoices\n{names}\n\n"
        f"Keys with their defaults; ??? comes from the workload, the method or the protocol\n{keys}"
    )


def _choices(group: str) -> str:
    names = ", ".join(names_in(group))
    return textwrap.fill(names, 100, initial_indent=f"  {group:12}", subsequent_indent=" " * 14)


def _keys(node: type, prefix: str = "") -> Iterator[str]:
    types = get_type_hints(node)
    defaults: Any = OmegaConf.to_container(OmegaConf.structured(node))
    nested = [f for f in fields(node) if is_dataclass(types[f.name])]
    for f in (f for f in fields(node) if f not in nested):
        line = f"  {prefix}{f.name}={_shown(defaults[f.name])}"
        yield f"{line:{COLUMN}}  {f.metadata['help']}"
    for f in nested:
        yield f"\n{inspect.getdoc(types[f.name])}"
        yield from _keys(types[f.name], f"{prefix}{f.name}.")


def _shown(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)
