"""Parse the HTML part of a mail with lxml, and find its elements, links and words."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from lxml import etree, html

Element: TypeAlias = etree._Element

_HIDDEN_TAGS = ("head", "script", "style", "template", "title")
# The two ends of a conditional comment, whose content Outlook on Windows shows and other programs do not.
_OUTLOOK_ONLY = re.compile(r"<!--\s*+\[if[^\]<>]*+\]>(?:<!-->)?|(?:<!--)?<!\[endif\]-->", re.IGNORECASE)


class Document:
    """The HTML part of a mail, parsed once."""

    def __init__(self, source: str) -> None:
        # Pass bytes, because lxml rejects a str that declares an encoding.
        parser = html.HTMLParser(encoding="utf-8")
        self.root: Element = html.document_fromstring(source.encode() or b"<html></html>", parser=parser)
        self._source = source

    @cached_property
    def elements(self) -> list[Element]:
        """Return every element in document order, without comments."""
        return [element for element in self.root.iter() if isinstance(element.tag, str)]

    @cached_property
    def readable(self) -> str:
        """Return the text of the body and the values of all attributes, without style sheets."""
        values = (str(value) for element in self.elements for value in element.attrib.values())
        return "\n".join((self.text, *values))

    @cached_property
    def comments(self) -> list[str]:
        """Return the comments in document order."""
        return [node.text or "" for node in self.root.iter(etree.Comment)]

    @cached_property
    def in_outlook(self) -> "Document":
        """Return the mail with the content of its conditional comments, which Outlook on Windows shows."""
        return Document(_OUTLOOK_ONLY.sub("", self._source))

    def between(self, start: re.Pattern[str], end: re.Pattern[str]) -> Iterator[Element]:
        """Yield the elements between a comment that matches `start` and the next one that matches `end`."""
        inside = False
        for node in self.root.iter():
            if not isinstance(node.tag, str):
                comment = node.text or ""
                inside = bool(start.match(comment)) or (inside and not end.match(comment))
            elif inside:
                yield node

    def named(self, *tags: str) -> list[Element]:
        """Return the elements with these tags in document order."""
        return [element for element in self.elements if element.tag in tags]

    @property
    def links(self) -> list[Element]:
        """Return the elements with a link target."""
        return [element for element in self.named("a", "area") if element.get("href") is not None]

    @cached_property
    def targets(self) -> dict[str, Element]:
        """Return the first link to each address, by address."""
        by_address: dict[str, Element] = {}
        for link in self.links:
            by_address.setdefault(link.get("href", ""), link)
        return by_address

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the mail's tags, classes, ids and attributes as in CSS: `td`, `.card`, `#top`, `[href]`."""
        names: set[str] = set()
        for element in self.elements:
            names.add(str(element.tag))
            names.update(f".{name}" for name in element.get("class", "").split())
            names.add(f"#{element.get('id', '')}")
            names.update(f"[{name}]" for name in map(str, element.attrib))
        return frozenset(names)

    @cached_property
    def text(self) -> str:
        """Return the text of the mail's body in one line."""
        return " ".join(run for body in self.named("body") for run in runs(body))

    def keys(self, element: Element) -> Iterator[str]:
        """Yield the strings by which an element can be found in its source, the most precise first."""
        yield from (value for name in ("href", "src", "id") if (value := element.get(name)))
        yield from runs(element)
        yield f"<{element.tag}"

    def occurrence(self, element: Element, key: str) -> tuple[int, int]:
        """Return the number of an element, from 0, among those with its tag and this key; and their count."""
        numbers = self._numbers.get((str(element.tag), key), {})
        return (numbers[element], len(numbers)) if element in numbers else (0, 1)

    @cached_property
    def _numbers(self) -> dict[tuple[str, str], dict[Element, int]]:
        """Return the numbers of the elements with the same tag and key, by tag and key."""
        numbers: dict[tuple[str, str], dict[Element, int]] = {}
        for element in self.elements:
            for key in self._direct_keys(element):
                same = numbers.setdefault((str(element.tag), key), {})
                same[element] = len(same)
        return numbers

    def _direct_keys(self, element: Element) -> set[str]:
        """Return the keys of an element without those of its children."""
        keys = {element.get(name, "") for name in ("href", "src", "id")}
        return keys.union(_run(element.text), *(_run(child.tail) for child in element), (f"<{element.tag}",))


def words(element: Element) -> str:
    """Return the text of an element in one line, with the alt texts of its pictures."""
    parts = [*runs(element), *(image.get("alt", "") for image in element.iter("img"))]
    return " ".join(filter(None, parts))


def runs(element: Element) -> Iterator[str]:
    """Yield the visible texts between the tags of an element, each in one line."""
    if element.tag not in _HIDDEN_TAGS:
        yield from _run(element.text if isinstance(element.tag, str) else None)
        for child in element:
            yield from runs(child)
            yield from _run(child.tail)


def _run(text: str | None) -> Iterator[str]:
    if line := re.sub(r"\s+", " ", text or "").strip():
        yield line
