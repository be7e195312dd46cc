"""Find remote pictures that no reader sees: they serve to report who opens the mail."""

import re
from collections.abc import Iterator, Sequence

from newsletter.checks.css.possible import Application, Applications
from newsletter.checks.css.rules import SCREENS, Viewport
from newsletter.checks.document import Document, Element

MIN_VISIBLE_PIXELS = 3.0  # a smaller picture is a tracking pixel
# Pixels of each unit. The relative ones are those of a text of 16 pixels on a screen of 100 by 100.
_UNITS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "in": 96.0,
    "cm": 37.8,
    "mm": 3.78,
    "q": 0.94,
    **dict.fromkeys(("em", "rem", "lh", "rlh", "cap", "ic"), 16.0),
    **dict.fromkeys(("ex", "ch"), 8.0),
    **dict.fromkeys(("%", "vw", "vh", "vmin", "vmax", "svw", "lvw", "dvw"), 6.0),
}
_SIZE = re.compile(r"\s*+([+-]?(?:\d++(?:\.\d++)?|\.\d++)(?:e[+-]?\d++)?)\s*+([a-z%]*+)\s*+", re.IGNORECASE)
_SIDES = ("width", "height", "max-width", "max-height", "inline-size", "block-size")
_NAMES = frozenset((*_SIDES, "display", "visibility", "opacity"))
_HIDDEN = {"display": ("none",), "visibility": ("hidden", "collapse")}
_MIN_OPACITY = 0.1


def invisible_pictures(document: Document) -> Iterator[Element]:
    """Yield the pictures that are tiny, or hidden by an attribute, by CSS or by an element around them.

    A rule that may apply counts for the size, because no ordinary rule makes a picture that small. A hidden
    picture must be so on each screen: templates show one on a phone and another one on a desktop.
    """
    pictures = document.named("img", "image")
    chained = dict.fromkeys(element for one in pictures for element in (one, *one.iterancestors()))
    applications = Applications(document, list(chained), _NAMES) if pictures else None
    for picture in pictures:
        if any(_is_tiny(picture.get(side, "")) for side in ("width", "height")) or (
            applications
            and (
                _is_small(picture, applications)
                or all(_is_hidden(picture, applications, screen) for screen in SCREENS)
            )
        ):
            yield picture


def _is_tiny(value: str) -> bool:
    """Return True for a size of less than three pixels."""
    match = _SIZE.fullmatch(value)
    pixels = float(match[1]) * _UNITS.get(match[2].lower(), 1.0) if match else MIN_VISIBLE_PIXELS
    return pixels < MIN_VISIBLE_PIXELS


def _is_small(picture: Element, applications: Applications) -> bool:
    return any(
        _is_tiny(one.declaration.value)
        for screen in SCREENS
        for side, items in applications.of(picture, screen).items()
        if side in _SIDES
        for one in items
    )


def _is_hidden(picture: Element, applications: Applications, screen: Viewport) -> bool:
    for element in (picture, *picture.iterancestors()):
        if element.get("hidden") is not None:
            return True
        applied = applications.of(element, screen)
        if any(_hides(name, items) for name, items in applied.items()):
            return True
    return False


def _hides(name: str, items: Sequence[Application]) -> bool:
    values = [one.declaration.value.lower() for one in items if not one.source]
    if name == "opacity":
        return any(match and _share(match) < _MIN_OPACITY for match in map(_SIZE.fullmatch, values))
    return any(value in _HIDDEN.get(name, ()) for value in values)


def _share(match: re.Match[str]) -> float:
    return float(match[1]) / (100 if match[2] == "%" else 1)
