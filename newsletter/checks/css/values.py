"""Parse the values of declarations into plain data: colours, lengths, weights, and words.

Only properties that determine the colour, the visibility or the height of a text are parsed. An invalid
value is skipped, as in browsers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from newsletter.checks.css import colours, stylesheets
from newsletter.checks.css.stylesheets import Declaration

Token = Any  # tinycss2 has no types
Value = Any  # a Colour, a Length, a number or a word, depending on the property


class Length(NamedTuple):
    """A number with its unit: `px`, `em`, `rem`, `ex`, `ch`, `%`, or `times` for a number without a unit."""

    number: float
    unit: str

    def pixels(self, font_size: float, percent_base: float = 0.0, root_size: float = 16.0) -> float:
        """Return the pixels, for a font size and a base of percentages in pixels; 0 for another unit."""
        half = font_size / 2
        factors = {
            "px": 1.0,
            "em": font_size,
            "rem": root_size,
            "ex": half,
            "ch": half,
            "%": percent_base / 100,
        }
        return self.number * factors.get(self.unit, 0.0)


class Declared(NamedTuple):
    """A property's value; `important` is True for `!important`."""

    name: str
    value: Value
    important: bool


# CSS Values and Units 4, 6.2, in pixels.
_ABSOLUTE = {
    "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 9.6 / 2.54, "q": 2.4 / 2.54,
}  # fmt: skip
# Not vw and vh, because the screen is unknown here; an earlier value in the same block applies instead.
_RELATIVE = ("em", "rem", "ex", "ch")
_SIZES = {
    "xx-small": 9, "x-small": 10, "small": 13, "medium": 16, "large": 18, "x-large": 24, "xx-large": 32,
    "xxx-large": 48,
}  # fmt: skip
_WEIGHTS = {"normal": 400, "bold": 700}
_GLOBAL_KEYWORDS = ("inherit", "initial", "unset", "revert", "revert-layer")


@lru_cache(maxsize=4096)
def parse_declared(css: str) -> tuple[Declared, ...]:
    """Return the values that a style attribute declares."""
    return values(stylesheets.declarations(css))


def values(declarations: Sequence[Declaration]) -> tuple[Declared, ...]:
    """Return the values that declarations give to the properties of `_READERS`."""
    return tuple(_parse(declarations))


def _parse(declarations: Sequence[Declaration]) -> Iterator[Declared]:
    for declaration in declarations:
        if reader := _READERS.get(declaration.name):
            tokens = [token for token in declaration.tokens if token.type not in ("whitespace", "comment")]
            for name, value in reader(declaration.name, tokens):
                yield Declared(name, value, declaration.important)


Reader = Callable[[str, Sequence[Token]], Iterator[tuple[str, Value]]]


def _global_keyword(tokens: Sequence[Token]) -> str | None:
    word = tokens[0].lower_value if len(tokens) == 1 and tokens[0].type == "ident" else None
    return word if word in _GLOBAL_KEYWORDS else None


