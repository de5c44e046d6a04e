"""The report as a tree of headings, prose, tables and pictures, independent of the output format."""

from dataclasses import dataclass
from textwrap import wrap

from gengap.report.escape import markdown_line, markdown_text
from gengap.report.markup import Table, markdown


@dataclass(frozen=True)
class Picture:
    """Placeholder for a figure: the stem of its files and its alternative text."""

    name: str
    alt: str


@dataclass(frozen=True)
class Plain:
    """Paragraphs, or list items, of arbitrary plain text, none of which is Markdown."""

    texts: tuple[str, ...]
    is_list: bool = False

    def lines(self, text: str) -> list[str]:
        """Break one of the texts into lines; a list item stays on one line."""
        return [text] if self.is_list else wrap(text, WIDTH, break_long_words=False)


@dataclass(frozen=True)
class Details:
    """Prose that the page folds away behind a summary; in Markdown, it is shown without the summary."""

    summary: str
    prose: "str | Plain"


@dataclass(frozen=True)
class Section:
    """A heading and its contents.

    Prose is only ever written by us, in Markdown limited to paragraphs, `code`, `- ` lists and links to the
    parts' headings. Everything else (headings, table cells, alternative texts, Plain) is plain text, which
    may come from a record.
    """

    heading: str
    blocks: "tuple[Block, ...]"


Block = str | Plain | Table | Picture | Details | Section
WIDTH = 108  # most characters in a line of prose


def section(heading: str, *blocks: Block | None) -> Section | None:
    """Make a section of the non-empty blocks; None if all are empty or a table has no rows."""
    empty = any(isinstance(block, Table) and not block.rows for block in blocks)
    found = tuple(block for block in blocks if block)
    return None if empty or not found else Section(heading, found)


def markdown_section(content: Section, level: int = 1) -> str:
    """Format the section as Markdown, with its heading at the given level."""
    heading = f"{'#' * level} {markdown_text(content.heading)}\n"
    parts = (heading, *(_block(block, level) for block in content.blocks))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _block(block: Block, level: int) -> str:
    if isinstance(block, Section):
        return markdown_section(block, level + 1)
    if isinstance(block, Table):
        return markdown(block)
    if isinstance(block, Picture):
        return f"![{markdown_text(block.alt)}]({block.name}.svg)\n"
    if isinstance(block, Details):
        return _block(block.prose, level)
    if isinstance(block, Plain):
        return _plain(block)
    return block


def _plain(block: Plain) -> str:
    if block.is_list:
        return "".join(f"- {markdown_line(text)}\n" for text in block.texts)
    return "\n".join("".join(f"{markdown_line(line)}\n" for line in block.lines(t)) for t in block.texts)
