"""The report as a self-contained HTML page, which loads nothing else and works without its script."""

import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from gengap.report.format import ABOVE, BELOW, NEAR
from gengap.report.markup import Table
from gengap.report.section import Plain, Section
from gengap.report.speed import MET, NOT_MEASURED, SHORT
from gengap.terminal import visible

PAGE = "report.html"
_PLACEHOLDER = re.compile(r"<!--picture:([\w-]+)-->(.*?)<!--end-->", re.DOTALL)
_CLASS = {NEAR: "near", ABOVE: "above", BELOW: "below"}
_WORDS = {"missing": "absent", "–": "absent", NOT_MEASURED: "absent", MET: "near", SHORT: "below"}


def html(report: Section) -> str:
    """Render the page, with an empty placeholder for every picture."""
    return _template().render(report=report)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "prose": words,
        "anchor": anchor,
        "css_class": css_class,
        "sortable": sortable,
        "kind": kind_of,
    }
    return environment.from_string(files("gengap.report").joinpath("report.html.j2").read_text("utf-8"))


def _shown(value: object) -> object:
    """Prepare a template value for output: markup unchanged, any other text on one line."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def with_pictures(page: str, pictures: dict[str, str]) -> str:
    """Fill the page's placeholders with the pictures of these names."""
    return _PLACEHOLDER.sub(lambda m: f"<!--picture:{m[1]}-->{pictures.get(m[1], '')}<!--end-->", page)


def pictures_of(page: str) -> dict[str, str]:
    """Extract the pictures in a page, by name."""
    return dict(_PLACEHOLDER.findall(page))


def kind_of(block: object) -> str:
    """Name the kind of a block, for the template."""
    return "prose" if isinstance(block, str | Plain) else type(block).__name__.lower()


def words(block: str | Plain) -> Markup:
    """Render our own prose, or plain text."""
    return prose(block) if isinstance(block, str) else plain(block)


def plain(block: Plain) -> Markup:
    """Render escaped text as paragraphs, or as a list."""
    texts = [escape("\n".join(map(visible, block.lines(text)))) for text in block.texts]
    if block.is_list:
        return Markup("<ul>{}</ul>").format(Markup().join(Markup("<li>{}</li>").format(t) for t in texts))
    return Markup("\n").join(Markup("<p>{}</p>").format(text) for text in texts)


def prose(text: str) -> Markup:
    """Render escaped text as paragraphs and lists, with `code` and links within the page."""
    parts = []
    for paragraph in text.strip().split("\n\n"):
        code = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(paragraph)))
        shown = Markup(re.sub(r"\[([^\]]+)\]\((#[\w-]+)\)", r'<a href="\2">\1</a>', code))
        if shown.startswith("- "):
            items = (f"<li>{item.removeprefix('- ')}</li>" for item in re.split(r"\n(?=- )", shown))
            parts.append(f"<ul>{''.join(items)}</ul>")
        else:
            parts.append(f"<p>{shown}</p>")
    return Markup("\n".join(parts))


def anchor(heading: str) -> str:
    """Convert a heading to an HTML id."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def css_class(cell: str) -> str:
    """CSS class of a table cell: near, above or below the paper or a target, absent, or none."""
    return _WORDS.get(cell) or _CLASS.get(cell[-1:], "")


def sortable(table: Table) -> bool:
    """Whether rows can be reordered, which they can't if one with a blank label belongs to the row above."""
    return len(table.rows) > 1 and all(row[0] for row in table.rows)
