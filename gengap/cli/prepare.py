"""`gengap prepare`: pack a data set of photographs into one file of smaller ones."""

import os
from collections.abc import Sequence

from tqdm import tqdm

from gengap.cli import options
from gengap.config.schema import Data
from gengap.errors import DONE, UserError
from gengap.terminal import say

DATA_SETS = ("imagenet",)
KEYS = ("data.root", "data.folder", "workers")
SPEC = options.Spec("prepare", keys=KEYS)

HELP = """\
usage: gengap prepare imagenet [data.root=DIR] [data.folder=NAME] [workers=N]

Packs the photographs in DIR/NAME/train/CLASS/ and DIR/NAME/val/CLASS/ into one file in DIR/NAME, each with a
shorter side of at most 256 pixels, for training with data.packed=true. The same command continues after an
interruption, and compares every photograph of a complete file with its checksum.

  data.root=DIR     folder with the data sets (default: {root}, or $GENGAP_DATA)
  data.folder=NAME  the data set's folder under it (default: imagenet)
  workers=N         processes (default: one per core)
"""


def main(arguments: Sequence[str]) -> int:
    """Make, continue or check a packed copy; return the exit code.

    Raises:
        UserError: an unknown argument, or what `pack` and `check` raise.
    """
    typed = options.read(SPEC, arguments)
    if typed.asks_for_help:
        print(HELP.format(root=Data.root), end="")
        return DONE
    if typed.words[:1] not in [(name,) for name in DATA_SETS]:
        raise UserError("gengap prepare takes the name of a data set: type gengap prepare imagenet")
    values = options.Typed(typed.command, typed.flags, typed.words[1:], typed.settings).values(KEYS)
    workers = values.get("workers", str(os.cpu_count() or 1))
    if not workers.isdigit() or not 1 <= int(workers) <= 512:
        raise UserError(f"workers={workers} must be a whole number from 1 to 512")
    from gengap.data.load import data_folder
    from gengap.data.pack import pack
    from gengap.data.packed import FILE, check

    folder = data_folder(values.get("data.root", Data.root), values.get("data.folder", "imagenet"))
    with tqdm(unit=" photographs", disable=None) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        is_whole = check(folder, advance)
        if not is_whole:
            pack(folder, int(workers), advance)
    done = "every photograph is as it was packed" if is_whole else "packed; train with data.packed=true"
    say(f"{folder / FILE}: {done}")
    return DONE
