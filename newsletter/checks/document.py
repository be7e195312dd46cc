"""The HTML part as elements, by lxml; its line of checks asks for links, pictures and words."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from lxml import etree, html

Element: TypeAlias = etree._Element

_NOT_SHOWN = ("head", "script", "style", "template", "title")


class Document:
    """A mail's HTML, read once."""

    def __init__(self, source: str) -> None:
        # As bytes: lxml refuses a str with an encoding declared in it.
        parser = html.HTMLParser(encoding="utf-8")
        self.root: Element = html.document_fromstring(source.encode() or b"<html></html>", parser=parser)

    @cached_property
    def elements(self) -> list[Element]:
        """Every element, in order, without comments."""
        return [element for element in self.root.iter() if isinstance(element.tag, str)]

    @cached_property
    def readable(self) -> str:
        """What the mail says, and what its attributes do, without styles."""
        values = (str(value) for element in self.elements for value in element.attrib.values())
        return "\n".join((self.said, *values))

    @cached_property
    def comments(self) -> list[str]:
        """The comments, in order."""
        return [node.text or "" for node in self.root.iter(etree.Comment)]

    def between(self, start: str, end: str) -> Iterator[Element]:
        """The elements between comments that match these expressions."""
        inside = False
        for node in self.root.iter():
            if not isinstance(node.tag, str):
                said = node.text or ""
                inside = bool(re.match(start, said)) or (inside and not re.match(end, said))
            elif inside:
                yield node

    def named(self, *tags: str) -> list[Element]:
        """The elements with these names, in order."""
        return [element for element in self.elements if element.tag in tags]

    @property
    def links(self) -> list[Element]:
        """The elements that lead somewhere."""
        return [element for element in self.named("a", "area") if element.get("href") is not None]

    @cached_property
    def targets(self) -> dict[str, Element]:
        """Each address that links lead to, with the first that does."""
        found: dict[str, Element] = {}
        for link in self.links:
            found.setdefault(link.get("href", ""), link)
        return found

    @cached_property
    def said(self) -> str:
        """All that the mail says, in one line."""
        return " ".join(run for body in self.named("body") for run in runs(body))

    def keys(self, element: Element) -> Iterator[str]:
        """What an element can be found by where it was written, the best first."""
        yield from (value for name in ("href", "src", "id") if (value := element.get(name)))
        yield from runs(element)
        yield f"<{element.tag}"

    def alike(self, element: Element, key: str) -> list[Element]:
        """The elements of the same name that have a key too, this one among them."""
        alike = [other for other in self.named(str(element.tag)) if key in self._own(other)]
        return alike if element in alike else [element]

    def _own(self, element: Element) -> set[str]:
        """The keys of an element without those of what it holds."""
        own = {element.get(name, "") for name in ("href", "src", "id")}
        return own.union(_run(element.text), *(_run(child.tail) for child in element), (f"<{element.tag}",))


def words(element: Element) -> str:
    """What an element says, in one line; a picture says what its alt text does."""
    said = [*runs(element), *(image.get("alt", "") for image in element.iter("img"))]
    return " ".join(filter(None, said))


def runs(element: Element) -> Iterator[str]:
    """The pieces of text in an element that no tag interrupts, each in one line."""
    if element.tag not in _NOT_SHOWN:
        yield from _run(element.text if isinstance(element.tag, str) else None)
        for child in element:
            yield from runs(child)
            yield from _run(child.tail)


def _run(text: str | None) -> Iterator[str]:
    if shown := re.sub(r"\s+", " ", text or "").strip():
        yield shown
