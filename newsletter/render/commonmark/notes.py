"""Number the notes of texts together: a reference finds a definition in its own text or in another one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from newsletter.render.commonmark.note_tokens import Definition, Reference
from newsletter.render.commonmark.parser import parse

Fault = Literal[
    "unused",  # no text refers to the note
    "repeated",  # the label has another definition, which references find first
]
_Key = tuple[int, str]  # the number of a text, and the label of one of its definitions


class NotedText(str):
    """A text in Markdown with the numbers of its notes by label, and with the notes to write below it."""

    __slots__ = ("notes", "numbers", "source")
    source: str  # as a `str`, by which a parsed text is cached
    numbers: Mapping[str, int]
    notes: "Sequence[Note]"

    def __new__(cls, source: str, numbers: Mapping[str, int], notes: "Sequence[Note]" = ()) -> "NotedText":
        """Return a text with its notes; without `notes`, they are written elsewhere."""
        text = super().__new__(cls, source)
        text.source, text.numbers, text.notes = source, numbers, notes
        return text

    @property
    def is_only_notes(self) -> bool:
        """Return True for a text that has nothing but definitions of notes."""
        return not parse(self.source).tokens


class Note(NamedTuple):
    """A note with its number in the issue, and the text that defines it."""

    number: int
    text: NotedText
    definition: Definition


class NoteList(NotedText):
    """The notes of a section as a text of templates; empty if there are none."""

    __slots__ = ()

    @classmethod
    def of(cls, notes: Sequence[Note]) -> "NoteList":
        """Return a list of notes, whose text has the words of each."""
        words = (
            " ".join(token.content for token in note.definition.tokens if token.content) for note in notes
        )
        numbered = (f"[^{note.number}]: {text}" for note, text in zip(notes, words, strict=True))
        return cls.__new__(cls, "\n\n".join(numbered), {}, notes)  # type: ignore[return-value]


class Numbered(NamedTuple):
    """The texts of a section and their notes; faults and references without a note, with their texts."""

    texts: tuple[NotedText, ...]
    notes: tuple[Note, ...]
    faults: tuple[tuple[NotedText, Definition, Fault], ...]
    missing: tuple[tuple[NotedText, Reference], ...]


def number_notes(sources: Iterable[str], first: int = 1) -> Numbered:
    """Return the texts of a section with the numbers of their notes, in the order of the first reference.

    A definition in the text itself goes before one elsewhere, and an earlier one before a later one.
    """
    section = _Section(list(dict.fromkeys(sources)), first)
    texts = section.texts()
    return Numbered(
        texts,
        tuple(section.notes(texts)),
        tuple((texts[text], one, fault) for text, one, fault in section.faults()),
        tuple((texts[text], reference) for text, reference in section.missing),
    )


def with_own_notes(source: str, first: int = 1) -> NotedText:
    """Return a text of no section: its notes are written below it."""
    parsed = parse(source)
    if not (parsed.definitions or parsed.references):
        return NotedText(source, {})
    numbered = number_notes([source], first)
    return NotedText(source, numbered.texts[0].numbers, numbered.notes)


def with_every_note(source: str) -> NotedText:
    """Return a text with all notes that it defines, also those to which only other texts refer."""
    notes = [
        Note(number, NotedText(source, {}), one) for number, one in enumerate(parse(source).definitions, 1)
    ]
    return NotedText(source, {}, notes)


class _Section:
    """The definitions of the texts of a section, and their numbers."""

    def __init__(self, sources: Sequence[str], first: int) -> None:
        self._sources, self._first = sources, first
        self._parsed = [parse(source) for source in sources]
        self._definitions: dict[_Key, Definition] = {}
        self._text_of: dict[str, int] = {}
        for text, definition in self._every_definition():
            self._definitions.setdefault((text, definition.label), definition)
            self._text_of.setdefault(definition.label, text)
        self._numbers: dict[_Key, int] = {}
        self.missing: list[tuple[int, Reference]] = []
        self._follow()

    def _every_definition(self) -> Iterator[tuple[int, Definition]]:
        return ((text, one) for text, parsed in enumerate(self._parsed) for one in parsed.definitions)

    def _find(self, text: int, label: str) -> _Key | None:
        if (text, label) in self._definitions:
            return text, label
        return (self._text_of[label], label) if label in self._text_of else None

    def _follow(self) -> None:
        """Number the notes to which a text refers, then those to which notes refer."""
        open_: list[tuple[int, Sequence[Reference]]]
        open_ = [(text, parsed.references) for text, parsed in enumerate(self._parsed)]
        for text, references in open_:  # grows meanwhile
            for reference in references:
                key = self._find(text, reference.label)
                if key is None:
                    self.missing.append((text, reference))
                elif key not in self._numbers:
                    self._numbers[key] = self._first + len(self._numbers)
                    open_.append((key[0], self._definitions[key].references))

    def texts(self) -> tuple[NotedText, ...]:
        """Return the texts with the numbers of the notes to which they and their definitions refer."""
        return tuple(NotedText(source, self._known(text)) for text, source in enumerate(self._sources))

    def _known(self, text: int) -> dict[str, int]:
        parsed = self._parsed[text]
        references = [*parsed.references, *(r for one in parsed.definitions for r in one.references)]
        keys = {reference.label: self._find(text, reference.label) for reference in references}
        return {label: self._numbers[key] for label, key in keys.items() if key in self._numbers}

    def notes(self, texts: Sequence[NotedText]) -> Iterator[Note]:
        """Yield the notes in the order of their numbers."""
        for (text, label), number in self._numbers.items():
            yield Note(number, texts[text], self._definitions[text, label])

    def faults(self) -> Iterator[tuple[int, Definition, Fault]]:
        """Yield the definitions that no reader sees, and those that have the label of another one."""
        borrowed = self._borrowed()
        for text, one in self._every_definition():
            key = text, one.label
            is_unused = key not in self._numbers
            is_later = self._text_of[one.label] != text and (is_unused or one.label in borrowed)
            if self._definitions[key] is not one or is_later:
                yield text, one, "repeated"
            elif is_unused:
                yield text, one, "unused"

    def _borrowed(self) -> set[str]:
        """Return the labels whose note a text without such a note refers to."""
        return {
            label
            for text, parsed in enumerate(self._parsed)
            for label in (reference.label for reference in parsed.references)
            if (text, label) not in self._definitions
        }
