"""Check that the templates write each text of the issue: own ones may be older than a field of the issue."""

import re
from collections.abc import Iterable, Iterator

from newsletter.checks.mail.text_part import without_spaces
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.render.commonmark.notes import Note
from newsletter.render.markdown import inline_text, paragraphs
from newsletter.render.section_notes import numbered_sections

_WORD = re.compile(r"\w+")
_FILTERS = {"HTML": "markdown", "text": "plain"}
_LONG_WORD_CHARACTERS, _MAX_WORDS = 4, 40


def left_out(proof: Proof) -> Iterator[Problem]:
    """A text, a note, a section's heading, or the mark of an advertisement that a template leaves out."""
    for name, content in (("HTML", proof.document.readable), ("text", proof.rendered.text)):
        part = without_spaces(content).casefold()
        fix = f"write it in the {name} template; `news theme eject` copies the current templates"
        for text in proof.texts:
            words = _words(text)
            # Some words of a text may be split by notes, addresses and pictures between them.
            if words and sum(word in part for word in words) * 2 < len(words):
                what = f'the {name} part leaves out "{printable(text.content.strip(), 40)}"'
                yield Problem(proof.where(text), what, fix, "warning")
        yield from _notes_left_out(proof, name, content)
        mark = without_spaces(proof.newsletter.site.labels["advertisement"]).casefold()
        for loc, story in proof.issue.located_stories():
            if story.sponsor and mark not in part:
                what = f'the {name} part does not mark "{printable(story.title, 40)}" as an advertisement'
                fix = "write `labels.advertisement` where `story.sponsor` is true"
                yield Problem(files.where(proof.issue, (*loc, "title")), what, fix)


def _notes_left_out(proof: Proof, name: str, content: str) -> Iterator[Problem]:
    """Yield the first note of each section that a part of the mail leaves out."""
    noted = [text for text in proof.texts if text.markdown and "[^" in text.content]
    part = _flat(content) if noted else ""
    for texts, numbered in numbered_sections(noted):
        if note := _first_left_out(numbered.notes, part):
            text = next(text for text in texts if text.content == note.text)
            is_section = text.loc[0] in ("stories", "sections")
            variable = "section.notes" if is_section else f"issue.{text.loc[0]}_notes"
            what = f'the {name} part leaves out the note "{printable(_words_of(note), 40)}"'
            fix = (
                f"write `{{{{ {variable}|{_FILTERS[name]} }}}}` in the {name} template, below the other texts"
            )
            yield Problem(proof.where_line(text, note.definition.line), what, fix)


def _first_left_out(notes: Iterable[Note], part: str) -> Note | None:
    """Return the first note whose words are not in a part; the notes should follow each other in it."""
    position = 0
    for note in notes:
        words = _flat(_words_of(note))
        found = part.find(words, position)
        position = part.find(words) if found < 0 else found
        if position < 0:
            return note
    return None


def _words_of(note: Note) -> str:
    """Return the longest words of a note without code, links and other notes between them."""
    tokens = (token for block in note.definition.tokens for token in block.children or ())
    return max((token.content for token in tokens if token.type == "text"), key=len, default="")


def _flat(text: str) -> str:
    """Return the letters and digits of a text: templates, wrapping and headings change the rest."""
    return "".join(_WORD.findall(text.casefold()))


def _words(text: Text) -> list[str]:
    """Return the first words of a text, the long ones if it has any; none if templates need not write it."""
    if text.loc[0] == "extra" or "links" in text.loc:
        return []
    if text.markdown:
        content = "\n".join(paragraphs(text.content, notes=False))
    elif text.loc[0] == "sections" and text.loc[2:] == ("heading",):
        content = inline_text(text.content)
    else:
        return []
    words = _WORD.findall(content.casefold())[:_MAX_WORDS]
    return [word for word in words if len(word) >= _LONG_WORD_CHARACTERS] or words
