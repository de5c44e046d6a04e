"""`gengap train --help`: every choice and every key, read from conf/ and from the schema."""

import textwrap

from omegaconf import OmegaConf

from gengap.config import CONF
from gengap.schema import Config

USAGE = """\
usage: gengap train +experiment=NAME [key=value ...]           one run: a cell of a table and a seed
       gengap train -m +experiment=NAME seed=0,1,2             several, one after another
       gengap train +sweep=NAME [seed=0,1,2]                   all cells of a table or figure
       gengap train workload=NAME method=NAME [key=value ...]  the same by its parts
       gengap train --cfg job +experiment=NAME                 print the configuration, run nothing

A finished run is skipped, an interrupted one resumed: type the same command again."""

GROUPS = ("experiment", "sweep", "workload", "method", "protocol", "data")


def train_help() -> str:
    """The text of `gengap train --help`."""
    choices = "\n".join(_choices(group) for group in GROUPS)
    keys = OmegaConf.to_yaml(OmegaConf.structured(Config))
    return (
        f"{USAGE}\n\nChoices\n{choices}\n\nKeys with their defaults; ??? comes from the workload, the method "
        f"or the protocol\n{textwrap.indent(keys.rstrip(), '  ')}"
    )


def _choices(group: str) -> str:
    names = ", ".join(sorted(p.stem for p in (CONF / group).glob("*.yaml")))
    return textwrap.fill(names, 100, initial_indent=f"  {group:12}", subsequent_indent=" " * 14)
