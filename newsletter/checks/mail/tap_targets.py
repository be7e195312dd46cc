"""Links that a thumb finds (WCAG 2.2, 2.5.8): those that stand alone, not those in a sentence."""

import re
from collections.abc import Iterator

from newsletter.checks.css.cascade import Style
from newsletter.checks.css.rules import Viewport
from newsletter.checks.document import Document, Element, words
from newsletter.checks.proof import Proof
from newsletter.display import counted, printable
from newsletter.errors import Problem

# https://www.w3.org/TR/WCAG22/#target-size-minimum: a line of this height keeps targets apart as well.
LEAST = 24.0
PHONE = Viewport(375)


def tap_targets(proof: Proof) -> Iterator[Problem]:
    """A link on a line of its own that is less than 24 pixels high on a phone."""
    styles = proof.cascade.styles(PHONE)
    for link in alone(proof.document, styles):
        high = _height(link, styles)
        if high < LEAST:
            what = (
                f'the link "{printable(words(link), 40)}" is {counted(round(high), "pixel")} high on a phone'
            )
            fix = f"give it a line-height or a padding that makes {LEAST:.0f}, better 44"
            yield Problem(proof.where(link), what, fix, "warning")


def alone(document: Document, styles: dict[Element, Style]) -> Iterator[Element]:
    """The links that are seen, and share their line with no words but those of other links."""
    line = _Line()
    for element, text in _inline(document.root, styles):
        if element is None:
            yield from line.links()
            line = _Line()
        else:
            line.add(element, text)
    yield from line.links()


class _Line:
    """What stands between two breaks: the links, and whether there are words beside them."""

    def __init__(self) -> None:
        self._links: dict[Element, None] = {}
        self._words = False

    def add(self, element: Element, text: str) -> None:
        link = next((one for one in (element, *element.iterancestors()) if one.tag == "a"), None)
        if link is not None and link.get("href") is not None:
            if text.strip():
                self._links[link] = None
        elif re.search(r"\w", text):
            self._words = True

    def links(self) -> Iterator[Element]:
        if not self._words:
            yield from self._links


def _inline(element: Element, styles: dict[Element, Style]) -> Iterator[tuple[Element | None, str]]:
    """The texts with their elements, and None where a line ends."""
    style = styles.get(element)
    if style is None or element.tag == "br":
        yield None, ""
        return
    if not style.inline:
        yield None, ""
    yield element, element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield from _inline(child, styles)
        yield element, child.tail or ""
    if not style.inline:
        yield None, ""


def _height(link: Element, styles: dict[Element, Style]) -> float:
    """The link with its padding, or the highest of what it holds."""
    inside = [styles[one] for one in link.iter() if one in styles]
    return max(style.line_height + style.padding for style in inside)
