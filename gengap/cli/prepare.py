"""`gengap prepare`: pack a data set of photographs into one file of smaller ones."""

import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import closing

from tqdm import tqdm

from gengap.cli import options
from gengap.config.schema import Data
from gengap.cores import usable_cores
from gengap.errors import DONE, UserError, counted
from gengap.terminal import LINE_SECONDS, say

DATA_SETS = ("imagenet",)
KEYS = ("data.root", "data.folder", "workers")
SPEC = options.Spec("prepare", keys=KEYS)

HELP = """\
usage: gengap prepare imagenet [data.root=DIR] [data.folder=NAME] [workers=N]

Packs the photographs in DIR/NAME/train/CLASS/ and DIR/NAME/val/CLASS/ into one file in DIR/NAME, each with a
shorter side of at most 256 pixels, for training with data.packed=true: ImageNet, or a folder of your own. The
same command continues after an interruption, and compares every photograph of a complete file with its
checksum. If photographs have been added, removed or changed since, it says how many and exits with 1.
Photographs that can't be decoded are listed; training replaces up to data.bad_photographs of them, so the
exit code is 0.

  data.root=DIR     folder with the data sets (default: {root}, or $GENGAP_DATA)
  data.folder=NAME  the data set's folder under it (default: imagenet)
  workers=N         processes (default: one per core that this process may use)
"""


def main(arguments: Sequence[str]) -> int:
    """Make, continue or check a packed copy; return the exit code.

    Raises:
        UserError: an argument is unknown, or `pack` or `check` raises it.
    """
    typed = options.read(SPEC, arguments)
    if typed.asks_for_help:
        print(HELP.format(root=Data.root), end="")
        return DONE
    if typed.words[:1] not in [(name,) for name in DATA_SETS]:
        settings = [word for word in typed.words if "=" in word]
        raise UserError(
            "gengap prepare takes imagenet, for ImageNet and for any folder of photographs: type "
            f"{shlex.join(['gengap', 'prepare', *DATA_SETS, *settings])}"
        )
    values = options.Typed(typed.command, typed.flags, typed.words[1:], typed.settings).values(KEYS)
    workers = values.get("workers", str(usable_cores()))
    if not workers.isdigit() or not 1 <= int(workers) <= 512:
        raise UserError(f"workers={workers} must be a whole number from 1 to 512")
    from gengap.data.load import data_folder
    from gengap.data.originals import compare
    from gengap.data.pack import pack
    from gengap.data.packed import FILE, check, is_complete, problems

    folder = data_folder(values.get("data.root", Data.root), values.get("data.folder", "imagenet"))
    if (folder / FILE).exists() and is_complete(folder / FILE):
        compare(folder)
    with closing(_Progress()) as progress:
        is_whole = check(folder, progress.advance)
        if not is_whole:
            pack(folder, int(workers), progress.advance)
    bad = problems(folder)
    for problem in bad:
        say(f"gengap: {problem}", sys.stderr)
    if bad:
        say(f"gengap: {counted(len(bad), 'photograph')} could not be decoded", sys.stderr)
    done = "every photograph is as it was packed" if is_whole else "packed; train with data.packed=true"
    say(f"{folder / FILE}: {done}")
    return DONE


class _Progress:
    """Shows progress: a bar on a terminal, otherwise a line every now and then."""

    def __init__(self) -> None:
        self._bar = tqdm(unit=" photographs", disable=None)
        self._said = time.monotonic()

    def advance(self, done: int, total: int) -> None:
        """Show how many photographs are done."""
        if not self._bar.disable:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        elif time.monotonic() - self._said > LINE_SECONDS:
            self._said = time.monotonic()
            say(f"gengap: {done:,} of {counted(total, 'photograph')}", sys.stderr)

    def close(self) -> None:
        """Restore the terminal."""
        self._bar.close()
