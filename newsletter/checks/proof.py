"""What a check reads: an issue, the mail that it became, and where each part of that mail was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from newsletter import issues
from newsletter.checks.document import Document, Element
from newsletter.checks.places import Places
from newsletter.config import Newsletter
from newsletter.issues import Text
from newsletter.models import Issue, Rendered


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
        return list(issues.texts(self.issue))

    @cached_property
    def document(self) -> Document:
        """The HTML part, parsed."""
        return Document(self.rendered.html)

    def where(self, found: Text | Element | str, words: str = "") -> str:
        """`file:line` of a text of the issue or of words in it, of an element of the mail, or of any words.

        That is a line of the issue, or else of the template that wrote it.
        """
        match found:
            case Text(loc):
                return issues.where(self.issue, loc, words)
            case str():
                return self._places.of(found)
        for key in self.document.keys(found):
            alike = self.document.alike(found, key)
            if place := self._places.find(key, alike.index(found), len(alike)):
                return place
        return self.issue.path

    @cached_property
    def _places(self) -> Places:
        return Places(self.issue, self.texts, self.newsletter.site)
