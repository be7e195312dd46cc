"""What is seen of a mail's texts: every style that counts for an element, worked out for a screen.

As browsers do it (https://www.w3.org/TR/css-cascade-4/), for the properties that decide on colour and height.
Pictures behind a text, and colours that are not understood, leave its background unknown.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from newsletter.checks.css import colours
from newsletter.checks.css.colours import Backdrop, Colour
from newsletter.checks.css.rules import MatchedRule, Viewport, holds, matched_rules
from newsletter.checks.css.values import Declared, Length, declared
from newsletter.checks.document import Document, Element
from newsletter.checks.inbox_preview import seen

_WEIGHTS = {
    "b": "bolder",
    "strong": "bolder",
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "th"), 700),
}
_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 1 / 1.2, "big": 1.2}
_INLINE = re.compile(
    "a|abbr|b|big|br|cite|code|del|dfn|em|font|i|img|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|su[bp]|"
    "time|tt|u|var"
)
_HIDDEN = frozenset(("head", "script", "style", "template", "title", "noscript"))
_INHERITED = ("inherit", "unset", "revert", "revert-layer")
# What a browser takes for `normal`, about.
_NORMAL = 1.2


@dataclass(frozen=True)
class Style:
    """How an element's own text is seen; sizes in pixels.

    `colour` is None where it is not known, `behind` where a picture lies behind the text.
    """

    colour: Colour | None
    behind: Backdrop | None
    size: float = 16.0
    weight: int = 400
    line: float | None = None
    line_times: float | None = None
    display: str = "block"
    visible: bool = True
    padding: float = 0.0

    @property
    def line_height(self) -> float:
        """How high one of its lines is."""
        if self.line is not None:
            return self.line
        return self.size * (self.line_times or _NORMAL)

    @property
    def inline(self) -> bool:
        return self.display in ("inline", "contents")


@dataclass(frozen=True)
class TextRun:
    """A text that no tag interrupts, in one line, with the element that it stands in and its style."""

    element: Element
    words: str
    style: Style

    @property
    def contrast(self) -> float | None:
        """From 1 to 21; None where it cannot be known."""
        if self.style.colour is None or self.style.behind is None:
            return None
        behind = self.style.behind
        return colours.contrast(behind.text(self.style.colour), behind.background)


class Cascade:
    """The styles of a mail's elements; rules are matched once for all screens."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def styles(self, viewport: Viewport) -> dict[Element, Style]:
        """The style of every element that is there to be seen, in order."""
        found: dict[Element, Style] = {}
        scheme = viewport.dark and self._knows_dark(viewport)
        canvas = Backdrop.canvas(colours.CANVAS[scheme])
        root = Style(colours.TEXT[scheme], canvas)
        self._visit(self._document.root, root, _Working(viewport, scheme, found))
        return found

    def runs(self, viewport: Viewport) -> Iterator[TextRun]:
        """Every text that is seen, in order."""
        styles = self.styles(viewport)
        for element, text in _texts(self._document.root):
            style, words = styles.get(element), " ".join(text.split())
            if style and style.visible and style.size > 0 and seen(words):
                yield TextRun(element, words, style)

    @cached_property
    def _matched_rules(self) -> Mapping[Element, list[MatchedRule]]:
        return matched_rules(self._document)

    def _visit(self, element: Element, above: Style, working: "_Working") -> None:
        if element.tag in _HIDDEN:
            return
        said = self._said(element, working.viewport)
        if _hides(said, element):
            return
        style = _styled(element, said, above, working)
        working.found[element] = style
        for child in element:
            if isinstance(child.tag, str):
                self._visit(child, style, working)

    def _said(self, element: Element, viewport: Viewport) -> dict[str, Any]:
        """The value that wins for each property."""
        ranked: list[tuple[tuple[Any, ...], Declared]] = [((False, -1), one) for one in _presented(element)]
        for rule in self._matched_rules.get(element, ()):
            if all(holds(media, viewport) for media in rule.within):
                ranked += [((one.important, 0, rule.specificity, rule.order), one) for one in rule.declared]
        if inline := element.get("style"):
            ranked += [((one.important, 1), one) for one in declared(inline)]
        ranked.sort(key=lambda ranked: ranked[0])
        return {one.name: one.value for _, one in ranked}

    def _knows_dark(self, viewport: Viewport) -> bool:
        """Whether the mail says that it can be dark: then a browser's own colours are, too."""
        said = self._said(self._document.root, viewport).get("color-scheme", ())
        for meta in self._document.named("meta"):
            if meta.get("name", "").lower() == "color-scheme" and not said:
                said = tuple(meta.get("content", "").lower().split())
        return "dark" in said


@dataclass(frozen=True)
class _Working:
    viewport: Viewport
    dark: bool
    found: dict[Element, Style]


