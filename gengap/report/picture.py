"""Prepare the figures' SVGs for the page: unique ids, the page's width, and colors that follow dark mode."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from colorsys import hls_to_rgb, rgb_to_hls

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

Points = NDArray[np.float64]
_TOLERANCE = 0.25  # points; a curve is drawn several times as wide
_CURVE = 20  # points in a path above which it is a curve; letters have fewer
_COLOUR = re.compile(r"(?<=: )#([0-9a-f]{6})\b")
GLYPHS = "glyphs"
_BACKGROUND = "ffffff"
_COORDINATES = re.compile(r' (?:d|x|y)="[^"]*"|translate\([^)]*\)')
_FRACTION = re.compile(r"-?\d+\.\d+")
_PLACED = re.compile(r'(<use href="[^"]*") transform="translate\(([^ )]+) 0\)"')  # letters of a line of text
_GLYPH = re.compile(r'<path id="([^"]*)" (d="[^"]*" transform="scale\(0\.015625\)")/>')  # from matplotlib
_LINE = re.compile(r"M [^A-KN-Za-z\"]*")  # a path up to its first curve or end; M implies L after it
_LINES = re.compile(r' d="M ([-\d. ]+?)( z)? ?"')  # a path made entirely of lines
# A row of marks or ticks with the same style, i.e. class
_ROW = re.compile(r'(?:<use [^>]*? class="([^"]*)"/>)(?:<use [^>]*? class="\1"/>)+')
_X, _Y = re.compile(r' x="([^"]*)"'), re.compile(r' y="([^"]*)"')
# A mark that is a single line, such as a tick, and where it is drawn
_NUMBER = re.compile(r"-?(?:\d+\.?|\.)\d*")
_STROKE = re.compile(r'<path id="([^"]*)" d="m ([-\d. ]+)"')
_DRAWN = re.compile(r'<use href="#([^"]*)" x="([^"]*)"(?: y="([^"]*)")? ')
_GROUP = re.compile(r"(<g>|<g [^>]*>|</g>)")
_STYLE = re.compile(r'\bstyle="([^"]*)"')
# An unrotated line of text: its attributes, x, y, scale and letters
_TEXT = re.compile(
    r'<g([^>]*?) transform="translate\(([^ )]+) ([^)]+)\) scale\(([^)]+)\)">((?:<use [^>]*/>)+)</g>'
)
_ID = re.compile(r'\b(id="|href="#|url\(#)([^")]+)')


def pictures(svgs: Mapping[str, str]) -> dict[str, str]:
    """Prepare figures' SVGs, by name, for embedding in a page, and GLYPHS: letters and texts they share."""
    drawn = {name: picture(f"p{number}", svg) for number, (name, svg) in enumerate(sorted(svgs.items()))}
    shapes = dict.fromkeys(shape for svg in drawn.values() for _, shape in _GLYPH.findall(svg))
    ids = {shape: f"g{number}" for number, shape in enumerate(shapes)}
    letters = "".join(f'<path id="{glyph}" {shape}/>' for shape, glyph in ids.items())
    found, texts = _with_texts({name: _with_shared(svg, ids) for name, svg in drawn.items()})
    hidden = '<svg width="0" height="0" style="position:absolute" aria-hidden="true">'
    return found | {GLYPHS: f"{hidden}<defs>{letters}{texts}</defs></svg>"}


