"""A figure's SVG as part of the page: unique ids, the page's width, and colors that follow dark mode."""

import re
from colorsys import hls_to_rgb, rgb_to_hls

_COLOUR = re.compile(r"(?<=: )#([0-9a-f]{6})\b")
_BACKGROUND = "ffffff"


def picture(name: str, svg: str) -> str:
    """A figure's SVG, ready to be embedded in the page.

    Every color becomes a CSS variable, so that the page's color scheme can choose between two values.
    """
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    # Ids must be unique in a page, and an embedded picture takes its size from the page.
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", svg))
    colors = sorted(set(_COLOUR.findall(svg)))
    light = "".join(f"--c{c}:#{c};" for c in colors)
    dark = "".join(f"--c{c}:{_dark(c)};" for c in colors)
    rules = f":root{{{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
    svg = _COLOUR.sub(r"var(--c\1)", svg)
    return re.sub(r"^(<svg[^>]*>)", rf"\1<style>{rules}</style>", svg)


def _dark(color: str) -> str:
    """The same hue at the opposite lightness; white is the page's background."""
    if color == _BACKGROUND:
        return "var(--card)"
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (0, 2, 4))
    hue, lightness, saturation = rgb_to_hls(red, green, blue)
    shade = hls_to_rgb(hue, 0.93 - 0.8 * lightness, saturation)
    return "#" + "".join(f"{round(255 * c):02x}" for c in shade)
