"""Where the words of a mail were written: a line of the issue's file, or else of a template."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from html import escape

from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.issue.model import Issue
from newsletter.render.model import Site
from newsletter.render.templates import Filled, render_template
from newsletter.yamlfile.reader import standing

Place = Callable[[], str]


class SourceLocator:
    """Finds words of an issue's mail where they were written."""

    def __init__(self, issue: Issue, texts: Sequence[Text], site: Site) -> None:
        self._issue, self._texts, self._site = issue, texts, site

    def of(self, words: str) -> str:
        """`file:line` of some words; the issue's file where they stand nowhere."""
        return self.find(words) or self._issue.path

    def of_text(self, words: str) -> str:
        """The same for words of the text part."""
        return next((place() for place in self._in(self._text, words)), None) or self.of(words)

    def find(self, words: str, nth: int = 0, total: int = 1) -> str | None:
        """`file:line` of what stands in the mail `total` times, for the nth of these (from 0).

        A template may show a part of an issue more than once: the title in a list, on top and in a link.
        """
        if not words.strip():
            return None
        found = next(filter(None, map(list, self._everywhere(words))), [])
        # Where a place is found depends on which is asked for: tracing a template means filling it once more.
        return found[nth * len(found) // total]() if found else None

    def _in_issue(self, words: str) -> Iterator[Place]:
        sought = standing(words)
        for text in self._texts:
            for nth, _ in enumerate(sought.finditer(text.content)):
                yield partial(files.where, self._issue, text.loc, words, nth)

    def _everywhere(self, words: str) -> Iterator[Iterator[Place]]:
        yield self._in_issue(words)
        yield self._in(self._mjml, words)
        yield self._in(self._text, words)

    def _in(self, filled: Filled, words: str) -> Iterator[Place]:
        spellings = dict.fromkeys((words, escape(words, quote=False), escape(words)))
        sought = "|".join(r"\s+".join(map(re.escape, one.split())) for one in spellings)
        for match in re.finditer(sought, filled.text):
            yield partial(filled.where, match.start())

    @cached_property
    def _mjml(self) -> Filled:
        return render_template("layout.mjml.j2", self._issue, self._site)

    @cached_property
    def _text(self) -> Filled:
        return render_template("layout.txt.j2", self._issue, self._site)
