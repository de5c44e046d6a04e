"""Texts that mean something to a format, and how a trusted parser reads what is made of them."""

import csv
import re
from collections.abc import Iterator

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

MARK = "Qz"  # in every fixed text, to find it again
NASTY = tuple(
    f"{text}{MARK}"
    for text in (
        '<script>alert(1)</script><img src=x onerror="alert(1)">',
        "[a](javascript:alert(1)) ![b](x.svg) [c]: d <http://e.org> https://f.org www.g.org",
        "a\n\n# heading\r\n- item\n```\ncode",
        "a | b `c` *d* **e** ~~f~~ _g_ $h$ \\| \\",
        "=HYPERLINK(\"http://a\");=cmd|'/c calc'!A1",
        "@SUM(1)",
        "-2+3",
        "\\input{/etc/passwd} %$^_&#{}~ $x^{$",
        "\x1b[31mred\x07\x9b2J\u202eright\u2066\u2028line\x00",
        "&lt;b&gt; &#124; <!--picture:distance--><!--end-->",
        "gengap train a results_dir=elsewhere",
        "- + 1. > === ---",
    )
)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("\\`*_[]()<>&|~$#!-+=:;/.@'\"{}^%1a \n\r\t\x1b\u202e\ud800\x00", max_size=30),
    st.sampled_from(NASTY),
)
STRUCTURE = {"heading_open", "table_open", "bullet_list_open", "ordered_list_open", "blockquote_open", "hr"}
_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def parsed(text: str) -> list[Token]:
    return _PARSER.parse(text)


def all_tokens(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from all_tokens(token.children or [])


def words_of(inline: Token) -> str:
    """The text that a reader sees, and nothing else may be in it but line breaks."""
    assert {token.type for token in inline.children or []} <= {"text", "softbreak"}, inline.content
    return "".join(token.content or " " for token in inline.children or [])


def tables_of(tokens: list[Token]) -> list[list[list[str]]]:
    """Every table, as the words of its cells."""
    found: list[list[list[str]]] = []
    for token in tokens:
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            found[-1][-1].append("")
        elif token.type == "inline" and token.level >= 4 and found and found[-1] and found[-1][-1]:
            found[-1][-1][-1] = words_of(token)
    return found


def squeezed(text: str) -> str:
    """Without white space, which Markdown and HTML do not keep."""
    return "".join(text.split())


def runs_in_a_spreadsheet(cell: str) -> bool:
    """Whether a cell, or what a spreadsheet that separates by semicolons makes of it, is a formula."""
    if re.fullmatch(r"[+-]?[\d,.]+(e[+-]?\d+)?", cell):
        return False
    return any(re.match(r"\s*[=+@＝＋＠\t\r－-]", part) for part in cell.split(";"))


def rows_of_csv(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines(keepends=True)))
