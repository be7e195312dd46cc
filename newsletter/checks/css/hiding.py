"""Find the declarations that may hide an element and its content.

Each property that can hide has a list of the values with which it does not. Any other value may hide, also
one that this module cannot compute, such as `calc(0)` or `var(--x)`: a reader must be able to unsubscribe.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

_GLOBAL = r"inherit|initial|unset|revert"
_SHARE = r"(?:1(?:\.0+)?|0?\.[3-9]\d*|100%|[3-9]\d(?:\.\d+)?%)"
# Lengths of at most about two lines, to both sides; and lengths to one side that a phone shows.
_SHORT = r"(?:[+-]?(?:0|0?\.\d+|[1-3]?\d(?:\.\d+)?)(?:px|pt)|[+-]?[12]?(?:\.\d+)?em|[+-]?0)"
_POSITIVE = (
    r"\+?(?:[0-2]?\d{1,2}(?:\.\d+)?|\.\d+)(?:px|pt)|\+?(?:\d(?:\.\d+)?|\.\d+)(?:em|rem|ex|ch|in|cm|mm)|"
    r"[0-6]?\d(?:\.\d+)?%|[0-2]?\dv[wh]|0"
)
_PADDING = rf"{_POSITIVE}|auto|\d{{1,2}}"  # browsers ignore the last two
_MARGIN = rf"(?:auto|{_SHORT}|{_POSITIVE})"
# From six pixels, and relative sizes that do not reduce the text to less than that at once.
_FONT_SIZE = (
    r"(?:[6-9]|\d{2,3})(?:\.\d+)?p[xt]|(?:0?\.[6-9]\d*|[1-9](?:\.\d+)?)r?em|(?:[6-9]\d|\d{3})(?:\.\d+)?%|"
    r"(?:x{1,3}-)?(?:small|large)|medium|smaller|larger"
)
_MOVES = ("transform", "-webkit-transform", "scale", "rotate", "translate", "offset", "offset-path")
_CUTS = ("clip", "clip-path", "-webkit-clip-path", "mask", "mask-image", "-webkit-mask", "-webkit-mask-image")
_EFFECTS = ("filter", "-webkit-filter", "mix-blend-mode", "contain", "content", "-webkit-text-security")
_ANIMATIONS = ("animation", "animation-name", "-webkit-animation", "-webkit-animation-name")
_SIDES = ("left", "right", "top", "bottom", "inset", "inset-inline", "inset-block")
_INSETS = (*_SIDES, *(f"inset-{axis}-{end}" for axis in ("inline", "block") for end in ("start", "end")))
_ENDS = ("", "-left", "-right", "-top", "-bottom", "-inline", "-block")
_LOGICAL_ENDS = tuple(f"-{axis}-{end}" for axis in ("inline", "block") for end in ("start", "end"))
_PADDINGS = tuple(f"padding{side}" for side in (*_ENDS, *_LOGICAL_ENDS))

_HARMLESS: Mapping[str, str] = {
    "display": (
        "block|inline|inline-block|list-item|flow-root|contents|flex|inline-flex|grid|inline-grid|table|"
        "inline-table|table-(?:row|cell|caption|row-group|header-group|footer-group)"
    ),
    "visibility": "visible",
    "opacity": _SHARE,
    "position": "static|relative|sticky",
    "zoom": "normal|1|100%",
    "content-visibility": "visible|auto",
    "pointer-events": "auto|all",
    "interactivity": "auto",
    "-webkit-text-fill-color": "currentcolor",
    "font-size-adjust": "none",
    "text-indent": _SHORT,
    "letter-spacing": rf"normal|-?0?\.\d+(?:px|pt)|-?1px|-?0?\.0\d*em|{_POSITIVE}",
    "word-spacing": rf"normal|-?0?\.\d+(?:px|pt)|-?1px|-?0?\.0\d*em|{_POSITIVE}",
    "z-index": r"auto|\d+",
    "mso-hide": "none",
    "object-view-box": "none",
    "object-position": r"(?:(?:left|center|right|top|bottom|\d\d?%|100%|0) ?){1,4}",
    **dict.fromkeys((*_MOVES, *_CUTS, *_EFFECTS, *_ANIMATIONS), "none|auto|normal"),
    **dict.fromkeys(_INSETS, rf"auto|{_SHORT}(?: {_SHORT}){{0,3}}"),
    **dict.fromkeys(
        (f"margin{side}" for side in (*_ENDS, *_LOGICAL_ENDS)), rf"{_MARGIN}(?: {_MARGIN}){{0,3}}"
    ),
    **dict.fromkeys(_PADDINGS, rf"(?:{_PADDING})(?: (?:{_PADDING})){{0,3}}"),
}
# Sizes matter only to an element that cuts off what does not fit in.
WIDTHS = ("width", "max-width", "inline-size", "max-inline-size")
HEIGHTS = ("height", "max-height", "block-size", "max-block-size")
OVERFLOWS = ("overflow", "overflow-x", "overflow-y", "overflow-block", "overflow-inline")
_WIDE = rf"auto|none|100%|[5-9]\d(?:\.\d+)?%|(?:[1-9]\d{{2,3}})(?:\.\d+)?px|{_GLOBAL}"
_HIGH = rf"auto|none|100%|normal|{_GLOBAL}"
_HARMLESS_IN_CUT: Mapping[str, str] = {
    **dict.fromkeys(WIDTHS, _WIDE),
    **dict.fromkeys((*HEIGHTS, "aspect-ratio"), _HIGH),
    **dict.fromkeys(
        ("flex", "flex-basis", "-webkit-line-clamp", "line-clamp", "grid-template-columns"), _HIGH
    ),
    **dict.fromkeys(("grid", "grid-template", "grid-template-rows", "grid-auto-rows"), _HIGH),
    "line-height": rf"normal|1?\d{{2}}(?:\.\d+)?(?:px|%)|[6-9]px|[12](?:\.\d+)?(?:em)?|0?\.[6-9]|{_GLOBAL}",
}
_compiled = cache(lambda values: re.compile(rf"\A(?:{values})\Z"))


class _Patterns(Mapping[str, re.Pattern[str]]):
    """The patterns of properties, each compiled when it is used: a mail has few, and all take 10 ms."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> re.Pattern[str]:
        return _compiled(self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def without(self, names: Collection[str]) -> "_Patterns":
        """Return the patterns of the other properties."""
        return _Patterns({name: values for name, values in self._values.items() if name not in names})


PATTERNS = _Patterns({name: f"{values}|{_GLOBAL}" for name, values in _HARMLESS.items()})
# Without what hides words only, prevents clicks, or hides in Outlook only: templates write pictures for it.
PICTURE_PATTERNS = PATTERNS.without(
    (
        *("pointer-events", "interactivity", "mso-hide", "position", "font-size-adjust"),
        *(name for name in PATTERNS if name.startswith("-webkit-text-")),
    )
)
PATTERNS_IN_CUT = _Patterns(_HARMLESS_IN_CUT)
# The proportions of a picture, and the frame of one whose width or height includes its frame.
_NUMBER = r"(?:[1-9]|1\d)(?:\.\d{1,6})?"
_LARGE = r"[1-9]\d{2,3}"
_BORDERS = ("border", "border-width", *(f"border{side}" for side in (*_ENDS[1:], *_LOGICAL_ENDS)))
_THIN_BORDER = (
    r"none|(?:(?!\d)[\w#-]{1,24} ){0,2}[0-4](?:\.\d{1,6})?(?:px)?"
    r"(?: (?!\d|calc|var|m|clamp|thick)\S{1,24}){0,2}"
)
PICTURE_FRAMES = {
    "aspect-ratio": re.compile(
        rf"auto|(?:auto )?(?:{_NUMBER}(?: ?/ ?{_NUMBER})?|{_LARGE} ?/ ?{_LARGE})|{_GLOBAL}"
    ),
    **dict.fromkeys(_PADDINGS, re.compile(r"(?:(?:[01](?:px)?|auto) ?){1,4}")),
    **dict.fromkeys(_BORDERS, re.compile(_THIN_BORDER)),
}
PICTURE_PATTERNS_IN_CUT = PATTERNS_IN_CUT.without((*WIDTHS, *HEIGHTS, "line-height"))
# Style, variant, weight and stretch come before the size.
_FONT = re.compile(rf"\A(?:(?:[\w-]++ ){{0,5}}(?:{_FONT_SIZE})(?:\s?/\s?\S++)? \S.*|{_GLOBAL})\Z")
_SIZE = re.compile(f"{_FONT_SIZE}|{_GLOBAL}")
_TRANSPARENT = re.compile(r"transparent|#[0-9a-f]{3}[0-3]|#[0-9a-f]{6}[0-3][0-9a-f]|.*[(/,].*")
_OPAQUE_FUNCTION = re.compile(r"(?:rgb|hsl)\([\d\s.,%]+\)")

# Moves that are ordinary on one element, and the number of elements around each other that may have them.
_MOVING = frozenset(
    name for name in _HARMLESS if name.startswith(("margin", "padding", "inset", *_SIDES[:4]))
)
_FAR = re.compile(r"(?:.* )?(?:-[\d.]*[1-9].*|[12]\d\d(?:\.\d+)?(?:px|pt)(?: .*)?)")
_MAX_MOVES = 3

# The properties that `hiding_values` judges.
NAMES = frozenset(
    (*_HARMLESS, *_HARMLESS_IN_CUT, *OVERFLOWS, *_BORDERS, "box-sizing", "font", "font-size", "color")
)


def hiding_values(values: Mapping[str, Sequence[str]], is_picture: bool = False) -> Iterable[tuple[str, str]]:
    """Yield the declarations that may hide an element, from the values that each property may have.

    For a picture, lengths and percentages of sizes are left to `sizes`, because small ones are ordinary.
    """
    yield from _not_in(PICTURE_PATTERNS if is_picture else PATTERNS, values)
    if cuts(values):
        yield from _not_in(PICTURE_PATTERNS_IN_CUT if is_picture else PATTERNS_IN_CUT, values)


def hiding_frame(values: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, str]]:
    """Yield the declarations that may leave no room for a picture in its own width or height."""
    framed = any(value != "content-box" for value in values.get("box-sizing", ()))
    frames = PICTURE_FRAMES if framed else {"aspect-ratio": PICTURE_FRAMES["aspect-ratio"]}
    return _not_in(frames, values)


