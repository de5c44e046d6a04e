"""The report as one self-contained page: no request leaves it, and it works without its script."""

import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from gengap.report.format import ABOVE, BELOW, NEAR
from gengap.report.markup import Table
from gengap.report.section import Picture, Section
from gengap.report.speed import MET, NOT_MEASURED, SHORT

PAGE = "report.html"
_PLACE = re.compile(r"<!--picture:([\w-]+)-->(.*?)<!--end-->", re.DOTALL)
_CLASS = {NEAR: "near", ABOVE: "above", BELOW: "below"}
_WORDS = {"missing": "absent", "–": "absent", NOT_MEASURED: "absent", MET: "near", SHORT: "below"}


def html(report: Section) -> str:
    """The page, with an empty place for every picture."""
    return _template().render(report=report)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.filters |= {
        "prose": prose,
        "anchor": anchor,
        "mark": mark,
        "sortable": sortable,
        "kind": kind,
    }
    return environment.from_string(files("gengap.report").joinpath("report.html.j2").read_text("utf-8"))


def with_pictures(page: str, pictures: dict[str, str]) -> str:
    """The page with pictures, by the name of their figure, in their places."""
    return _PLACE.sub(lambda m: f"<!--picture:{m[1]}-->{pictures.get(m[1], '')}<!--end-->", page)


def pictures_of(page: str) -> dict[str, str]:
    """The pictures that are in a page."""
    return dict(_PLACE.findall(page))


def picture(name: str, svg: str) -> str:
    """A figure's SVG file as a part of the page."""
    # A page must not repeat an id, and a picture in it takes its size from the page.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", svg))


def kind(block: object) -> str:
    """What a block of a section is."""
    return {str: "prose", Table: "table", Picture: "picture", Section: "section"}[type(block)]


def prose(text: str) -> Markup:
    """Paragraphs and lists of escaped text, with `code`."""
    parts = []
    for paragraph in text.strip().split("\n\n"):
        shown = Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(paragraph))))
        if shown.startswith("- "):
            items = (f"<li>{item.removeprefix('- ')}</li>" for item in shown.split("\n"))
            parts.append(f"<ul>{''.join(items)}</ul>")
        else:
            parts.append(f"<p>{shown}</p>")
    return Markup("\n".join(parts))


def anchor(heading: str) -> str:
    """The heading as an id."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def mark(cell: str) -> str:
    """Class of a table's cell: how it lies to the paper's number or the target, or that there is nothing."""
    return _WORDS.get(cell) or _CLASS.get(cell[-1:], "")


def sortable(table: Table) -> bool:
    """Whether every row stands for itself; in others a blank label means the row above."""
    return len(table.rows) > 1 and all(row[0] for row in table.rows)
