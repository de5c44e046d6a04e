"""`gengap report --check`: does the committed report, except its pictures, match the records?"""

import re
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from gengap.report.cells import DEFAULT, Records
from gengap.report.html import PAGE, pictures_of, with_pictures
from gengap.report.page import texts

SUFFIXES = (".md", ".csv", ".tex", ".html")
_IN_COMMAND = re.compile(r"gengap train \S+ (?:'results_dir=([^']+)'|results_dir=([^\s|;]+))")


def written(folder: Path) -> list[str]:
    """Names of the report's text files in a folder."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.suffix in SUFFIXES)


def compare(records: Records, folder: Path) -> str:
    """Regenerate the report's text files and compare them with those in the folder.

    Returns:
        The first difference and where it is; empty if there is none.
    """
    fresh = texts(_named_as_in(folder / "README.md", records))
    for name in sorted({*fresh, *written(folder)}):
        difference = _compare_file(fresh.get(name), folder / name)
        if difference:
            return difference
    return ""


def _named_as_in(page: Path, records: Records) -> Records:
    """The records under the name that the report's commands call them by; other folders give them others."""
    if not page.exists():
        return records
    found = _IN_COMMAND.search(page.read_text(encoding="utf-8"))
    return replace(records, results_dir=Path(found[1] or found[2]) if found else DEFAULT)


def _compare_file(expected: str | None, file: Path) -> str:
    if expected is None:
        return f"{file} is not part of the report: remove it"
    if not file.exists():
        return f"{file} is missing"
    found = file.read_text(encoding="utf-8")
    if file.name == PAGE:
        expected = with_pictures(expected, pictures_of(found))
    if found == expected:
        return ""
    pairs = zip_longest(found.split("\n"), expected.split("\n"), fillvalue="(no such line)")
    number, (old, new) = next((i, pair) for i, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    return f"{file} differs from the records in line {number}:\n  the file:    {old}\n  the records: {new}"
