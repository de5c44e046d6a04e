"""Any text, in every place of every format, is read by a trusted parser as that text."""

import re

import pytest
from hypothesis import given, settings
from matplotlib.cbook import is_math_text
from nasty import (
    NASTY,
    STRUCTURE,
    TEXTS,
    all_tokens,
    parsed,
    rows_of_csv,
    runs_in_a_spreadsheet,
    squeezed,
    tables_of,
    words_of,
)
from test_html import read

from gengap.report.escape import csv_cell, markdown_text, picture_text, tex_text, unmarked
from gengap.report.html import html
from gengap.report.markup import Table, csv_text, markdown
from gengap.report.section import Details, Picture, Plain, Section, markdown_section
from gengap.terminal import visible

USUAL = (
    "cifar10_c1-lb_ra", "torchvision.models:resnet18", "AMD EPYC 9R14 (x2)", "98.23 ± 0.06 (n=5)", "< 0.0001",
    "-0.04 ≈", "0.1,0.01", "1e-05", "a & b", "Größe",
)  # fmt: skip
QUICK = settings(max_examples=50)
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
PLAIN = (
    Section("a", (Table(("a", "n"), (("a", "a"),)), Plain(("a",)), Plain(("a",), is_list=True))),
    Picture("p", "a"),
)


def tags(page: str) -> list[str]:
    return re.findall(r"<[/!]?\w+", page)


@QUICK
@given(TEXTS, TEXTS)
def test_cells_of_a_markdown_table(first: str, second: str) -> None:
    text = markdown(Table((first, "n"), (("1", second), (second, first))))
    (found,) = tables_of(parsed(text))
    expected = [[first, "n"], ["1", second], [second, first]]
    assert [[squeezed(cell) for cell in row] for row in found] == [
        [squeezed(visible(cell)) for cell in row] for row in expected
    ]
    assert {token.type for token in parsed(text)} & STRUCTURE == {"table_open"}
    assert not re.search(r"://|www\.", text, re.IGNORECASE)


@QUICK
@given(TEXTS)
def test_headings_and_alternative_texts(text: str) -> None:
    tokens = parsed(markdown_section(Section(f"a {text}", (Picture("name", f"b {text}"),))))
    assert [token.tag for token in tokens if token.nesting == 1] == ["h1", "p"]
    heading, picture = (token for token in tokens if token.type == "inline")
    assert squeezed(words_of(heading)) == squeezed(visible(f"a {text}"))
    (image,) = picture.children or []
    assert (image.type, image.attrs["src"]) == ("image", "name.svg")
    assert squeezed(words_of(image)) == squeezed(visible(f"b {text}"))


@QUICK
@given(TEXTS)
def test_paragraphs_and_items(text: str) -> None:
    if not text.strip():
        return
    tokens = parsed(
        markdown_section(Section("h", (Details("s", Plain((text,))), Plain((text,), is_list=True))))
    )
    opened = [token.tag for token in tokens if token.nesting == 1]
    assert opened == ["h1", "p", "ul", "li", "p"]
    _, paragraph, item = (words_of(token) for token in tokens if token.type == "inline")
    assert squeezed(item) == squeezed(visible(text))
    assert squeezed(paragraph) == squeezed(visible(re.sub(r"[\t\n\x0b\x0c\r]", " ", text)))


@QUICK
@given(TEXTS)
def test_markdown_can_be_read_back(text: str) -> None:
    assert unmarked(markdown_text(text)) == visible(text)


@QUICK
@given(TEXTS)
def test_a_page_has_no_tag_from_a_text(text: str) -> None:
    blocks = (Table((text, "n"), ((text, text),)), Plain((text,)), Plain((text,), is_list=True))
    page = html(Section("Report", (Section("Part", (Section(text, blocks), Picture("p", text))),)))
    assert read(page).tables == [[[visible(text), "n"], [visible(text)] * 2]]
    assert tags(page) == tags(html(Section("Report", (Section("Part", PLAIN),))))
    assert not HIDDEN.search(page)


@QUICK
@given(TEXTS)
def test_no_cell_of_a_csv_is_run(text: str) -> None:
    rows = rows_of_csv(csv_text(Table((text, "n"), ((f"a;{text}", text),))))
    assert [len(row) for row in rows] == [2, 2]
    assert not any(runs_in_a_spreadsheet(cell) for row in rows for cell in row)
    assert rows[1][1] in (text, visible(text)) or "'" in rows[1][1]


@pytest.mark.parametrize("number", ["-0.04", "+1.5", "12", "-1e-05", "2.5E+10", "1,234", "-1,234.5"])
def test_numbers_stay_numbers(number: str) -> None:
    assert csv_cell(number) == number


@pytest.mark.parametrize("text", ["-2+3", "-1-1", "+49 30 1", "-0x1", "1;-1;=2", "=1", "@a", " =1", "＝1"])
def test_what_looks_like_a_number_is_text(text: str) -> None:
    assert runs_in_a_spreadsheet(text)
    assert not runs_in_a_spreadsheet(csv_cell(text))


@QUICK
@given(TEXTS)
def test_tex_has_no_active_character(text: str) -> None:
    written = tex_text(text)
    parts = re.findall(r"\\text[a-z]+\{\}|\\[%&_#${}]|[^\\%&_#${}^~<>|]", written)
    assert "".join(parts) == written
    assert len(parts) == len(visible(text))
    assert written.isprintable() or not visible(text).isprintable()


@QUICK
@given(TEXTS)
def test_a_picture_has_no_mathematics(text: str) -> None:
    assert not is_math_text(picture_text(text))
    assert picture_text(text[:3]).replace(r"\$", "$") == visible(text[:3])
    assert len(picture_text(text).replace(r"\$", "$")) <= 40


@pytest.mark.parametrize("text", USUAL)
def test_usual_texts_stand_as_they_are(text: str) -> None:
    assert markdown_text(text) == text
    assert unmarked(tex_text(text).replace(r"\textless{}", "<")) == text
    assert picture_text(text) == visible(text) == text
    assert csv_cell(text).removeprefix("'") == text


def test_the_parsers_see_what_is_not_escaped() -> None:
    """Else the tests above could not fail."""
    seen = {token.type for text in NASTY for token in all_tokens(parsed(f"a {text}"))}
    assert {"html_inline", "image", "heading_open", "fence", "bullet_list_open", "code_inline"} <= seen
    assert {"em_open", "strong_open", "s_open", "link_open"} <= seen
    assert sum(map(runs_in_a_spreadsheet, NASTY)) >= 3
    assert any(map(is_math_text, NASTY))