def _colour(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    if word := _global_keyword(tokens):
        yield name, word
    elif len(tokens) == 1 and (colour := colours.parse(tokens[0])) is not None:
        yield name, colour


def _background(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    """Parse the shorthand `background`; its colour is that of the last layer, or transparent without one."""
    layers = [colour for token in tokens if (colour := colours.parse(token)) not in (None, "unknown")]
    has_picture = any(
        token.type == "url" or _function(token) not in ("", *_COLOUR_FUNCTIONS) for token in tokens
    )
    yield "background-color", layers[-1] if layers else _global_keyword(tokens) or colours.TRANSPARENT
    yield "background-image", has_picture


_COLOUR_FUNCTIONS = (
    "rgb",
    "rgba",
    "hsl",
    "hsla",
    "hwb",
    "lab",
    "lch",
    "oklab",
    "oklch",
    "color",
    "color-mix",
)


def _function(token: Token) -> str:
    return str(token.lower_name) if token.type == "function" else ""


def _image(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    yield name, any(token.type in ("url", "function") for token in tokens)


def _word(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    if words := [token.lower_value for token in tokens if token.type == "ident"]:
        yield name, words[0]


def _words(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    yield name, tuple(token.lower_value for token in tokens if token.type == "ident")


def _share(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    if len(tokens) == 1 and tokens[0].type in ("number", "percentage"):
        yield name, min(1.0, max(0.0, tokens[0].value / (100 if tokens[0].type == "percentage" else 1)))


def length(token: Token) -> Length | None:
    """Return a token as a length; None if it is not one."""
    if token.type == "percentage":
        return Length(token.value, "%")
    if token.type == "dimension":
        unit = token.lower_unit
        if unit in _ABSOLUTE:
            return Length(token.value * _ABSOLUTE[unit], "px")
        return Length(token.value, unit) if unit in _RELATIVE else None
    return Length(0.0, "px") if token.type == "number" and token.value == 0 else None


def _length(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    if len(tokens) == 1 and (value := length(tokens[0])):
        yield name, value


def _padding(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    sides = [length(token) for token in tokens]
    if 1 <= len(sides) <= 4 and all(sides):
        yield "padding-top", sides[0]
        yield "padding-bottom", sides[2] if len(sides) > 2 else sides[0]


def _size(token: Token) -> Value:
    if token.type == "ident":
        word = token.lower_value
        if word in _SIZES:
            return Length(_SIZES[word], "px")
        return {"smaller": Length(1 / 1.2, "em"), "larger": Length(1.2, "em")}.get(word)
    return length(token)


def _font_size(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    value = _global_keyword(tokens) or (_size(tokens[0]) if len(tokens) == 1 else None)
    if value is not None:
        yield name, value


def _weight(token: Token) -> Value:
    if token.type == "number" and 1 <= token.value <= 1000:
        return int(token.value)
    if token.type != "ident":
        return None
    word = token.lower_value
    return word if word in ("bolder", "lighter") else _WEIGHTS.get(word)


def _font_weight(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    value = _global_keyword(tokens) or (_weight(tokens[0]) if len(tokens) == 1 else None)
    if value is not None:
        yield name, value


def _height(token: Token) -> Value:
    if token.type == "number":
        return Length(token.value, "times")
    return "normal" if token.type == "ident" and token.lower_value == "normal" else length(token)


def _line_height(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    value = _global_keyword(tokens) or (_height(tokens[0]) if len(tokens) == 1 else None)
    if value is not None:
        yield name, value


def _font(name: str, tokens: Sequence[Token]) -> Iterator[tuple[str, Value]]:
    """Parse the shorthand `font`, which resets the weight and the line height if it does not name them."""
    if word := _global_keyword(tokens):
        yield from ((longhand, word) for longhand in ("font-size", "font-weight", "line-height"))
        return
    at = next((n for n, token in enumerate(tokens) if token.type != "number" and _size(token)), None)
    if at is None or at + 1 >= len(tokens):  # invalid: the font family has to follow the size
        return
    yield "font-size", _size(tokens[at])
    yield "font-weight", next(filter(None, map(_weight, tokens[:at])), 400)
    has_line_height = at + 2 < len(tokens) and tokens[at + 1] == "/"
    yield "line-height", (_height(tokens[at + 2]) if has_line_height else None) or "normal"


_READERS: Mapping[str, Reader] = {
    "color": _colour,
    "background-color": _colour,
    "background": _background,
    "background-image": _image,
    "font": _font,
    "font-size": _font_size,
    "font-weight": _font_weight,
    "line-height": _line_height,
    "padding": _padding,
    "padding-top": _length,
    "padding-bottom": _length,
    "height": _length,
    "max-height": _length,
    "opacity": _share,
    "display": _word,
    "visibility": _word,
    "overflow": _word,
    "color-scheme": _words,
}
