"""Parse colours of CSS and of HTML's legacy attributes, and blend them."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from tinycss2 import color4

_SPACES = ("srgb", "hsl", "hwb")
_SYSTEM = re.compile(
    "accentcolor(text)?|activetext|button(border|face|text)|canvas(text)?|field(text)?|graytext|highlight(text)?|"
    "linktext|mark(text)?|visitedtext"
)
_HEX = frozenset("0123456789abcdef")


class Colour(NamedTuple):
    """A colour: red, green and blue from 0 to 255, alpha from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def __str__(self) -> str:
        return "#" + "".join(f"{round(channel):02x}" for channel in self[:3])


WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)
TRANSPARENT = Colour(0, 0, 0, 0)
# Chromium's default colours, by dark mode: of the page, its text and its links.
CANVAS = {False: WHITE, True: Colour(18, 18, 18)}
TEXT = {False: BLACK, True: WHITE}
LINK = {False: Colour(0, 0, 238), True: Colour(158, 158, 255)}


def parse(token: Any) -> Colour | str | None:
    """Return the colour of a CSS token, "currentcolor", "unknown" for an unsupported colour, or None.

    None means that browsers do not accept the token as a colour.
    """
    try:
        colour = color4.parse_color(token)
    except (ValueError, TypeError, AttributeError, IndexError):  # tinycss2 raises these on `color()`
        return None
    if colour is None:
        return "unknown" if token.type == "function" or _is_system(token) else None
    if isinstance(colour, str):
        return "currentcolor"
    if colour.space not in _SPACES:
        return "unknown"
    return _rounded(*colour.to("srgb"))


def legacy(text: str) -> Colour | None:
    """Return the colour of an attribute such as bgcolor, by HTML's legacy rules; None if it has no colour.

    https://html.spec.whatwg.org/multipage/common-microsyntaxes.html#rules-for-parsing-a-legacy-colour-value
    """
    text = text.strip().lower()
    if not text or text == "transparent":
        return None
    try:
        named = color4.parse_color(text) if text.isascii() and text.isalpha() else None
    except (ValueError, TypeError, AttributeError, IndexError):
        named = None
    if isinstance(named, color4.Color):
        return _rounded(*named)
    if len(text) == 4 and text[0] == "#" and _HEX.issuperset(text[1:]):
        red, green, blue = (int(digit * 2, 16) for digit in text[1:])
        return Colour(red, green, blue)
    digits = "".join(digit if digit in _HEX else "0" for digit in text[:128].removeprefix("#"))
    third = max(1, -(-len(digits) // 3))
    digits = digits.ljust(third * 3, "0")
    parts = [digits[start : start + third][-8:] for start in range(0, third * 3, third)]
    while len(parts[0]) > 2 and all(part[0] == "0" for part in parts):
        parts = [part[1:] for part in parts]
    red, green, blue = (int(part[:2], 16) for part in parts)
    return Colour(red, green, blue)


def _rounded(red: float, green: float, blue: float, alpha: float) -> Colour:
    red, green, blue = (round(min(1.0, max(0.0, share)) * 255) for share in (red, green, blue))
    return Colour(red, green, blue, alpha)


def _is_system(token: Any) -> bool:
    return token.type == "ident" and bool(_SYSTEM.fullmatch(token.lower_value))


class Backdrop(NamedTuple):
    """The blended layers behind a text, with the opacity that applies to the text.

    A text of colour c and alpha a (c already multiplied by a) is shown as through * c + veil * a + ground;
    `ground` is the colour of the background.
    """

    through: float
    veil: tuple[float, float, float]
    ground: tuple[float, float, float]

    @classmethod
    def canvas(cls, colour: Colour) -> "Backdrop":
        """Return the backdrop of a page in an opaque colour."""
        red, green, blue, _ = colour
        return cls(1.0, (-red, -green, -blue), (red, green, blue))

    def under(self, background: Colour, opacity: float = 1.0) -> "Backdrop":
        """Return this backdrop with a box on it, which has a background colour and an opacity."""
        *channels, alpha = background
        painted = [self.through * channel * alpha for channel in channels]
        veil = (opacity * (v * (1 - alpha) - p) for v, p in zip(self.veil, painted, strict=True))
        ground = (
            g + opacity * (p + v * alpha) for g, p, v in zip(self.ground, painted, self.veil, strict=True)
        )
        return Backdrop(self.through * opacity, _three(veil), _three(ground))

    @property
    def background(self) -> Colour:
        """Return the colour of the background, as it is shown around the text."""
        return Colour(*self.ground)

    def text(self, colour: Colour) -> Colour:
        """Return the colour in which a text of this colour is shown."""
        *channels, alpha = colour
        shown = (
            self.through * channel * alpha + v * alpha + g
            for channel, v, g in zip(channels, self.veil, self.ground, strict=True)
        )
        return Colour(*_three(shown))


def _three(numbers: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = numbers
    return red, green, blue
