"""`gengap report --check`: does the committed report, except its pictures, match the records?"""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile, zip_longest
from pathlib import Path

from gengap.faults import check_is_file
from gengap.report.cells import DEFAULT, Records
from gengap.report.contents import ABSENT, MISSING
from gengap.report.escape import unmarked
from gengap.report.html import PAGE, pictures_of, with_pictures
from gengap.report.page import texts
from gengap.terminal import visible

SUFFIXES = (".md", ".csv", ".tex", ".html")
_COMMAND, _PLACE = "gengap train ", "results_dir="


def written(folder: Path) -> list[str]:
    """List the names of the report's text files in a folder."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.suffix in SUFFIXES)


def compare(records: Records, folder: Path) -> str:
    """Regenerate the report's text files and compare them with those in the folder.

    Returns:
        The first difference and its location; empty if there is none.
    """
    fresh = texts(_named_as_in(folder / "README.md", records))
    for name in sorted({*fresh, *written(folder)}):
        difference = _compare_file(fresh.get(name), folder / name)
        if difference:
            return difference
    return ""


def _named_as_in(page: Path, records: Records) -> Records:
    """Set the records' results directory as named in the report's commands; other folders name others."""
    if not check_is_file(page):
        return records
    commands = _commands(_read(page).split("\n"))
    places = [w.removeprefix(_PLACE) for words in commands for w in words if w.startswith(_PLACE)]
    return replace(records, results_dir=Path(places[0]) if places else DEFAULT)


def _commands(page: list[str]) -> Iterator[list[str]]:
    """Yield the words of the report's own commands; a record may contain such words too, but elsewhere."""
    after = page[page.index(f"## {ABSENT}") :] if f"## {ABSENT}" in page else []
    rows = takewhile(lambda line: not line.startswith("## "), after[1:])
    for line in (*(line for line in page if line.startswith(f"- {MISSING}")), *rows):
        _, found, command = line.removesuffix(" |").rpartition(_COMMAND)
        with suppress(ValueError):  # the page may have been edited
            yield shlex.split(unmarked(command)) if found else []


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")  # invalid UTF-8 counts as a difference


def _compare_file(expected: str | None, file: Path) -> str:
    if expected is None:
        return f"{file} is not part of the report: remove it"
    if not check_is_file(file):
        return f"{file} is missing"
    found = _read(file)
    if file.name == PAGE:
        expected = with_pictures(expected, pictures_of(found))
    if found == expected:
        return ""
    pairs = zip_longest(found.split("\n"), expected.split("\n"), fillvalue="(no such line)")
    number, (old, new) = next((i, pair) for i, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    shown = f"  the file:    {visible(old)}\n  the records: {visible(new)}"
    return f"{file} differs from the records in line {number}:\n{shown}"
