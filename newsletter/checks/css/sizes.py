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
        return _share(match[1], around, float(match[2] + match[3]))
    if match := _MIN.fullmatch(value):
        share = _share(match[1], around)
        return float(match[2]) if share is None else min(share, float(match[2]))
    if match := _OF_SCREEN.fullmatch(value):
        return float(match[1]) * _SCREEN_PIXELS / 100
    return _length(value, around, font_size)


def attribute_pixels(value: str, around: float | None) -> float | None:
    """Return the pixels of an attribute `width` or `height`; None if it has no limit or no number."""
    match = _ATTRIBUTE.match(value)
    if not match:
        return None
    return _share(match[1], around) if match[2] else float(match[1])


def _length(value: str, around: float | None, font_size: float) -> float | None:
    tokens = stylesheets.tokens(value)
    if len(tokens) != 1:
        return 0.0
    if tokens[0].type == "number":  # old HTML has lengths without a unit
        return float(tokens[0].value)
    length = values.length(tokens[0])
    if length and length.unit == "%" and around is None:
        return None
    return length.pixels(font_size, around or 0.0, font_size) if length else 0.0


def _share(percent: str, around: float | None, more: float = 0.0) -> float | None:
    return None if around is None else around * float(percent) / 100 + more
