"""Number the notes of an issue: those of a section stand together at its end."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from newsletter.issue.files import Text
from newsletter.render.commonmark.notes import NotedText, NoteList, Numbered, number_notes, with_own_notes
from newsletter.yamlfile.values import Loc


class SectionNotes(NamedTuple):
    """The texts of a section that have notes, by their content, and the list of its notes."""

    texts: Mapping[str, NotedText]
    notes: NoteList


NO_NOTES = SectionNotes({}, NoteList.of(()))


@dataclass
class IssueNotes:
    """The notes of each section by its location, and the texts of an issue that have notes by their content.

    The locations are those of `Issue.located_sections`, and `("opening",)` and `("closing",)`.
    """

    sections: dict[Loc, SectionNotes] = field(default_factory=dict)
    texts: dict[str, NotedText] = field(default_factory=dict)

    def of(self, loc: Loc) -> SectionNotes:
        """Return the notes of a section."""
        return self.sections.get(loc, NO_NOTES)


def issue_notes(texts: Iterable[Text]) -> IssueNotes:
    """Return the notes of an issue; of the texts that may have notes, from top to bottom."""
    found, first = IssueNotes(), 1
    for loc, group in _by_section(texts):
        if loc is None:
            for text in group:
                noted = with_own_notes(text.content, first)
                if found.texts.setdefault(text.content, noted) is noted:
                    first += len(noted.notes)
            continue
        numbered = number_notes([text.content for text in group], first)
        first += len(numbered.notes)
        of_section = {text.source: text for text in numbered.texts}
        found.sections[loc] = SectionNotes(of_section, NoteList.of(numbered.notes))
        for content, noted in of_section.items():
            found.texts.setdefault(content, noted)
    return found


def numbered_sections(texts: Iterable[Text]) -> Iterator[tuple[list[Text], Numbered]]:
    """Yield the texts of each section with their notes, numbered from 1 in each."""
    for loc, group in _by_section(texts):
        if loc is not None:
            yield group, number_notes(text.content for text in group)


def _by_section(texts: Iterable[Text]) -> Iterator[tuple[Loc | None, list[Text]]]:
    """Yield the texts of each section with its location; None for texts of no section."""
    for loc, group in groupby(texts, lambda text: _section(text.loc)):
        yield loc, list(group)


def _section(loc: Loc) -> Loc | None:
    match loc[0]:
        case "opening" | "closing":
            return loc[:1]
        case "stories":
            return ()
        case "sections":
            return loc[:2]
    return None
