"""Compute the visible texts of a mail and their styles for a screen.

The cascade is that of browsers (https://www.w3.org/TR/css-cascade-4/), for the properties that determine
colour and height. The background of a text is unknown if it has a picture without an opaque colour behind
it, or a colour that this package does not support.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from newsletter.checks.css import colours
from newsletter.checks.css.colours import Backdrop, Colour
from newsletter.checks.css.rules import MatchedRule, Viewport, matched_rules, media_matches
from newsletter.checks.css.values import Declared, Length, parse_declared
from newsletter.checks.document import Document, Element
from newsletter.checks.inbox_preview import visible_text
from newsletter.render.colour import contrast

_DEFAULT_WEIGHTS = {
    "b": "bolder",
    "strong": "bolder",
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "th"), 700),
}
_DEFAULT_SIZES_EM = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 1 / 1.2, "big": 1.2}
_INLINE_TAGS = re.compile(
    "a|abbr|b|big|br|cite|code|del|dfn|em|font|i|img|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|su[bp]|"
    "time|tt|u|var"
)
_HIDDEN_TAGS = frozenset(("head", "script", "style", "template", "title", "noscript"))
_INHERITED = ("inherit", "unset", "revert", "revert-layer")
# The line height that browsers use for `normal`, approximately, as a multiple of the font size.
_NORMAL_LINE_HEIGHT = 1.2


@dataclass(frozen=True)
class Style:
    """The computed style of an element's text; sizes are in pixels.

    `colour` is None if it is unknown, `backdrop` if the background is unknown. The line height is `line` in
    pixels, or `line_times` as a multiple of `size`; it is `normal` if both are None. `padding` is the sum of
    the top and the bottom padding.
    """

    colour: Colour | None
    backdrop: Backdrop | None
    size: float = 16.0
    weight: int = 400
    line: float | None = None
    line_times: float | None = None
    display: str = "block"
    visible: bool = True
    padding: float = 0.0

    @property
    def line_height(self) -> float:
        """Return the height of a line in pixels."""
        if self.line is not None:
            return self.line
        return self.size * (self.line_times or _NORMAL_LINE_HEIGHT)

    @property
    def contrast(self) -> float | None:
        """Return the contrast ratio of the text, from 1 to 21; None if a colour is unknown."""
        if self.colour is None or self.backdrop is None:
            return None
        return contrast(self.backdrop.text(self.colour), self.backdrop.background)

    @property
    def inline(self) -> bool:
        return self.display in ("inline", "contents")


@dataclass(frozen=True)
class TextRun:
    """A text between two tags, with collapsed white space, its parent element and its style."""

    element: Element
    words: str
    style: Style

    @property
    def contrast(self) -> float | None:
        """Return the contrast ratio, from 1 to 21; None if a colour is unknown."""
        return self.style.contrast


class Cascade:
    """Compute the styles of a mail's elements; match the rules once for all screens."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._styles: dict[Viewport, dict[Element, Style]] = {}

    def styles(self, viewport: Viewport) -> dict[Element, Style]:
        """Return the style of every element that is displayed, in document order."""
        if viewport not in self._styles:
            self._styles[viewport] = self._computed(viewport)
        return self._styles[viewport]

    def _computed(self, viewport: Viewport) -> dict[Element, Style]:
        styles: dict[Element, Style] = {}
        dark = self.is_dark(viewport)
        self._visit(self._document.root, initial(dark), _Context(viewport, dark, styles))
        return styles

    def runs(self, viewport: Viewport) -> Iterator[TextRun]:
        """Yield every visible text, in document order."""
        styles = self.styles(viewport)
        for element, words in self._visible_texts:
            style = styles.get(element)
            if style and style.visible and style.size > 0:
                yield TextRun(element, words, style)

    @cached_property
    def _visible_texts(self) -> list[tuple[Element, str]]:
        texts = ((element, " ".join(text.split())) for element, text in _texts(self._document.root))
        return [(element, words) for element, words in texts if visible_text(words)]

    @cached_property
    def _matched_rules(self) -> Mapping[Element, list[MatchedRule]]:
        return matched_rules(self._document)

    def _visit(self, element: Element, parent: Style, context: "_Context") -> None:
        if element.tag in _HIDDEN_TAGS:
            return
        declared = self._cascaded(element, context.viewport)
        if is_hidden(declared, element):
            return
        style = computed(element, declared, parent, context.dark)
        context.styles[element] = style
        for child in element:
            if isinstance(child.tag, str):
                self._visit(child, style, context)

    def _cascaded(self, element: Element, viewport: Viewport) -> dict[str, Any]:
        """Return the winning value of each declared property."""
        ranked: list[tuple[tuple[Any, ...], Declared]] = [((False, -1), d) for d in presentational(element)]
        for rule in self._matched_rules.get(element, ()):
            if all(media_matches(media, viewport) for media in rule.within):
                ranked += [((d.important, 0, rule.specificity, rule.order), d) for d in rule.declared]
        if inline := element.get("style"):
            ranked += [((d.important, 1), d) for d in parse_declared(inline)]
        ranked.sort(key=lambda ranked: ranked[0])
        return {declaration.name: declaration.value for _, declaration in ranked}

    def is_dark(self, viewport: Viewport) -> bool:
        """Return True if a screen is dark and the mail declares a dark colour scheme, for default colours."""
        if not viewport.dark:
            return False
        schemes = self._cascaded(self._document.root, viewport).get("color-scheme", ())
        for meta in self._document.named("meta"):
            if meta.get("name", "").lower() == "color-scheme" and not schemes:
                schemes = tuple(meta.get("content", "").lower().split())
        return "dark" in schemes


