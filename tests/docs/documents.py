"""README.md and docs/*.md as the tests read them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = {
    str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(gengap \w+ [^`]+)`")  # with an argument: `gengap plan` alone is a name


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of one language."""
    return [body for found, body in _BLOCK.findall(text) if found == language]


def prose(text: str) -> str:
    """The text without its code blocks."""
    return _BLOCK.sub("", text)


def commands(text: str) -> list[list[str]]:
    """The words of every `gengap …` line in shell blocks and of every inline one, without comments."""
    lines = [line for block in blocks(text, "sh") for line in block.replace("\\\n", "").splitlines()]
    typed = [line for line in lines if line.startswith("gengap ")]
    return [shlex.split(line, comments=True) for line in [*typed, *_INLINE.findall(prose(text))]]


def section(document: str, heading: str) -> str:
    """A document's section below `## heading`."""
    _, _, rest = DOCUMENTS[document].partition(f"\n## {heading}\n")
    assert rest, f"{document} has no section {heading}"
    return rest.partition("\n## ")[0]
