"""Compute the sizes that limit a picture, in pixels; a size that cannot be computed is 0."""

import re

from newsletter.checks.css import stylesheets, values

_NO_LIMIT = re.compile(
    r"auto|none|normal|initial|unset|revert|(?:min|max|fit)-content|stretch|(?:-\w+-fill-)?available"
)
# The functions of ordinary templates: a part of the width, less or more some pixels, or with a maximum.
_CALC = re.compile(r"calc\(\s*+(\d{1,3})%\s*+([+-])\s*+(\d{1,3})px\s*+\)")
_MIN = re.compile(r"min\(\s*+(\d{1,3})%\s*+,\s*+(\d{1,4})px\s*+\)")
_OF_SCREEN = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)[sld]?v(?:w|h|i|b|min|max)")
_LENGTH = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})[a-z%]{0,4}")
_MAX_PIXELS = 1e6
_SCREEN_PIXELS = 375.0  # of a phone
# HTML reads the digits at the start of an attribute, so that `0x1` is 0:
# https://html.spec.whatwg.org/multipage/common-microsyntaxes.html#rules-for-parsing-dimension-values
_ATTRIBUTE = re.compile(r"[ \t\n\f\r]*+([+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++))(%?)")


def css_pixels(value: str, around: float | None, font_size: float) -> float | None:
    """Return the pixels of a size in CSS; None for a size without limit, and for a share of such a size."""
    if _NO_LIMIT.fullmatch(value):
        return None
    if value == "inherit":
        return around
    if match := _CALC.fullmatch(value):
        return _share(float(match[1]), around, float(match[2] + match[3]))
    if match := _MIN.fullmatch(value):
        share = _share(float(match[1]), around)
        return float(match[2]) if share is None else min(share, float(match[2]))
    if match := _OF_SCREEN.fullmatch(value):
        return float(match[1]) * _SCREEN_PIXELS / 100
    return _length(value, around, font_size)


def attribute_pixels(value: str, around: float | None) -> float | None:
    """Return the pixels of an attribute `width` or `height`; None if it has no limit or no number."""
    match = _ATTRIBUTE.match(value)
    if not match:
        return None
    number = min(float(match[1]), _MAX_PIXELS)
    return _share(number, around) if match[2] else number


def _length(value: str, around: float | None, font_size: float) -> float | None:
    if not _LENGTH.fullmatch(value):
        return 0.0
    (token,) = stylesheets.tokens(value)
    if token.type == "number":  # old HTML has lengths without a unit
        return float(token.value)
    length = values.length(token)
    if length and length.unit == "%" and around is None:
        return None
    return length.pixels(font_size, around or 0.0, font_size) if length else 0.0


def _share(percent: float, around: float | None, more: float = 0.0) -> float | None:
    return None if around is None else around * percent / 100 + more
