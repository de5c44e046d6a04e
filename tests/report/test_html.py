"""The page: whole, self-contained, with every table of the report, and the same every time."""

import re
from colorsys import rgb_to_hls
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_records import Store

from gengap.cli.report import main
from gengap.report.cells import read_records
from gengap.report.comparisons import compare_methods
from gengap.report.contents import report
from gengap.report.figures import figures
from gengap.report.html import html, pictures_of, prose, with_pictures
from gengap.report.landscape.section import Landscape
from gengap.report.markup import Table
from gengap.report.picture import GLYPHS, picture
from gengap.report.questions.section import Questions
from gengap.report.section import Details, Section

VOID = {"meta", "br", "hr", "img", "input", "link"}


@dataclass
class Page(HTMLParser):
    """Reads a page and keeps its tables, ids and addresses; fails on tags that don't match."""

    open: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id":
                self.ids.append(str(value))
            if key in ("src", "href", "xlink:href", "action", "data"):
                self.addresses.append(str(value))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


def tables(section: Section) -> list[Table]:
    found: list[Table] = []
    for block in section.blocks:
        found += tables(block) if isinstance(block, Section) else [block] if isinstance(block, Table) else []
    return found


def content(store: Store) -> Section:
    records = read_records(store.root)
    return report(records, compare_methods(records), figures(records), Landscape(records), Questions(records))


@pytest.fixture
def page(mixed: Store) -> str:
    assert main([f"results_dir={mixed.root}"]) == 0
    return (mixed.root / "report" / "report.html").read_text()


def test_tags_match_ids_are_unique_and_nothing_is_fetched(page: str) -> None:
    found = read(page)
    assert len(set(found.ids)) == len(found.ids)
    inside = {f"#{i}" for i in found.ids}
    assert found.addresses
    assert set(found.addresses) <= inside
    assert {a.removeprefix("#") for a in re.findall(r"url\((#[^)]*)\)", page)} <= set(found.ids)
    assert not re.search(r"@import|url\((?!#)|<link|<iframe", page)


def test_every_table_is_there_cell_by_cell(page: str, mixed: Store) -> None:
    expected = [[list(t.header), *map(list, t.rows)] for t in tables(content(mixed))]
    assert len(expected) > 7
    assert read(page).tables == expected


def test_every_heading_and_figure_is_there(page: str, mixed: Store) -> None:
    assert page.count("<svg") == len(list((mixed.root / "report").glob("*.svg"))) + 1 > 1  # and their letters
    for block in content(mixed).blocks:
        if isinstance(block, Section):
            assert f"<h2>{block.heading}</h2>" in page


def test_marks_are_classes_and_signs(page: str) -> None:
    assert re.search(r'class="[^"]*near[^"]*">[^<]*≈</td>', page)


def test_the_same_every_time_and_checked_except_for_pictures(mixed: Store, page: str) -> None:
    file = mixed.root / "report" / "report.html"
    main([f"results_dir={mixed.root}"])
    assert file.read_text() == page
    file.write_text(re.sub(r"<path ", '<path class="other fonts" ', page))
    (file.parent / "distance.png").write_bytes(b"other fonts")
    assert main([f"results_dir={mixed.root}", "--check"]) == 0
    file.write_text(page.replace("98.31 ± 0.12", "98.91 ± 0.12"))
    assert main([f"results_dir={mixed.root}", "--check"]) == 1


def test_pictures_go_in_and_out_of_their_places() -> None:
    empty = html(Section("Report", ()))
    assert pictures_of(empty) == {GLYPHS: ""}
    page = "a<!--picture:one--><!--end-->b<!--picture:two--><!--end-->c"
    full = with_pictures(page, {"one": "<svg>\n1</svg>"})
    assert full == "a<!--picture:one--><svg>\n1</svg><!--end-->b<!--picture:two--><!--end-->c"
    assert with_pictures(page, pictures_of(full)) == full


def test_a_picture_has_unique_ids_and_a_dark_value_of_every_color() -> None:
    svg = (
        '<?xml version="1.0"?>\n<svg height="9pt" viewBox="0 0 9 9" width="9pt"><metadata>m</metadata>'
        '<path id="a" style="fill: #ffffff; stroke: #000000"/><use href="#a" style="fill: #0b4f94"/></svg>'
    )
    found = picture("one", svg)
    assert found.startswith('<svg viewBox="0 0 9 9"><style>')
    assert '<use href="#one-0" style="fill: var(--c0b4f94)"/>' in found
    light, _, dark = found.partition("@media (prefers-color-scheme: dark)")
    assert "--c0b4f94:#0b4f94;" in light
    assert "--cffffff:var(--card);" in dark
    assert "--c000000:#ededed;" in dark
    shown = re.search("--c0b4f94:#(..)(..)(..);", dark)
    assert shown
    hue, lightness, _ = rgb_to_hls(*(int(part, 16) / 255 for part in shown.groups()))
    assert hue == pytest.approx(rgb_to_hls(0x0B, 0x4F, 0x94)[0], abs=0.01)
    assert lightness > 0.6


def test_details_are_folded_away() -> None:
    page = html(Section("Report", (Section("A", ("short\n", Details("More", "long & `wide`\n"))),)))
    assert "<details><summary>More</summary>\n<p>long &amp; <code>wide</code></p>\n</details>" in page
    assert read(page).tables == []


def test_text_is_escaped(tmp_path: Path) -> None:
    table = Table(("<b>", "n"), (("<script>alert(1)</script>", "1"),))
    page = html(Section("Report", (Section("A & B", ("is `a < b` & c\n", table)),)))
    assert "<script>alert" not in page
    assert read(page).tables == [[["<b>", "n"], ["<script>alert(1)</script>", "1"]]]
    assert "is <code>a &lt; b</code> &amp; c" in page


def test_prose_knows_paragraphs_and_lists() -> None:
    assert prose("one\ntwo\n\n- a\n- b `c`\n") == (
        "<p>one\ntwo</p>\n<ul><li>a</li><li>b <code>c</code></li></ul>"
    )


def test_an_item_of_several_lines_is_one_item() -> None:
    assert prose("- first,\n  goes on\n- second") == "<ul><li>first,\n  goes on</li><li>second</li></ul>"