def moved_away(chain: Iterable[Mapping[str, Sequence[str]]]) -> bool:
    """Return True if several elements around each other move their content, each a little."""
    return sum(map(_is_moved, chain)) > _MAX_MOVES


def _is_moved(values: Mapping[str, Sequence[str]]) -> bool:
    names = _MOVING.intersection(values)
    return any(_FAR.fullmatch(value) for name in names for value in values[name])


def cuts(values: Mapping[str, Sequence[str]]) -> bool:
    """Return True if an element may cut off what does not fit in."""
    return any(value not in ("visible", "initial") for name in OVERFLOWS for value in values.get(name, ()))


def _not_in(
    patterns: Mapping[str, re.Pattern[str]], values: Mapping[str, Sequence[str]]
) -> Iterable[tuple[str, str]]:
    for name in [name for name in patterns if name in values]:
        yield from ((name, value) for value in values[name] if not patterns[name].fullmatch(value))


def hides_text(name: str, value: str) -> bool:
    """Return True if a font size or a colour may make a text invisible."""
    if name == "color":
        return bool(_TRANSPARENT.fullmatch(value)) and not _OPAQUE_FUNCTION.fullmatch(value)
    pattern = {"font": _FONT, "font-size": _SIZE}.get(name)
    return pattern is not None and not pattern.fullmatch(value)
