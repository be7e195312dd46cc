"""Check that each reference to a note has a note, and each note a reference, in the same section."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from newsletter.checks.code import without_code
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue.files import Text
from newsletter.render.commonmark import inspection
from newsletter.render.commonmark.notes import Numbered
from newsletter.render.commonmark.parser import parse
from newsletter.render.commonmark.prose import picture_words
from newsletter.render.section_notes import numbered_sections

# Brackets that are left in the words are no reference to a note.
_REFERENCE = re.compile(r"\[\^[^\[\]\n]{1,80}\]")
# Inline Markdown in one line, which has no notes.
_ONE_LINE = ("title", "heading", "caption")
_FAULTS = {
    "unused": ("is not in the mail, because its section does not refer to it", "write {0} where it belongs"),
    "repeated": ("has the label of another note of its section", "give each note a label of its own"),
    "link": ("is read as a link, because its label has a space", "write a label without spaces: [^{1}]"),
}
_FIX = (
    "write [^label]: and the note in a paragraph of its own, anywhere in the section; a label has no spaces"
)


def footnotes(proof: Proof) -> Iterator[Problem]:
    """A note without a reference, a reference without a note or in a title, or a label with a space."""
    for text in proof.texts:
        if text.loc[-1] in _ONE_LINE and text.loc[0] != "extra":
            for reference in dict.fromkeys(_REFERENCE.findall(without_code(text.content))):
                what = f"readers would see {printable(reference)}: a {text.loc[-1]} has no notes"
                yield Problem(proof.where(text, reference), what, "write it in the text below", "warning")
    noted = [text for text in proof.texts if text.markdown and "[^" in text.content]
    for texts, numbered in numbered_sections(noted):
        found = _found(numbered)
        for text in texts:
            for number, what, fix in sorted({*found.pop(text.content, ()), *_unread(text)}):
                yield Problem(proof.where_line(text, number), what, fix, "warning")


def _found(numbered: Numbered) -> dict[str, list[tuple[int, str, str]]]:
    """Return the line, what is wrong and the fix of each finding by the content of its text."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for text, definition, fault in numbered.faults:
        found.setdefault(text, []).append(_faulty(text, definition.line, definition.label, fault))
    for text, reference in numbered.missing:
        found.setdefault(text, []).append(_missing(reference.line, f"[^{reference.label}]"))
    return found


def _unread(text: Text) -> Iterator[tuple[int, str, str]]:
    """Yield the definitions and references that Markdown does not read as such."""
    for label, line in parse(text.content).links:
        yield _faulty(text.content, line, label, "link")
    for line, words in picture_words(text.content):
        for reference in dict.fromkeys(_REFERENCE.findall(words)):
            what = f"readers would see {printable(reference)}: a picture has no notes"
            yield line, what, "write it in the text beside the picture"
    places: dict[str, list[int]] = {}
    for number, words in enumerate(text.content.split("\n")):
        for reference in _REFERENCE.findall(words):
            places.setdefault(reference, []).append(number)
    for paragraph in inspection.texts(text.content):
        for reference in dict.fromkeys(_REFERENCE.findall(paragraph.words)):
            found = places.get(reference, [])
            nth = bisect_left(found, paragraph.line)
            yield _missing(found[nth] if nth < len(found) else paragraph.line, reference)


def _faulty(source: str, line: int, label: str, fault: str) -> tuple[int, str, str]:
    what, fix = _FAULTS[fault]
    shown = printable(source.split("\n")[line].strip(), 40)
    return line, f'the note "{shown}" {what}', fix.format(f"[^{label}]", label.replace(" ", "-").lower())


def _missing(line: int, reference: str) -> tuple[int, str, str]:
    return line, f"there is no note {printable(reference)} in this section", _FIX