def _texts(element: Element) -> Iterator[tuple[Element, str]]:
    """Every text with the element that it stands in directly."""
    if element.tag in _HIDDEN or not isinstance(element.tag, str):
        return
    yield element, element.text or ""
    for child in element:
        yield from _texts(child)
        yield element, child.tail or ""


def _hides(said: Mapping[str, Any], element: Element) -> bool:
    """Whether nothing of an element is seen, nor of what it holds."""
    if said.get("display") == "none" or said.get("opacity") == 0 or element.get("hidden") is not None:
        return True
    cut = said.get("overflow") in ("hidden", "clip")
    flat = (said.get(side) for side in ("max-height", "height"))
    return cut and any(isinstance(one, Length) and one.number == 0 for one in flat)


def _presented(element: Element) -> Iterator[Declared]:
    """What HTML's own attributes say, as the weakest rules."""
    if (given := element.get("bgcolor")) and (colour := colours.legacy(given)):
        yield Declared("background-color", colour, important=False)
    if element.get("background"):
        yield Declared("background-image", value=True, important=False)
    named = {"font": "color", "body": "text"}.get(str(element.tag))
    if named and (colour := colours.legacy(element.get(named, ""))):
        yield Declared("color", colour, important=False)


def _styled(element: Element, said: Mapping[str, Any], above: Style, working: _Working) -> Style:
    size = _size(element, said, above)
    style = replace(
        above,
        colour=_colour(element, said, above, working.dark),
        size=size,
        weight=_weight(element, said, above),
        display=said.get("display", "inline" if _INLINE.fullmatch(str(element.tag)) else "block"),
        visible=_visible(said, above),
        padding=sum(_pixels(said.get(side), size) for side in ("padding-top", "padding-bottom")),
        line=above.line,
    )
    style = _lined(style, said.get("line-height"))
    return replace(style, behind=_behind(said, above, style.colour))


def _visible(said: Mapping[str, Any], above: Style) -> bool:
    given = said.get("visibility")
    return above.visible if given in (None, *_INHERITED) else given == "visible"


def _colour(element: Element, said: Mapping[str, Any], above: Style, dark: bool) -> Colour | None:
    given = said.get("color")
    if isinstance(given, Colour):
        return given
    if given is None:
        is_link = element.tag == "a" and element.get("href") is not None
        return colours.LINK[dark] if is_link else above.colour
    return {"initial": colours.TEXT[dark], "unknown": None}.get(given, above.colour)


def _behind(said: Mapping[str, Any], above: Style, colour: Colour | None) -> Backdrop | None:
    given, opacity = said.get("background-color"), said.get("opacity", 1.0)
    background = colour if given == "currentcolor" else given
    if said.get("background-image"):
        solid = isinstance(background, Colour) and background.alpha == 1
        # A colour is given for those who do not see the picture: that is judged, and else nothing.
        if not solid:
            return None
    if given == "unknown" or (given == "currentcolor" and colour is None):
        return None
    painted = background if isinstance(background, Colour) else colours.TRANSPARENT
    if above.behind is None:
        return Backdrop.canvas(painted) if painted.alpha == 1 and opacity == 1 else None
    return above.behind.under(painted, opacity) if painted.alpha or opacity < 1 else above.behind


def _size(element: Element, said: Mapping[str, Any], above: Style) -> float:
    given = said.get("font-size")
    if given == "initial":
        return 16.0
    if isinstance(given, Length):
        return _pixels(given, above.size, of=above.size)
    return above.size * _SIZES.get(str(element.tag), 1.0) if given is None else above.size


def _weight(element: Element, said: Mapping[str, Any], above: Style) -> int:
    given = said.get("font-weight", _WEIGHTS.get(str(element.tag)))
    if isinstance(given, int):
        return given
    if given == "bolder":
        return 400 if above.weight < 350 else 700 if above.weight < 600 else 900
    if given == "lighter":
        return 100 if above.weight < 600 else 400 if above.weight < 800 else 700
    return 400 if given == "initial" else above.weight


def _lined(style: Style, given: Any) -> Style:
    """With its line height; a number without a unit goes down to what is inside, times the size there."""
    if isinstance(given, Length):
        if given.unit == "times":
            return replace(style, line=None, line_times=given.number)
        return replace(style, line=_pixels(given, style.size, of=style.size), line_times=None)
    return replace(style, line=None, line_times=None) if given in ("normal", "initial") else style


def _pixels(length: Any, size: float, of: float = 0.0) -> float:
    """A length in pixels, for an element with this font size; percentages are `of` something."""
    if not isinstance(length, Length):
        return 0.0
    factor = {"px": 1.0, "em": size, "rem": 16.0, "ex": size / 2, "ch": size / 2, "%": of / 100}
    return max(0.0, length.number * factor.get(length.unit, 0.0))
