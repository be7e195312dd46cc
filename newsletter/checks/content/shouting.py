"""Capitals and exclamation marks read as shouting, to people and to spam filters."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

_LOUD = ("subject", "preheader", "heading", "title")
# Names are in capitals too: "NASA at the UNESCO table" is half of it.
_FEWEST_LETTERS, _LOUD_SHARE = 8, 0.6
_MARKS = re.compile(r"[!\uff01\u00a1]\s*[!\uff01?]|[?]\s*!|[?]{3}|[$\u20ac]{3,}")


def shouting(proof: Proof) -> Iterator[Problem]:
    """A subject, preheader, heading or title in capitals, or with !!."""
    for text, line in proof.prose:
        if text.loc[-1] not in _LOUD:
            continue
        name, shown = str(text.loc[-1]), printable(line)
        if _capitals(line):
            what = f'the {name} is in capitals ("{shown}")'
            yield Problem(proof.where(text), what, "write it as a sentence", "warning")
        if marks := _MARKS.search(line):
            what = f'the {name} has "{marks[0]}" in it ("{shown}")'
            yield Problem(proof.where(text), what, "one mark is enough, and none is better", "warning")


def _capitals(line: str) -> bool:
    letters = [letter for letter in line if letter.lower() != letter.upper()]
    loud = sum(letter.isupper() for letter in letters)
    return " " in line and loud >= max(_FEWEST_LETTERS, len(letters) * _LOUD_SHARE)
