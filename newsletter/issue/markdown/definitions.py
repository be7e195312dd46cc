"""Give each text of a body the definitions of links and notes that it uses.

In Markdown, a definition such as `[1]: https://example.com` or `[^1]: A note.` holds for the whole file. Each
text of an issue is converted on its own, and finds only the notes of its section.
"""

import re
from bisect import bisect_left, bisect_right
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

    @property
    def is_note(self) -> bool:
        """Return True for a note, False for a link."""
        return self.label.startswith("^")


def notes_in(paragraphs: Iterable[tuple[int, int]], lines: Sequence[str]) -> Iterator[Definition]:
    """Yield the definitions of notes in paragraphs, which are given by their lines."""
    for first, end in paragraphs:
        starts = [n for n in range(first, end) if _NOTE.match(lines[n])]
        for start, after in zip(starts, (*starts, end)[1:], strict=True):
            match = _NOTE.match(lines[start])
            yield Definition(start, after, match[1].casefold() if match else "")


class Place(NamedTuple):
    """A part of a body: its first line, from 0, the number of its section, and whether it has a text."""

    first: int
    section: int
    has_text: bool


class Placed(NamedTuple):
    """The definitions of a body from top to bottom, and its parts."""

    definitions: Sequence[Definition]
    places: Sequence[Place]


class Definitions:
    """The definitions of a body, to complete its texts."""

    def __init__(self, lines: Sequence[str], placed: Placed) -> None:
        self._lines, self._found, self._places = lines, placed.definitions, placed.places
        self._starts = [one.first for one in self._found]
        self._part_starts = [place.first for place in self._places]
        self._by_label = {one.label: one for one in reversed(self._found)}
        notes = [one for one in self._found if one.is_note]
        self._in_section = {(self._place(one.first).section, one.label): one for one in reversed(notes)}
        self._unused = set(_without_reference(lines, self._found))
        self._used_in_section = set(self._references(notes))
        self._copied: set[tuple[int, str]] = set()
        self._repeated = 0

    def text(self, first: int, end: int) -> list[str]:
        """Return lines of the body with the definitions that they use, and without those that they do not.

        A note stays if its section uses it, or if none does, so that its writer is told. One in these
        lines goes before one elsewhere. Raise IssueError if definitions are repeated so often that the texts
        become too long.
        """
        own = self._found[bisect_left(self._starts, first) : bisect_left(self._starts, end)]
        lines = list(self._lines[first:end])
        if not self._found:
            return lines
        section = self._place(first).section
        for one in own:
            lines[one.first - first : one.end - first] = [""] * (one.end - one.first)
        kept = [one for one in own if one.is_note and self._stays(one, section)]
        used = self._used("\n".join(lines), own, kept, section)
        for one in own:
            if one in used:
                lines[one.first - first : one.end - first] = self._lines[one.first : one.end]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines + [line for one in sorted(used - {*own}) for line in ("", *self._source(one))]

    def has_unused_note(self, first: int, end: int) -> bool:
        """Return True if lines of the body have a note that no text uses: its writer is told."""
        own = self._found[bisect_left(self._starts, first) : bisect_left(self._starts, end)]
        return any(one.label in self._unused for one in own)

    def _place(self, line: int) -> Place:
        return self._places[bisect_right(self._part_starts, line) - 1]

    def _stays(self, note: Definition, section: int) -> bool:
        return (section, note.label) in self._used_in_section or note.label in self._unused

    def _references(self, notes: Iterable[Definition]) -> Iterator[tuple[int, str]]:
        """Yield the section and the label of each note to which its section refers."""
        defined = Counter((self._place(note.first).section, note.label) for note in notes)
        if defined:
            written = Counter(
                (place.section, label)
                for place, end in zip(self._places, (*self._part_starts, len(self._lines))[1:], strict=True)
                for label in _labels("\n".join(self._lines[place.first : end]))
            )
            yield from (key for key, times in defined.items() if written[key] > times)

    def _used(
        self, text: str, own: Iterable[Definition], kept: Sequence[Definition], section: int
    ) -> set[Definition]:
        """Return the definitions that a text and its notes use, without notes that another text has."""
        own_by_label = {one.label: one for one in reversed([*own])}
        used, open_ = {*kept}, [text, *map(self._words, kept)]
        while open_:
            for label in _labels(open_.pop()):
                one = own_by_label.get(label) or self._elsewhere(label, section)
                if one and one not in used:
                    used.add(one)
                    if one.is_note:
                        open_.append(self._words(one))
        return used

    def _elsewhere(self, label: str, section: int) -> Definition | None:
        """Return a definition of another text; None for a note that a text of the section has already."""
        if not label.startswith("^"):
            return self._by_label.get(label)
        one = self._in_section.get((section, label))
        if (one and self._place(one.first).has_text) or (section, label) in self._copied:
            return None
        self._copied.add((section, label))
        return one or self._by_label.get(label)

    def _words(self, one: Definition) -> str:
        return "\n".join(self._lines[one.first : one.end])

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
    defined = Counter(one.label for one in found if one.is_note)
    written = Counter(_labels("\n".join(lines))) if defined else Counter()
    return (label for label, times in defined.items() if written[label] <= times)
