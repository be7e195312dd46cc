"""Find pictures and other files that are loaded and that no reader sees: they report who opens the mail."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain as chained
from typing import NamedTuple

from newsletter.checks.css import hiding, sizes
from newsletter.checks.css.possible import Application, Applications
from newsletter.checks.css.rules import SCREENS, Viewport
from newsletter.checks.document import Document, Element
from newsletter.checks.mail.visibility import declared, structural, value_of, values_of

MIN_VISIBLE_PIXELS = 3.0  # a smaller picture is a tracking pixel
_FONT_PIXELS = 16.0
_MAIL_PIXELS = 600.0
_MIN_OPACITY = 0.2
_WIDTH_RANGE = 12
_LOADING = ("src", "srcset", "background", "poster")
# Elements with a box of their own that has the size of its content, and those that load for their parent.
_REPLACED = re.compile("img|image|video|v:(?!fill|imagedata)[a-z]+")
_IN_PARENT = ("source", "track", "v:fill", "v:imagedata")
# Elements that load an address in an attribute; the check `tracking` forbids the others.
_LOADERS = re.compile(f"{_REPLACED.pattern}|audio|{'|'.join(_IN_PARENT)}|body|table|thead|tbody|tfoot|t[rdh]")
_VIEWPORTS = (*SCREENS, *(replace(screen, dark=True) for screen in SCREENS))

Applied = Mapping[str, Sequence[Application]]


class Invisible(NamedTuple):
    """An element that loads an address; `certain` is False if it is hidden by a rule that may not apply."""

    element: Element
    address: str
    reason: str
    certain: bool


def invisible_pictures(document: Document) -> Iterator[Invisible]:
    """Yield the elements whose picture is tiny, or hidden by an attribute, by CSS or by an element around it.

    A rule that may apply counts for the size, because no ordinary rule makes a picture that small. A hidden
    picture must be so on each screen: templates show one on a phone and another one on a desktop.
    """
    loading = [
        element for element in document.elements if _LOADERS.fullmatch(element.tag) and _address(element)
    ]
    if not loading:
        return
    elements = dict.fromkeys(chained.from_iterable((one, *one.iterancestors()) for one in loading))
    applications = Applications(document, list(elements), hiding.NAMES)
    for element in loading:
        if reason := _tiny(element, applications) or _hidden(element, applications, possible=False):
            yield Invisible(element, _address(element), reason, certain=True)
        elif reason := _hidden(element, applications, possible=True):
            yield Invisible(element, _address(element), reason, certain=False)


def _address(element: Element) -> str:
    return next(filter(None, map(element.get, _LOADING)), "")


def _tiny(element: Element, applications: Applications) -> str | None:
    """Return why a picture is too small by itself on some screen."""
    if not _REPLACED.fullmatch(element.tag):
        return None
    for screen in SCREENS:
        box = _Box(_MAIL_PIXELS).inside(element, applications.of(element, screen), _FONT_PIXELS)
        if box.smallest < MIN_VISIBLE_PIXELS:
            return "it is too small"
    return None


def _hidden(element: Element, applications: Applications, possible: bool) -> str | None:
    """Return what hides an element on each screen; `possible` rules are those that may apply."""
    if element.tag == "audio" and element.get("controls") is None:
        return "<audio> without controls"
    if element.tag == "v:fill" and not hiding.PATTERNS["opacity"].fullmatch(element.get("opacity", "1")):
        return f"opacity={element.get('opacity')}"
    parent = element.getparent() if element.tag in _IN_PARENT else element
    if parent is None:
        return None
    around = [parent, *parent.iterancestors()]
    if reason := next(filter(None, (structural(one, is_picture=True) for one in around)), None):
        return reason
    reason = None
    for screen in _VIEWPORTS:
        # A picture that is shown on screens of exactly one width is shown to nobody.
        screens = (screen, replace(screen, width=screen.width - _WIDTH_RANGE))
        reasons = (_hidden_on(around, applications, one, possible) for one in screens)
        reason = next(filter(None, reasons), None)
        if not reason:
            return None
    return reason


def _hidden_on(
    chain: Sequence[Element], applications: Applications, screen: Viewport, possible: bool
) -> str | None:
    applied = [_judged(applications.of(element, screen), possible) for element in chain]
    for one in applied:
        for reason, source in declared(one, is_picture=True):
            return f"{source} {{{reason}}}" if source else reason
    if _REPLACED.fullmatch(str(chain[0].tag)):
        for name, value in hiding.hiding_frame(values_of(applied[0])):
            return f"{name}: {value}"
    if hiding.moved_away(map(values_of, applied)):
        return "it is moved by several elements"
    if math.prod(map(_opacity, applied)) < _MIN_OPACITY:
        return "several elements make it transparent"
    has_small_font = any(
        hiding.hides_text(name, value_of(item))
        for one in applied
        for name in ("font", "font-size")
        for item in one.get(name, ())
    )
    box = _Box(min(_MAIL_PIXELS, screen.width))
    for element, one in zip(reversed(chain), reversed(applied), strict=True):
        box = box.inside(element, one, 0.0 if has_small_font else _FONT_PIXELS)
        if box.hides:
            return f"<{element.tag}> is too small"
    return None


def _judged(applied: Applied, possible: bool) -> Applied:
    """Return what certainly applies; also what may do so, but for a program's and an action's rules."""
    return {
        name: [one for one in items if not one.source or (possible and not one.special)]
        for name, items in applied.items()
    }


def _opacity(applied: Applied) -> float:
    """Return the least opacity of an element, from 0 to 1; the values are those that alone hide nothing."""
    values = [value for one in applied.get("opacity", ()) if (value := value_of(one))[-1] in "0123456789.%"]
    return min((float(value.rstrip("%")) / (100 if "%" in value else 1) for value in values), default=1.0)


class _Box(NamedTuple):
    """The limits of an element in pixels, where None is no limit, and its smallest declared side."""

    width: float
    height: float | None = None
    smallest: float = MIN_VISIBLE_PIXELS
    hides: bool = False

    def inside(self, element: Element, applied: Applied, font_size: float) -> "_Box":
        """Return the box of an element in this one."""
        widths = self._limits(element, applied, hiding.WIDTHS, self.width, font_size)
        heights = self._limits(element, applied, hiding.HEIGHTS, self.height, font_size)
        smallest = min((*widths, *heights, MIN_VISIBLE_PIXELS))
        values = {name: [value_of(one) for one in applied.get(name, ())] for name in hiding.OVERFLOWS}
        hides = bool(_REPLACED.fullmatch(str(element.tag))) or hiding.cuts(values)
        return _Box(
            min(widths, default=self.width),
            min(heights, default=None),
            smallest,
            hides and smallest < MIN_VISIBLE_PIXELS,
        )

    def _limits(
        self,
        element: Element,
        applied: Applied,
        names: Sequence[str],
        around: float | None,
        font_size: float,
    ) -> list[float]:
        found = [
            sizes.css_pixels(value_of(one), around, font_size)
            for name in names
            for one in applied.get(name, ())
        ]
        if _LOADERS.fullmatch(str(element.tag)):  # the other elements have no such attributes
            found.append(sizes.attribute_pixels(element.get(names[0], ""), around))
        return [pixels for pixels in found if pixels is not None]
