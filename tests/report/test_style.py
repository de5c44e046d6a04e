from itertools import combinations

from gengap.report.style import METHODS


def lightness(colour: str) -> float:
    """CIE L*, 0 to 100, of an sRGB colour."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return float(116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance)


def test_methods_stay_apart_in_grey_and_without_colour() -> None:
    looks = METHODS.values()
    for a, b in combinations(looks, 2):
        assert abs(lightness(a.colour) - lightness(b.colour)) > 10, (a.label, b.label)
    assert len({look.marker for look in looks}) == len(looks)
