"""Tab completion: Hydra's own, for `gengap train`, with the commands in front."""

import os
from collections.abc import Sequence


def complete(arguments: Sequence[str], commands: Sequence[str]) -> None:
    """Answer `gengap -sc install=bash`, `-sc query=bash` and their like, as Hydra's command line does.

    The shell puts the typed line into COMP_LINE; Hydra completes what follows `train` there.
    """
    program, _, line = os.environ.get("COMP_LINE", "").partition(" ")
    command, space, overrides = line.partition(" ")
    querying = any(a.startswith("query=") for a in arguments)
    if querying and not space:
        print(" ".join(c for c in commands if c.startswith(command)))
        return
    if querying and command != "train":
        return
    os.environ["COMP_LINE"] = f"{program} {overrides}"
    from gengap.train import main

    main()
