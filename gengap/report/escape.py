"""Text from anywhere, such as a record's, as plain text of every format: shown, and never read as markup.

HTML is escaped by its template. All formats show a control character as its escape, such as `\\n`.
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
_BY_NUMBER = "\\$/.&<"  # a backslash does not help on GitHub, or is not understood by every reader
_BACKSLASHED = re.compile(r"\\([!-/:-@\[-`{-~])")

_TEX = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
} | {character: "\\" + character for character in "%&_#${}"}

_LONGEST = 40  # characters of a label in a picture
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# At the beginning, and after the character that separates cells where a comma is part of a number
_FORMULA = re.compile(r"(?:^|(?<=;))(?=\s*[=+\-@＝＋－＠])")


def markdown_text(text: str) -> str:
    """Inline text of GitHub's Markdown, in a table too; an e-mail address may still become a link."""
    return _MARKDOWN.sub(_marked, visible(text))


def _marked(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};" if match[0] in _BY_NUMBER else "\\" + match[0]


def markdown_line(text: str) -> str:
    """As `markdown_text`, at the beginning of a line, where more characters have a meaning."""
    line = markdown_text(text).lstrip()
    return re.sub(r"^([-+=>:])|^(\d+)([.)])", lambda m: rf"\{m[1]}" if m[1] else rf"{m[2]}\{m[3]}", line)


def unmarked(markdown: str) -> str:
    """The text that `markdown_text` was given, if it had no control characters."""
    return html.unescape(_BACKSLASHED.sub(r"\1", markdown))


def tex_text(text: str) -> str:
    """Text of a LaTeX document."""
    return "".join(_TEX.get(character, character) for character in visible(text))


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet runs: a number as it is, and what would be a formula after an apostrophe."""
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub("'", visible(text))


def picture_text(text: str) -> str:
    """Text in a picture, where matplotlib would set what is between dollar signs as mathematics.

    The end of a long text is left out, which would leave no room for the axes.
    """
    shown = visible(text)
    short = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
    return short.replace("$", r"\$")