@dataclass(frozen=True)
class _Context:
    """The screen, the styles that are computed so far, and `dark`: the default colours are dark."""

    viewport: Viewport
    dark: bool
    styles: dict[Element, Style]


def _texts(element: Element) -> Iterator[tuple[Element, str]]:
    """Yield every text outside hidden tags with its parent element."""
    if element.tag in _HIDDEN_TAGS or not isinstance(element.tag, str):
        return
    yield element, element.text or ""
    for child in element:
        yield from _texts(child)
        yield element, child.tail or ""


def is_hidden(declared: Mapping[str, Any], element: Element) -> bool:
    """Return True if neither an element nor its content is visible."""
    if declared.get("display") == "none" or declared.get("opacity") == 0 or element.get("hidden") is not None:
        return True
    cut = declared.get("overflow") in ("hidden", "clip")
    heights = (declared.get(side) for side in ("max-height", "height"))
    return cut and any(isinstance(height, Length) and height.number == 0 for height in heights)


def presentational(element: Element) -> Iterator[Declared]:
    """Yield the declarations of HTML's presentational attributes; they are weaker than every rule."""
    if (bgcolor := element.get("bgcolor")) and (colour := colours.legacy(bgcolor)):
        yield Declared("background-color", colour, important=False)
    if element.get("background"):
        yield Declared("background-image", value=True, important=False)
    attribute = {"font": "color", "body": "text"}.get(str(element.tag))
    if attribute and (colour := colours.legacy(element.get(attribute, ""))):
        yield Declared("color", colour, important=False)


def initial(dark: bool) -> Style:
    """Return the style around the mail, in the browser's default colours."""
    return Style(colours.TEXT[dark], Backdrop.canvas(colours.CANVAS[dark]))


def computed(element: Element, declared: Mapping[str, Any], parent: Style, dark: bool) -> Style:
    """Return the style of an element from its declared values; `dark`: the default colours are dark."""
    size = _size(element, declared, parent)
    colour = _colour(element, declared, parent, dark)
    line, line_times = _line_height(declared.get("line-height"), parent, size)
    return Style(
        colour=colour,
        backdrop=_backdrop(declared, parent, colour),
        size=size,
        weight=_weight(element, declared, parent),
        line=line,
        line_times=line_times,
        display=declared.get("display", "inline" if _INLINE_TAGS.fullmatch(str(element.tag)) else "block"),
        visible=_is_visible(declared, parent),
        padding=sum(_pixels(declared.get(side), size) for side in ("padding-top", "padding-bottom")),
    )


def _is_visible(declared: Mapping[str, Any], parent: Style) -> bool:
    value = declared.get("visibility")
    return parent.visible if value in (None, *_INHERITED) else value == "visible"


def _colour(element: Element, declared: Mapping[str, Any], parent: Style, dark: bool) -> Colour | None:
    value = declared.get("color")
    if isinstance(value, Colour):
        return value
    if value is None:
        is_link = element.tag == "a" and element.get("href") is not None
        return colours.LINK[dark] if is_link else parent.colour
    return {"initial": colours.TEXT[dark], "unknown": None}.get(value, parent.colour)


def _backdrop(declared: Mapping[str, Any], parent: Style, colour: Colour | None) -> Backdrop | None:
    value, opacity = declared.get("background-color"), declared.get("opacity", 1.0)
    background = colour if value == "currentcolor" else value
    if declared.get("background-image"):
        solid = isinstance(background, Colour) and background.alpha == 1
        # Mail programs that block pictures show the colour behind them; only an opaque colour is known.
        if not solid:
            return None
    if value == "unknown" or (value == "currentcolor" and colour is None):
        return None
    painted = background if isinstance(background, Colour) else colours.TRANSPARENT
    if parent.backdrop is None:
        return Backdrop.canvas(painted) if painted.alpha == 1 and opacity == 1 else None
    if painted.alpha or opacity < 1:
        return parent.backdrop.under(painted, opacity)
    return parent.backdrop


def _size(element: Element, declared: Mapping[str, Any], parent: Style) -> float:
    value = declared.get("font-size")
    if value == "initial":
        return 16.0
    if isinstance(value, Length):
        return _pixels(value, parent.size, parent.size)
    return parent.size * _DEFAULT_SIZES_EM.get(str(element.tag), 1.0) if value is None else parent.size


def _weight(element: Element, declared: Mapping[str, Any], parent: Style) -> int:
    value = declared.get("font-weight", _DEFAULT_WEIGHTS.get(str(element.tag)))
    if isinstance(value, int):
        return value
    if value == "bolder":
        return 400 if parent.weight < 350 else 700 if parent.weight < 600 else 900
    if value == "lighter":
        return 100 if parent.weight < 600 else 400 if parent.weight < 800 else 700
    return 400 if value == "initial" else parent.weight


def _line_height(value: Any, parent: Style, size: float) -> tuple[float | None, float | None]:
    """Return `line` and `line_times`; children inherit a number without a unit as a multiple."""
    if isinstance(value, Length):
        if value.unit == "times":
            return None, value.number
        return _pixels(value, size, size), None
    return (None, None) if value in ("normal", "initial") else (parent.line, parent.line_times)


def _pixels(length: Any, size: float, percent_base: float = 0.0) -> float:
    """Return a length in pixels, for an element with font size `size`; 0 for a value that is not a length."""
    return max(0.0, length.pixels(size, percent_base)) if isinstance(length, Length) else 0.0
