"""Check the height of links on a line without other words, as touch targets on a phone (WCAG 2.2, 2.5.8)."""

import re
from collections.abc import Iterator

from newsletter.checks.css.cascade import Style
from newsletter.checks.css.rules import PHONE
from newsletter.checks.document import Document, Element, words
from newsletter.checks.proof import Proof
from newsletter.disk.boundary import entries
from newsletter.display import counted, printable
from newsletter.errors import Problem

# https://www.w3.org/TR/WCAG22/#target-size-minimum; lines of this height also give targets enough distance.
MIN_HEIGHT_PIXELS = 24.0


def tap_targets(proof: Proof) -> Iterator[Problem]:
    """A link alone on its line that is less than 24 pixels high on a phone."""
    styles = proof.cascade.styles(PHONE)
    for link in links_alone(proof.document, styles):
        height = _height(link, styles)
        if height < MIN_HEIGHT_PIXELS and (where := _where(proof, link)):
            pixels = counted(round(height), "pixel")
            what = f'the link "{printable(words(link), 40)}" is {pixels} high on a phone'
            fix = f"make it at least {MIN_HEIGHT_PIXELS:.0f} high, better 44, by its line-height or padding"
            yield Problem(where, what, fix, "warning")


def _where(proof: Proof, link: Element) -> str | None:
    """Return `file:line` of the template that sets the height of a link; None if it is a built-in one.

    An editor cannot change the height of a heading or a list, which the templates set.
    """
    place = proof.where(link)
    if not place.startswith(proof.issue.path):
        return place
    newsletter = proof.newsletter
    own = entries(newsletter.templates, newsletter.folder)
    has_templates = any(entry.name.endswith(".mjml.j2") for entry in own)
    return proof.where_in_template(link) if has_templates else None


def links_alone(document: Document, styles: dict[Element, Style]) -> Iterator[Element]:
    """Yield the visible links on lines that have no words outside links."""
    line = _Line()
    for element, text in _inline(document.root, styles):
        if element is None:
            yield from line.links()
            line = _Line()
        else:
            line.add(element, text)
    yield from line.links()


class _Line:
    """A line of text: its links, and a flag for words outside them."""

    def __init__(self) -> None:
        self._links: dict[Element, None] = {}
        self._has_words = False

    def add(self, element: Element, text: str) -> None:
        link = next((node for node in (element, *element.iterancestors()) if node.tag == "a"), None)
        if link is not None and link.get("href") is not None:
            if text.strip():
                self._links[link] = None
        elif re.search(r"\w", text):
            self._has_words = True

    def links(self) -> Iterator[Element]:
        if not self._has_words:
            yield from self._links


def _inline(element: Element, styles: dict[Element, Style]) -> Iterator[tuple[Element | None, str]]:
    """Yield each text with its element, and None at the end of a line."""
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
    """Return the largest height of the link and its children, with their padding, in pixels."""
    visible = [styles[element] for element in link.iter() if element in styles]
    return max(style.line_height + style.padding for style in visible)
