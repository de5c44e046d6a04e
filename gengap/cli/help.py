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
       gengap train -m +experiment=NAME seed=0,1,2             several runs, one after another
       gengap train +sweep=NAME [seed=0,1,2]                   all cells of a table or figure
       gengap train workload=NAME method=NAME [key=value ...]  a cell by its workload and method
       gengap train +experiment=NAME --cfg job                 print the configuration and train nothing

Add results_dir=DIR: the default, results, holds the committed records in a clone, which are skipped.
Finished runs are skipped and interrupted ones resumed: to continue, run the same command again.

Flags
  -m, --multirun    several values of a key, separated by commas, make several runs
  --config-dir DIR  your own experiments, workloads, methods and sweeps, laid out like gengap's conf
  --cost=2.5        the price of the time left too, at this much per device-hour
  --cfg job         print the configuration; --package KEY a part of it, --cfg hydra Hydra's, --cfg all both
  --info defaults   what the configuration is composed of; also config, searchpath, plugins, or all
  --resolve         accepted with --cfg, as in Hydra; the configuration is always printed resolved

Exit codes
  0        every run has finished or diverged
  1        a run failed, could not start or was interrupted by an error, of the machine or of a file; that is
           logged, and the other runs were trained, unless the disk is full or read-only
  2        a mistake in what was typed; nothing was trained
  75       the time budget is used up, or another process trains a run: run the same command again
  130 143  stopped by Ctrl-C or SIGTERM and saved: run the same command again
  129 138  likewise by SIGHUP (a closed terminal) or SIGUSR1 (a scheduler's warning); 140 by SIGUSR2"""

ABOUT_KEYS = """\
Keys with their defaults; ??? is set by the workload, the method or the protocol. Intervals are valid ranges.
A path is taken as it is typed, commas included, also with -m; ~, $NAME and ${NAME} are expanded."""

COLUMN = 40  # column at which explanations start


def train_help() -> str:
    """Text of `gengap train --help`."""
    names = "\n".join(_choices(group) for group in GROUPS)
    keys = "\n".join(_keys(schema.Config))
    return f"{USAGE}\n\nChoices\n{names}\n\n{ABOUT_KEYS}\n{keys}"


def _choices(group: str) -> str:
    names = ", ".join(names_in(group))
    return textwrap.fill(names, 100, initial_indent=f"  {group:12}", subsequent_indent=" " * 14)


def _keys(node: type, prefix: str = "") -> Iterator[str]:
    types = get_type_hints(node)
    defaults: Any = OmegaConf.to_container(OmegaConf.structured(node))
    nested = [f for f in fields(node) if is_dataclass(types[f.name])]
    for f in (f for f in fields(node) if f not in nested):
        line = f"  {prefix}{f.name}={_shown(defaults[f.name])}"
        within = f"; in {f.metadata['range']}" if "range" in f.metadata else ""
        yield f"{line:{COLUMN}}  {f.metadata['help']}{within}"
    for f in nested:
        yield f"\n{inspect.getdoc(types[f.name])}"
        yield from _keys(types[f.name], f"{prefix}{f.name}.")


def _shown(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)
