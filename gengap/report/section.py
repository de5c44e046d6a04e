"""The report as a tree of headings, prose, tables and pictures, independent of the output format."""

from dataclasses import dataclass

from gengap.report.markup import Table, markdown


@dataclass(frozen=True)
class Picture:
    """Where a figure goes: the stem of its files and its alternative text."""

    name: str
    alt: str


@dataclass(frozen=True)
class Details:
    """Prose that a page folds away behind its summary; in Markdown it stands open, without it."""

    summary: str
    prose: str


@dataclass(frozen=True)
class Section:
    """A heading and its contents; prose is Markdown limited to paragraphs, `code` and `- ` lists."""

    heading: str
    blocks: "tuple[Block, ...]"


Block = str | Table | Picture | Details | Section


def section(heading: str, *blocks: Block | None) -> Section | None:
    """A section of the non-empty blocks; None if all are empty or a table has no rows."""
    empty = any(isinstance(block, Table) and not block.rows for block in blocks)
    found = tuple(block for block in blocks if block)
    return None if empty or not found else Section(heading, found)


def markdown_section(content: Section, level: int = 1) -> str:
    """The section as Markdown, with its heading at the given level."""
    parts = (f"{'#' * level} {content.heading}\n", *(_block(block, level) for block in content.blocks))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _block(block: Block, level: int) -> str:
    if isinstance(block, Section):
        return markdown_section(block, level + 1)
    if isinstance(block, Table):
        return markdown(block)
    if isinstance(block, Picture):
        return f"![{block.alt}]({block.name}.svg)\n"
    if isinstance(block, Details):
        return block.prose
    return block
