import io
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gengap.report.picture import GLYPHS, picture, pictures

Points = NDArray[np.float64]
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)")
_REFERENCE = re.compile(r"(?:#|url\(#)([\w-]+)")


@pytest.fixture(scope="module")
def svg() -> str:
    """A figure with curves, markers that are used many times, a legend and a clip path."""
    drawing = Figure()
    axes = drawing.subplots()
    x = np.linspace(0, 1, 50)
    axes.plot(x, np.sin(7 * x), "o", color="#0b4f94", label="sine")
    axes.plot(x, x, color="#d1570c", label="line")
    axes.legend()
    file = io.StringIO()
    drawing.savefig(file, format="svg")
    return file.getvalue()


def _shapes(root: ET.Element) -> list[list[float]]:
    """The coordinates of every shape, in drawing order."""
    return [found for element in root.iter() if (found := _shape(element))]


def _distances(points: Points, line: Points) -> list[float]:
    """Of each point from a line of straight pieces."""
    start, step = line[:-1], np.diff(line, axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-12)
    along = [np.clip(((p - start) * step).sum(axis=1) / length, 0, 1)[:, None] for p in points]
    return [
        float(np.linalg.norm(start + a * step - p, axis=1).min()) for p, a in zip(points, along, strict=True)
    ]


def _shape(element: ET.Element) -> list[float]:
    if element.tag.endswith("use"):  # moved to x and y or, which is the same, by a translation
        moved = _numbers(element.get("transform", "")) or [0, 0]
        return [float(element.get(key, 0)) + by for key, by in zip("xy", moved, strict=True)]
    others = _numbers(" ".join(element.get(key, "") for key in ("x", "y", "transform")))
    return _path(element.get("d", "")) + others


def _path(d: str) -> list[float]:
    """The coordinates, in the units of the picture; after an m they are distances from the point before."""
    found = np.reshape(_numbers(d), (-1, 2)) if d.startswith("m") else np.array(_numbers(d))
    return list((found.cumsum(axis=0) if d.startswith("m") else found).ravel())


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def test_a_short_picture_draws_the_same_shapes(svg: str) -> None:
    whole, short = ET.fromstring(svg), ET.fromstring(found := picture("p0", svg))  # noqa: S314  # our own
    dropped = 0
    for before, after in zip(_shapes(whole), _shapes(short), strict=True):
        if len(before) == len(after):
            assert after == pytest.approx(before, abs=0.0501, rel=0)
        else:
            dropped += len(before) - len(after)
            assert max(_distances(np.reshape(before, (-1, 2)), np.reshape(after, (-1, 2)))) < 0.3
    assert dropped >= 2 * 40  # coordinates, of the straight line alone: its points are rounded
    assert len(found) < 0.53 * len(svg)
    assert re.search(r' d="m [^"]{40}', found)


def test_rows_of_marks_stay_where_they_were() -> None:
    drawing = Figure()
    axes = drawing.subplots()
    axes.loglog([1, 1000], [1, 1000])  # minor ticks on both axes
    axes.plot([2, 30, 500], [5, 5, 5], "o")
    axes.plot([7, 7, 7], [2, 30, 500], "s")
    file = io.StringIO()
    drawing.savefig(file, format="svg")
    found = picture("p0", file.getvalue())
    before, after = (_marks(ET.fromstring(s)) for s in (file.getvalue(), found))  # noqa: S314
    assert len(before) > 40
    np.testing.assert_allclose(after, before, atol=0.0501, rtol=0)
    assert 'transform="translate(0 ' in found  # marks
    assert re.search(r'translate\([\d.]+ 0\)"><use', found)
    assert re.search(r'd="m[^m"]*m[^m"]*m', found)  # ticks, as one path


def _marks(element: ET.Element, moved: Points | None = None) -> list[Points]:
    """Where the marks and ticks are, in order: uses outside of texts, moved by the groups around them."""
    moved = np.zeros(2) if moved is None else moved
    if "scale" in element.get("transform", ""):
        return []
    if (strokes := element.get("d", "")).count("m") > 1:
        steps = np.reshape([_numbers(stroke) for stroke in strokes.split("m")[1:]], (-1, 2))
        return list(moved + steps.cumsum(axis=0)[::2])
    if element.tag.endswith("use"):
        if element.get("y") is None and element.get("x") is None:
            return []
        return [moved + [float(element.get(key, 0)) for key in "xy"]]
    moved = moved + (_numbers(element.get("transform", "")) or [0, 0])
    return [mark for child in element for mark in _marks(child, moved)]


