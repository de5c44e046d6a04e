"""Escape arbitrary text, such as a record's, for each format, so that it is never interpreted as markup.

HTML is escaped by its template. All formats show control characters as escapes, such as `\\n`.
"""

import html
import re

from gengap.terminal import visible

_MARKDOWN = re.compile(
    r"""
      [\\`*\[\]|~$\#]
    | (?<![^\W_])_ | _(?![^\W_])      # inside a word it is no emphasis
    | <(?=[A-Za-z/!?]) | &(?=[\#A-Za-z])
    | (?<=:)/(?=/) | (?<=www)\.       # GitHub makes links of bare addresses
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BY_NUMBER = "\\$/.&<"  # for these, a backslash doesn't work on GitHub or isn't understood everywhere
_BACKSLASHED = re.compile(r"\\([!-/:-@\[-`{-~])")

_TEX = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
} | {character: "\\" + character for character in "%&_#${}"}

_LONGEST = 40  # most characters of a label in a picture
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# At the start, and after the semicolon that separates cells in locales with decimal commas
_FORMULA = re.compile(r"(?:^|(?<=;))(?=\s*[=+\-@＝＋－＠])")


def markdown_text(text: str) -> str:
    """Escape inline text for GitHub's Markdown, tables too; an e-mail address may still become a link."""
    return _MARKDOWN.sub(_marked, visible(text))


def _marked(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};" if match[0] in _BY_NUMBER else "\\" + match[0]


def markdown_line(text: str) -> str:
    """Like `markdown_text`, for the start of a line, where more characters have a special meaning."""
    line = markdown_text(text).lstrip()
    return re.sub(r"^([-+=>:])|^(\d+)([.)])", lambda m: rf"\{m[1]}" if m[1] else rf"{m[2]}\{m[3]}", line)


def unmarked(markdown: str) -> str:
    """Recover the text passed to `markdown_text`, if it had no control characters."""
    return html.unescape(_BACKSLASHED.sub(r"\1", markdown))


def tex_text(text: str) -> str:
    """Escape text for a LaTeX document."""
    return "".join(_TEX.get(character, character) for character in visible(text))


def csv_cell(text: str) -> str:
    """Make a cell safe for spreadsheets: numbers unchanged, would-be formulas prefixed with an apostrophe."""
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub("'", visible(text))


def picture_text(text: str) -> str:
    """Escape text in a picture, where matplotlib would set anything between dollar signs as math.

    Long text is truncated, since it would leave no room for the axes.
    """
    shown = visible(text)
    short = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
    return short.replace("$", r"\$")
