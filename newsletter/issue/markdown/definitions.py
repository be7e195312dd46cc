"""Give each text of a body the definitions of links and notes that it uses.

In Markdown, a definition such as `[1]: https://example.com` or `[^1]: A note.` holds for the whole file; each
text of an issue is converted on its own.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from newsletter.errors import IssueError

MAX_REPEATED_CHARACTERS = 2_000_000
_NOTE = re.compile(r" {0,3}\[(\^[^\s\[\]]+)\]:")
_LABEL = re.compile(r"\[([^\[\]]+)\]")


class Definition(NamedTuple):
    """A definition with its first line, from 0, and the line after its last; the label of a note has a ^."""

    first: int
    end: int
    label: str


def notes_in(paragraphs: Iterable[tuple[int, int]], lines: Sequence[str]) -> Iterator[Definition]:
    """Yield the definitions of notes in paragraphs, which are given by their lines."""
    for first, end in paragraphs:
        starts = [n for n in range(first, end) if _NOTE.match(lines[n])]
        for start, after in zip(starts, (*starts, end)[1:], strict=True):
            match = _NOTE.match(lines[start])
            yield Definition(start, after, match[1].casefold() if match else "")


class Definitions:
    """The definitions of a body, to complete its texts."""

    def __init__(self, lines: Sequence[str], found: Sequence[Definition]) -> None:
        self._lines, self._found = lines, found
        self._starts = [one.first for one in found]
        self._by_label = {one.label: one for one in reversed(found)}
        self._unused = set(_without_reference(lines, found))
        self._repeated = 0

    def text(self, first: int, end: int) -> list[str]:
        """Return lines of the body with the definitions that they use, and without those that they do not.

        A note that no text uses stays, so that its writer is told. A definition in these lines goes before
        one elsewhere. Raise IssueError if definitions are repeated so often that the texts become too long.
        """
        own = self._found[bisect_left(self._starts, first) : bisect_left(self._starts, end)]
        lines = list(self._lines[first:end])
        if not self._found:
            return lines
        for one in own:
            lines[one.first - first : one.end - first] = [""] * (one.end - one.first)
        used = self._used("\n".join(lines), {one.label: one for one in reversed(own)})
        for one in own:
            if one in used or one.label in self._unused:
                lines[one.first - first : one.end - first] = self._lines[one.first : one.end]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines + [line for one in sorted(used - {*own}) for line in ("", *self._source(one))]

    def has_unused_note(self, first: int, end: int) -> bool:
        """Return True if lines of the body have a note that no text uses: its writer is told."""
        own = self._found[bisect_left(self._starts, first) : bisect_left(self._starts, end)]
        return any(one.label in self._unused for one in own)

    def _used(self, text: str, own: dict[str, Definition]) -> set[Definition]:
        """Return the definitions that a text uses, and those that its notes use."""
        used, open_ = set[Definition](), [text]
        while open_:
            for label in _labels(open_.pop()):
                one = own.get(label) or self._by_label.get(label)
                if one and one not in used:
                    used.add(one)
                    if one.label.startswith("^"):
                        open_.append("\n".join(self._lines[one.first : one.end]))
        return used

    def _source(self, one: Definition) -> Sequence[str]:
        lines = self._lines[one.first : one.end]
        self._repeated += sum(map(len, lines))
        if self._repeated > MAX_REPEATED_CHARACTERS:
            what = "the definitions of links and notes are longer than 2,000,000 characters with each use"
            raise IssueError.of("", what, "shorten them, or use them in fewer texts")
        return lines


def _labels(text: str) -> Iterator[str]:
    return (" ".join(match[1].split()).casefold() for match in _LABEL.finditer(text))


def _without_reference(lines: Sequence[str], found: Sequence[Definition]) -> Iterator[str]:
    """Yield the labels of notes that occur only in the definitions of the notes."""
    defined = Counter(one.label for one in found if one.label.startswith("^"))
    written = Counter(_labels("\n".join(lines))) if defined else Counter()
    return (label for label, times in defined.items() if written[label] <= times)