def test_a_row_of_lines_is_one_path_with_the_same_lines() -> None:
    drawing = Figure()
    drawing.subplots().errorbar([0.1, 0.5, 0.9], [3, 1, 2], [0.5, 0.2, 0.3], fmt="none", capsize=4)
    file = io.StringIO()
    drawing.savefig(file, format="svg")
    caps = re.findall(r'd="((?:m[^m"]*){3})"', picture("p0", file.getvalue()))
    assert len(caps) == 2  # lower and upper
    lines = [np.reshape(_numbers(cap), (-1, 2)).cumsum(axis=0).reshape(-1, 2, 2) for cap in caps]
    clipped = "".join(re.findall(r"<g clip-path.*?</g>", file.getvalue(), re.DOTALL))  # not the axes' ticks
    uses = re.findall(r'<use xlink:href="#m\w+" x="([\d.]+)" y="([\d.]+)"', clipped)
    np.testing.assert_allclose(
        np.ptp(np.concatenate(lines), axis=1), [[8, 0]] * 6, atol=1e-9
    )  # twice capsize
    middles = sorted(map(tuple, np.concatenate(lines).mean(axis=1)))
    np.testing.assert_allclose(middles, sorted((float(x), float(y)) for x, y in uses), atol=0.0501)


def test_what_a_picture_refers_to_is_in_it_once(svg: str) -> None:
    for name, other in (("p0", "p1"), ("p1", "p0")):
        found = picture(name, svg)
        ids = re.findall(r'\bid="([^"]*)"', found)
        assert len(ids) == len(set(ids))
        assert set() < set(_REFERENCE.findall(re.sub("<style>.*?</style>", "", found))) <= set(ids)
        assert not any(i.startswith(f"{other}-") for i in ids)


def test_every_shape_keeps_its_style(svg: str) -> None:
    found = picture("p0", svg)
    rules = dict(re.findall(r"\.(p0s\d+)\{([^}]*)\}", found))
    styles = _styles(ET.fromstring(found), rules)  # noqa: S314
    assert [re.sub(r"var\(--c([0-9a-f]{6})\)", r"#\1", style) for style in styles] == _styles(
        ET.fromstring(svg),  # noqa: S314
        {},
    )


def _styles(element: ET.Element, rules: dict[str, str], inherited: str = "") -> list[str]:
    """The style of every path and use, its own or that of the group around it."""
    style = element.get("style") or rules.get(element.get("class", ""), inherited)
    is_shape = element.tag.endswith(("path", "use"))
    return [style] * is_shape + [s for child in element for s in _styles(child, rules, style)]


def test_pictures_share_their_letters(svg: str) -> None:
    page = pictures({"one": svg, "two": svg.replace("sine", "cosine")})
    assert list(page) == ["one", "two", GLYPHS]
    ids = re.findall(r'\bid="([^"]*)"', "".join(page.values()))
    assert len(ids) == len(set(ids))
    referred = {name: set(re.findall(r'href="#([^"]*)"', drawn)) for name, drawn in page.items()}
    assert referred["one"] | referred["two"] <= set(ids)
    letters = dict(re.findall(r'<path id="(g\d+)" (d="[^"]*")', page[GLYPHS]))
    assert len(letters) == len(set(letters.values())) > 10
    assert set(letters) <= referred["one"] | referred["two"] | referred[GLYPHS]
    assert len("".join(page.values())) < len(picture("p0", svg)) + len(picture("p1", svg))


def test_a_shared_letter_is_the_one_that_the_picture_had(svg: str) -> None:
    alone, page = picture("p0", svg), pictures({"one": svg})
    own = dict(re.findall(r'<path id="([^"]*)" (d="[^"]*") transform', alone))
    shared = dict(re.findall(r'<path id="([^"]*)" (d="[^"]*") transform', page[GLYPHS]))
    before = [own[i] for i in re.findall(r'href="#([^"]*)"', alone) if i in own]
    assert before == [shared[i] for i in re.findall(r'href="#([^"]*)"', page["one"]) if i in shared] != []


def test_a_repeated_text_is_drawn_where_it_was(svg: str) -> None:
    alone, page = picture("p0", svg), pictures({"one": svg, "two": svg})
    texts = {name: about for name, *about in re.findall(r'<g id="(t\d+)"( [^>]*>)(.*?)</g>', page[GLYPHS])}

    def whole(found: re.Match[str]) -> str:
        scaled, letters = texts[found[2]]
        scaled = scaled.replace('"scale', f'"translate({found[3]} {found[4]}) scale')
        return f"<g{found[1]}{scaled}{letters}</g>"

    inline = re.sub(r'<use([^>]*?) href="#(t\d+)" x="([^"]*)" y="([^"]*)"/>', whole, page["one"])
    places = [re.findall(r"<g[^>]* scale[^>]*>", drawn) for drawn in (alone, inline)]
    assert places[0] == places[1] != []
    own = dict(re.findall(r'<path id="([^"]*)" (d="[^"]*") transform', alone))
    shared = dict(re.findall(r'<path id="([^"]*)" (d="[^"]*") transform', page[GLYPHS]))
    before = [own[i] for i in re.findall(r'href="#([^"]*)"', alone) if i in own]
    assert before == [shared[i] for i in re.findall(r'href="#([^"]*)"', inline) if i in shared]
    assert len(texts) > 5
