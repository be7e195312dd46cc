"""Compute with colours: contrast and brightness, mixtures, and the nearest shade that fulfils a condition."""

import colorsys
from collections.abc import Callable, Iterable, Sequence

MIN_CONTRAST = 4.5  # https://www.w3.org/TR/WCAG22/#contrast-minimum
_SHADES = 200


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of a colour such as `#9a3412`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: Sequence[float]) -> float:
    """Return the relative luminance, from 0 to 1: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    red, green, blue = (_linear(channel / 255) for channel in colour[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, as WCAG 2.2 defines it.

    https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
    """
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def lowest_contrast(colour: str, grounds: Iterable[str]) -> tuple[float, str]:
    """Return the lowest contrast of a colour to one of the grounds, and that ground."""
    return min((contrast(channels(colour), channels(ground)), ground) for ground in grounds)


def brightness(colour: str) -> float:
    """Return the perceived brightness, from 0 to 255: https://www.w3.org/TR/AERT/#color-contrast."""
    red, green, blue = channels(colour)
    return (299 * red + 587 * green + 114 * blue) / 1000


def mixed(colour: str, ground: str, share: float) -> str:
    """Return a mixture of two colours, with this share of the first."""
    pairs = zip(channels(colour), channels(ground), strict=True)
    return _hex(round(one * share + other * (1 - share)) for one, other in pairs)


def shade(colour: str, is_enough: Callable[[str], bool], *, lighter: bool) -> str:
    """Return the colour, or its first lighter or darker shade that is enough; at last white or black."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in channels(colour)))
    end = 1.0 if lighter else 0.0
    for step in range(_SHADES):
        found = colour
        if step:
            moved = lightness + (end - lightness) * step / _SHADES
            found = _hex(round(part * 255) for part in colorsys.hls_to_rgb(hue, moved, saturation))
        if is_enough(found):
            return found
    return "#ffffff" if lighter else "#000000"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _hex(numbers: Iterable[int]) -> str:
    return "#" + "".join(f"{number:02x}" for number in numbers)
