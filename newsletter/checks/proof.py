"""What a check reads: an issue, the mail that it became, and where each part of that mail was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from newsletter.checks.css.cascade import Cascade
from newsletter.checks.document import Document, Element
from newsletter.checks.locate import SourceLocator
from newsletter.config.loader import Newsletter
from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.issue.model import Issue
from newsletter.render.markdown import paragraphs
from newsletter.render.model import Rendered

_READ = ("subject", "preheader", "heading", "text", "title", "alt")


@dataclass(frozen=True)
class Proof:
    """An issue as it would go out; `earlier` are the files of the issues before it, oldest first."""

    issue: Issue
    rendered: Rendered
    newsletter: Newsletter
    earlier: Sequence[Path] = ()

    @cached_property
    def texts(self) -> list[Text]:
        """Every text of the issue."""
        return list(files.texts(self.issue))

    @cached_property
    def prose(self) -> list[tuple[Text, str]]:
        """What the editor wrote to be read, a paragraph at a time, without addresses, names and code."""
        return [
            (text, paragraph)
            for text in self.texts
            if text.loc[-1] in _READ
            for paragraph in (paragraphs(text.content) if text.markdown else [text.content])
        ]

    @cached_property
    def document(self) -> Document:
        """The HTML part, parsed."""
        return Document(self.rendered.html)

    @cached_property
    def cascade(self) -> Cascade:
        """How the HTML part is seen."""
        return Cascade(self.document)

    def where(self, found: Text | Element | str, words: str = "") -> str:
        """`file:line` of a text of the issue or of words in it, of an element of the mail, or of any words.

        That is a line of the issue, or else of the template that wrote it.
        """
        match found:
            case Text(loc):
                return files.where(self.issue, loc, words)
            case str():
                return self._places.of(found)
        for key in ([words] if words else []) + list(self.document.keys(found)):
            alike = self.document.alike(found, key)
            if place := self._places.find(key, alike.index(found), len(alike)):
                return place
        return self.issue.path

    def where_in_text(self, words: str) -> str:
        """`file:line` of words that the text part has and perhaps not the HTML."""
        return self._places.of_text(words)

    @cached_property
    def _places(self) -> SourceLocator:
        return SourceLocator(self.issue, self.texts, self.newsletter.site)
