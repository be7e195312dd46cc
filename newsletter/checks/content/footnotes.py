"""Check that each reference to a note has a note, and each note a reference."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from newsletter.checks.code import without_code
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue.files import Text
from newsletter.render.commonmark import inspection
from newsletter.render.commonmark.parser import parse

# Brackets that are left in the words are no reference to a note.
_REFERENCE = re.compile(r"\[\^[^\[\]\n]{1,80}\]")
# Inline Markdown in one line, which has no notes.
_ONE_LINE = ("title", "heading", "caption")
_MISTAKES = {
    "unused": ("is not in the mail, because the text does not refer to it", "write {0} where it belongs"),
    "repeated": ("has the label of another note of this text", "give each note a label of its own"),
    "link": ("is read as a link, because its label has a space", "write a label without spaces: [^{1}]"),
}


def footnotes(proof: Proof) -> Iterator[Problem]:
    """A note without a reference, a reference without a note or in a title, or a label with a space."""
    for text in proof.texts:
        if text.loc[-1] in _ONE_LINE and text.loc[0] != "extra":
            for reference in dict.fromkeys(_REFERENCE.findall(without_code(text.content))):
                what = f"readers would see {printable(reference)}: a {text.loc[-1]} has no notes"
                yield Problem(proof.where(text, reference), what, "write it in the text below", "warning")
        if text.markdown and "[^" in text.content:
            for number, what, fix in _problems(text):
                yield Problem(proof.where_line(text, number), what, fix, "warning")


def _problems(text: Text) -> Iterator[tuple[int, str, str]]:
    lines = text.content.split("\n")
    for definition in parse(text.content).definitions:
        if definition.mistake:
            what, fix = _MISTAKES[definition.mistake]
            label = definition.label.replace(" ", "-").lower()
            reference = f"[^{definition.label}]"
            shown = printable(lines[definition.line].strip(), 40)
            yield definition.line, f'the note "{shown}" {what}', fix.format(reference, label)
    places: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        for reference in _REFERENCE.findall(line):
            places.setdefault(reference, []).append(number)
    for paragraph in inspection.texts(text.content):
        for reference in dict.fromkeys(_REFERENCE.findall(paragraph.words)):
            found = places.get(reference, [])
            nth = bisect_left(found, paragraph.line)
            what = f"there is no note {printable(reference)} in this text"
            fix = "write [^label]: and the note in a paragraph of its own; a label has no spaces"
            yield found[nth] if nth < len(found) else paragraph.line, what, fix
