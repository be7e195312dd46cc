"""Check for capitals and exclamation marks, which readers and spam filters take for shouting."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

_CHECKED_FIELDS = ("subject", "preheader", "heading", "title")
# A sentence may have names in capitals: they are half of the letters in "NASA at the UNESCO table".
_MIN_CAPITALS, _MIN_CAPITALS_SHARE = 8, 0.6
_MARKS = re.compile(r"[!\uff01\u00a1]\s*[!\uff01?]|[?]\s*!|[?]{3}|[$\u20ac]{3,}")


def shouting(proof: Proof) -> Iterator[Problem]:
    """A subject, preheader, heading or title in capitals, or with !!."""
    for text, line in proof.prose:
        if text.loc[-1] not in _CHECKED_FIELDS:
            continue
        name, shown = str(text.loc[-1]), printable(line)
        if _is_in_capitals(line):
            what = f'the {name} is in capitals ("{shown}")'
            yield Problem(proof.where(text), what, "write it as a sentence", "warning")
        if marks := _MARKS.search(line):
            what = f'the {name} contains "{marks[0]}" ("{shown}")'
            yield Problem(proof.where(text), what, "write one mark, or better none", "warning")


def _is_in_capitals(line: str) -> bool:
    letters = [letter for letter in line if letter.lower() != letter.upper()]
    capitals = sum(letter.isupper() for letter in letters)
    return " " in line and capitals >= max(_MIN_CAPITALS, len(letters) * _MIN_CAPITALS_SHARE)
