"""Locate the source of words of a mail: a line of the issue's file, or of a template."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property, lru_cache, partial
from html import escape

from newsletter.checks.written_addresses import WrittenAddresses
from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.issue.model import Issue
from newsletter.render.model import Site
from newsletter.render.pictures import written_forms
from newsletter.render.template_data import TemplateInput
from newsletter.render.templates import Filled, render_template
from newsletter.yamlfile.reader import MAX_SEARCHED_CHARACTERS, phrase_pattern

Place = Callable[[], str]
_CACHED_WORDS = 64


def spelling_pattern(words: str) -> re.Pattern[str]:
    """Return a pattern that finds words in MJML or text, escaped or not, with white space between them."""
    words = words[:MAX_SEARCHED_CHARACTERS]
    spellings = dict.fromkeys((words, escape(words, quote=False), escape(words)))
    return re.compile("|".join(r"\s++".join(map(re.escape, spelling.split())) for spelling in spellings))


def _starts(words: str, text: str) -> list[int]:
    return [match.start() for match in phrase_pattern(words).finditer(text)]


class SourceLocator:
    """Find the source line of words of an issue's mail.

    While it is `paused`, a proof returns the issue's file for all words, without a search.
    """

    def __init__(self, issue: Issue, texts: Sequence[Text], site: Site) -> None:
        self._issue, self._texts, self._site = issue, texts, site
        self._given = TemplateInput(issue, site)
        self._places = lru_cache(maxsize=_CACHED_WORDS)(self._first_places)
        self._addresses = cache(WrittenAddresses)
        self.paused = False

    def locate(self, words: str) -> str:
        """Return `file:line` of words; the issue's file if they are not found."""
        return self.find(words) or self._issue.path

    def locate_in_text(self, words: str) -> str:
        """Return `file:line` of words of the text part; the issue's file if they are not found."""
        return next((place() for place in self._in(self._text, words)), None) or self.locate(words)

    def find_in_template(self, words: str, nth: int = 0, total: int = 1) -> str | None:
        """Return `file:line` of the template that wrote the nth occurrence of words; None as `find` does."""
        places = list(self._in(self._mjml, words))
        return places[nth * len(places) // total]() if places else None

    def find(self, words: str, nth: int = 0, total: int = 1) -> str | None:
        """Return `file:line` of the nth occurrence (from 0) of words that occur `total` times in the mail.

        Return None if the words are not found. They may occur more often in the mail than in the source: a
        template may show a story's title in a list, as a heading and in a link.
        """
        if not words.strip():
            return None
        places = self._places(words)
        return places[nth * len(places) // total]() if places else None

    def _first_places(self, words: str) -> list[Place]:
        """Return the places in the first of the sources that has the words."""
        return next(filter(None, map(list, self._sources(words))), [])

    def _in_issue(self, words: str) -> Iterator[Place]:
        is_address = not re.search(r"\s", words)
        for text in self._texts:
            starts = {words: _starts(words, text.content)}
            found = [(start, words) for start in starts[words]]
            if is_address and text.markdown:
                rewritten = self._addresses(text.content).find(words)
                starts |= {written: _starts(written, text.content) for _, written in rewritten}
                found = sorted(found + rewritten)
            for start, written in found:
                nth = bisect_left(starts[written], start)
                yield partial(files.where, self._issue, text.loc, written, nth)

    def _sources(self, words: str) -> Iterator[Iterator[Place]]:
        yield self._in_issue(words)
        for file in written_forms(words, self._site):
            yield self._in_issue(file)
        yield self._in(self._mjml, words)
        yield self._in(self._text, words)

    def _in(self, filled: Filled, words: str) -> Iterator[Place]:
        for match in spelling_pattern(words).finditer(filled.text):
            yield partial(filled.where, match.start())

    @cached_property
    def _mjml(self) -> Filled:
        return render_template("layout.mjml.j2", self._given)

    @cached_property
    def _text(self) -> Filled:
        return render_template("layout.txt.j2", self._given)