def _with_texts(svgs: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Replace repeated texts, such as tick labels, by references; return the pictures and these texts."""
    counted = Counter(text[3:] for svg in svgs.values() for text in _TEXT.findall(svg))
    repeated = (text for text, count in counted.items() if count > 1)
    ids = {text: f"t{number}" for number, text in enumerate(repeated)}

    def placed(found: re.Match[str]) -> str:
        text = ids.get((found[4], found[5]))
        return f'<use{found[1]} href="#{text}" x="{found[2]}" y="{found[3]}"/>' if text else found[0]

    shared = (f'<g id="{name}" transform="scale({scale})">{of}</g>' for (scale, of), name in ids.items())
    return {name: _TEXT.sub(placed, svg) for name, svg in svgs.items()}, "".join(shared)


def _with_shared(svg: str, ids: Mapping[str, str]) -> str:
    """Replace a picture's own letters by references to the page's."""
    own = {glyph: ids[shape] for glyph, shape in _GLYPH.findall(svg)}
    svg = _GLYPH.sub("", svg).replace("<defs></defs>", "")
    return _ID.sub(lambda found: f"{found[1]}{own.get(found[2], found[2])}", svg)


def picture(name: str, svg: str) -> str:
    """Prepare a figure's SVG for embedding in the page, where `name` identifies it (preferably short).

    Every color becomes a CSS variable, so that the page's color scheme can choose between two values.
    """
    svg = _short(re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL))
    # Ids must be unique within a page, and an embedded picture takes its size from the page
    numbers: dict[str, int] = {}
    svg = _ID.sub(lambda found: f"{found[1]}{name}-{numbers.setdefault(found[2], len(numbers))}", svg)
    svg = re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", svg))
    colors = sorted(set(_COLOUR.findall(svg)))
    light = "".join(f"--c{c}:#{c};" for c in colors)
    dark = "".join(f"--c{c}:{_dark(c)};" for c in colors)
    rules = f":root{{{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
    svg, classes = _classes(name, _COLOUR.sub(r"var(--c\1)", svg))
    paths = {mark: np.array(_NUMBER.findall(path), dtype=float) for mark, path in _STROKE.findall(svg)}
    strokes = {mark: path for mark, path in paths.items() if len(path) == 4}
    svg = _ROW.sub(lambda row: _one_path(row, strokes) or _one_class(row), svg)
    return re.sub(r"^(<svg[^>]*>)", rf"\1<style>{rules}{classes}</style>", svg)


def _short(svg: str) -> str:
    """Shorten the SVG to less than half, by dropping whatever is not referenced or not visible."""
    svg = re.sub(r'<!--.*?-->|(?<=<g) id="[^"]*"', "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", svg).replace("xlink:href=", "href=")
    svg = _COORDINATES.sub(lambda found: _FRACTION.sub(_rounded, found[0]), svg)
    svg = _LINE.sub(lambda found: found[0].replace(" L ", " "), svg)
    svg = _LINES.sub(_relative, svg)
    svg = _PLACED.sub(r'\1 x="\2"', svg)
    return _ungrouped(re.sub(r'(?<=>) (?=<)| (?=")', "", svg))


def _ungrouped(svg: str) -> str:
    """Remove groups without attributes, keeping their elements."""
    parts: list[str] = []
    grouped: list[bool] = []  # for each open group, whether it is kept
    for part in _GROUP.split(svg):
        if part.startswith("<g"):
            grouped.append(part != "<g>")
        if not (part == "<g>" or (part == "</g>" and not grouped.pop())):
            parts.append(part)
    return "".join(parts)


def _rounded(number: re.Match[str]) -> str:
    """Round to a tenth of a point, which is not visible."""
    return _tenths(float(number[0]))


def _tenths(number: float) -> str:
    return f"{round(number, 1) + 0:g}"


def _numbers(row: Iterable[float]) -> str:
    """Format as `-.5 1.2-3`: numbers in tenths without what can be left out."""
    return re.sub(r" (?=-)|\b0(?=\.)", "", " ".join(map(_tenths, row)))


def _relative(path: re.Match[str]) -> str:
    """Write each point relative to the previous one, which takes fewer digits; exact in tenths of a point."""
    points = np.array(path[1].split(), dtype=float).reshape(-1, 2)
    points = _seen(points) if len(points) > _CURVE else points
    found = _numbers([*points[0], *np.diff(points, axis=0).ravel()])
    return f' d="m {found}{path[2] or ""}"'


def _seen(points: Points) -> Points:
    """Drop points of a curve (points, 2) that lie on a line between others, to 1/4 of a point, and round."""
    curve = Path(points)
    curve.simplify_threshold = _TOLERANCE
    simple = curve.cleaned(simplify=True)
    kept: Points = np.asarray(simple.vertices)[np.asarray(simple.codes) != Path.STOP]
    return kept.round(1)


def _classes(name: str, svg: str) -> tuple[str, str]:
    """Replace repeated styles by classes; return the picture and the rules of these classes."""
    counted = Counter(_STYLE.findall(svg))
    known = {style: f"{name}s{i}" for i, style in enumerate(s for s, count in counted.items() if count > 1)}
    svg = _STYLE.sub(lambda found: f'class="{known[found[1]]}"' if found[1] in known else found[0], svg)
    return svg, "".join(f".{label}{{{style}}}" for style, label in known.items())


def _one_path(row: re.Match[str], strokes: Mapping[str, Points]) -> str:
    """Turn a row of marks into one path, if every mark is a single line; otherwise return nothing."""
    drawn = _DRAWN.findall(row[0])
    if len(drawn) < row[0].count("<use") or not all(mark in strokes for mark, _, _ in drawn):
        return ""
    places = np.array([(float(x), float(y or 0)) for _, x, y in drawn])
    lines = np.array([strokes[mark] for mark, _, _ in drawn])  # from the place to the start, and from there
    starts, ends = places + lines[:, :2], places + lines[:, :2] + lines[:, 2:]
    moves = np.diff(np.vstack((np.zeros(2), np.stack((starts, ends), axis=1).reshape(-1, 2))), axis=0)
    path = "".join(f"m{_numbers(of)}" for of in moves.reshape(-1, 4))
    return f'<path class="{row[1]}" d="{path}"/>'


def _one_class(row: re.Match[str]) -> str:
    """Turn a row of marks into a group with their class and their common coordinate, if they have one."""
    named = f' class="{row[1]}"'
    marks = row[0].replace(named, "")
    for axis, shift in ((_Y, "0 {}"), (_X, "{} 0")):
        values = axis.findall(marks)
        if len(set(values)) == 1 and len(values) == marks.count("<use"):  # ticks of one axis
            return f'<g{named} transform="translate({shift.format(values[0])})">{axis.sub("", marks)}</g>'
    return f"<g{named}>{marks}</g>"


def _dark(color: str) -> str:
    """Choose the same hue at the opposite lightness; white is the page's background."""
    if color == _BACKGROUND:
        return "var(--card)"
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (0, 2, 4))
    hue, lightness, saturation = rgb_to_hls(red, green, blue)
    shade = hls_to_rgb(hue, 0.93 - 0.8 * lightness, saturation)
    return "#" + "".join(f"{round(255 * c):02x}" for c in shade)
