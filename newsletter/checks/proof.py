"""The input of a check: an issue, its rendered mail, and the source of each part of that mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from newsletter.checks.css.cascade import Cascade
from newsletter.checks.document import Document, Element
from newsletter.checks.locate import SourceLocator
from newsletter.config.loader import Newsletter
from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.issue.model import Issue
from newsletter.render.markdown import paragraphs
from newsletter.render.model import Rendered

_PROSE_FIELDS = ("subject", "preheader", "heading", "text", "title", "alt")


@dataclass(frozen=True)
class Proof:
    """An issue and its rendered mail; `earlier` are the files of earlier issues, oldest first."""

    issue: Issue
    rendered: Rendered
    newsletter: Newsletter
    earlier: Sequence[Path] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process computes the cached properties again, because not all of them can be pickled.
        return type(self), (self.issue, self.rendered, self.newsletter, self.earlier)

    @cached_property
    def texts(self) -> list[Text]:
        """Return every text of the issue."""
        return list(files.texts(self.issue))

    @cached_property
    def prose(self) -> list[tuple[Text, str]]:
        """Return the paragraphs of the issue's prose with their texts; links, names and code are left out."""
        return [
            (text, paragraph)
            for text in self.texts
            if text.loc[-1] in _PROSE_FIELDS
            for paragraph in (paragraphs(text.content) if text.markdown else [text.content])
        ]

    @cached_property
    def document(self) -> Document:
        """Return the HTML part, parsed."""
        return Document(self.rendered.html)

    @cached_property
    def cascade(self) -> Cascade:
        """Return the computed styles of the HTML part."""
        return Cascade(self.document)

    def where(self, part: Text | Element | str, words: str = "") -> str:
        """Return `file:line` of a text of the issue or of words in it, of an element, or of any words.

        The file is the issue's, or that of the template that wrote the part.
        """
        match part:
            case _ if self.locator.paused:
                return self.issue.path
            case Text(loc):
                return files.where(self.issue, loc, words)
            case str():
                return self.locator.locate(part)
        for key in chain([words] if words else [], self.document.keys(part)):
            if place := self.locator.find(key, *self.document.occurrence(part, key)):
                return place
        return self.issue.path

    def where_line(self, text: Text, number: int, words: str = "") -> str:
        """Return `file:line` of a line of a text, which is counted from 0, or of `words` in it."""
        if self.locator.paused:
            return self.issue.path
        return files.where_line(self.issue, text, number, words)

    def where_in_text(self, words: str) -> str:
        """Return `file:line` of words of the text part, which may be missing in the HTML part."""
        return self.issue.path if self.locator.paused else self.locator.locate_in_text(words)

    def where_in_template(self, element: Element) -> str:
        """Return `file:line` of the template that wrote an element, even if its words are the editor's."""
        for key in () if self.locator.paused else self.document.keys(element):
            if place := self.locator.find_in_template(key, *self.document.occurrence(element, key)):
                return place
        return self.issue.path

    @cached_property
    def locator(self) -> SourceLocator:
        """Return the locator of the words of the mail."""
        return SourceLocator(self.issue, self.texts, self.newsletter.site)
