from itertools import combinations

import pytest

from gengap.report.figures.style import BATCH_STYLES, METHOD_STYLES, NOISE, Style


def lightness(color: str) -> float:
    """CIE L*, 0 to 100, of an sRGB color."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return float(116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance)


@pytest.mark.parametrize("styles", [list(METHOD_STYLES.values()), list(BATCH_STYLES.values())])
def test_lines_stay_apart_in_grey_and_without_color(styles: list[Style]) -> None:
    for a, b in combinations(styles, 2):
        assert abs(lightness(a.color) - lightness(b.color)) > 10, (a.label, b.label)
    assert len({style.marker for style in styles}) == len(styles)


@pytest.mark.parametrize("styles", [METHOD_STYLES, BATCH_STYLES])
def test_lines_that_coincide_all_stay_visible(styles: dict[object, Style]) -> None:
    """The thinner one is drawn on top, so no two may have one width."""
    assert len({style.width for style in styles.values()}) == len(styles)


def test_the_noise_stays_apart_from_the_methods_of_its_figure() -> None:
    for name in ("lb", "lb_lr"):
        assert abs(lightness(NOISE.color) - lightness(METHOD_STYLES[name].color)) > 10
        assert NOISE.marker != METHOD_STYLES[name].marker


def test_larger_batches_are_lighter() -> None:
    shades = [lightness(BATCH_STYLES[batch].color) for batch in sorted(BATCH_STYLES)]
    assert shades == sorted(shades)
