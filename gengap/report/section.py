"""The report as a tree of headings, prose, tables and pictures: one content, whatever it is written in."""

from dataclasses import dataclass

from gengap.report.markup import Table, markdown


@dataclass(frozen=True)
class Picture:
    """The place of a figure: stem of its files, and its text for those who can't see it."""

    name: str
    words: str


@dataclass(frozen=True)
class Section:
    """A heading and what is below it; prose is Markdown with `code` and lists of `- `, nothing else."""

    heading: str
    blocks: "tuple[Block, ...]"


Block = str | Table | Picture | Section


def section(heading: str, *blocks: Block | None) -> Section | None:
    """A section of the blocks that say something; None where there is none, or a table has no rows."""
    empty = any(isinstance(block, Table) and not block.rows for block in blocks)
    found = tuple(block for block in blocks if block)
    return None if empty or not found else Section(heading, found)


def markdown_section(content: Section, level: int = 1) -> str:
    """The section as Markdown, its heading at the given level."""
    parts = (f"{'#' * level} {content.heading}\n", *(_block(block, level) for block in content.blocks))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _block(block: Block, level: int) -> str:
    if isinstance(block, Section):
        return markdown_section(block, level + 1)
    if isinstance(block, Table):
        return markdown(block)
    if isinstance(block, Picture):
        return f"![{block.words}]({block.name}.svg)\n"
    return block
