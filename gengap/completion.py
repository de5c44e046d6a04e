"""Tab completion: Hydra's own, for `gengap train` and `gengap status`, with the commands in front."""

import os
from collections.abc import Sequence

from gengap.config import hydra_of_gengap

OF_REPORT = ("results_dir=", "--check")


def complete(arguments: Sequence[str], commands: Sequence[str]) -> None:
    """Answer `gengap -sc install=bash`, `-sc query=bash` and their like, as Hydra's command line does.

    The shell puts the typed line into COMP_LINE; Hydra completes what follows the command there.
    """
    program, _, line = os.environ.get("COMP_LINE", "").partition(" ")
    command, space, overrides = line.partition(" ")
    if any(a.startswith("query=") for a in arguments):
        if not space:
            print(" ".join(c for c in commands if c.startswith(command)))
            return
        if command == "report":
            word = overrides.rpartition(" ")[2]
            print(" ".join(w for w in OF_REPORT if w.startswith(word)))
            return
        if command not in ("train", "status"):
            return
        os.environ["COMP_LINE"] = f"{program} {overrides}"
    with hydra_of_gengap() as hydra:
        hydra.shell_completion("config", list(arguments))
