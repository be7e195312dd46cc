"""Find the conflict markers that Git and other version control systems leave in a file."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

CHOOSE = "keep one of the two texts, and delete the lines with the markers"
"""The fix of a problem with a conflict marker."""
# A marker is seven equal characters and mostly a label. Jujutsu writes the last three between the first two.
_MARKER = re.compile(r"(?<!\S)(?:<{7}|>{7}|\|{7}|={7}|%{7}|\+{7}|-{7})(?!\S)")
# Without one of these, the others are the underline of a heading, or a rule.
_CERTAIN = "<>|"
_MAX_LABEL_CHARACTERS = 60


class Marker(NamedTuple):
    """A conflict marker at a line and a column, both from 0; `label` is what follows it."""

    line: int
    column: int
    mark: str
    label: str

    def __str__(self) -> str:
        return f"{self.mark} {self.label}".rstrip()


def conflict_markers(text: str) -> list[Marker]:
    """Return the conflict markers of a text; none for an underline, a deep quotation or a row of a table."""
    if not any(mark * 7 in text for mark in _CERTAIN):
        return []
    found = list(_candidates(text))
    certain = [number for number, marker in enumerate(found) if marker.mark[0] in _CERTAIN]
    return found[_start(found, certain[0]) : certain[-1] + 1] if certain else []


def _start(found: Sequence[Marker], certain: int) -> int:
    """Return the number of the first marker; of a conflict without its beginning, that of its `=======`."""
    is_end = found[certain].mark[0] == ">"
    return certain - 1 if is_end and certain and found[certain - 1].mark[0] == "=" else certain


def _candidates(text: str) -> Iterator[Marker]:
    before, is_conflict = "", False
    for number, line in enumerate(text.split("\n")):
        for match in _MARKER.finditer(line):
            kind = match[0][0]
            # A quotation may follow a quotation, and an empty row another row of a table.
            continues = kind in ">|" and before.startswith(kind) and not is_conflict
            if not continues:
                is_conflict = is_conflict or kind in _CERTAIN
                label = line[match.end() : match.end() + _MAX_LABEL_CHARACTERS].strip()
                yield Marker(number, match.start(), match[0], label)
        before = line.strip()
