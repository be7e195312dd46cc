"""Check for conflict markers of Git in the texts of an issue and in newsletter.yml."""

from collections.abc import Iterator

from newsletter.checks.code import only_code, without_code
from newsletter.checks.proof import Proof
from newsletter.conflict_markers import CHOOSE, Marker, conflict_markers
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue.files import Text
from newsletter.yamlfile import reader


def conflicts(proof: Proof) -> Iterator[Problem]:
    """Conflict markers of Git: <<<<<<<, |||||||, ======= and >>>>>>>."""
    for text in proof.texts:
        code = conflict_markers(only_code(text.content)) if text.markdown else []
        outside = conflict_markers(without_code(text.content) if text.markdown else text.content)
        for marker, where in _located(proof, text, sorted(code + outside)):
            if marker in code:
                what = f"a conflict marker of Git in a block of code: {printable(str(marker))}"
                yield Problem(where, what, f"if it is no example, {CHOOSE}", "note")
            else:
                yield Problem(where, f"a conflict marker of Git: {printable(str(marker))}", CHOOSE)
    for loc, content in proof.newsletter.texts():
        for marker in conflict_markers(content):
            what = reader.sentence(loc, f"has a conflict marker of Git: {printable(str(marker))}")
            yield Problem(proof.newsletter.where(*loc), what, CHOOSE)


def _located(proof: Proof, text: Text, markers: list[Marker]) -> Iterator[tuple[Marker, str]]:
    """Yield the conflict markers of a text, in their order, each with its `file:line`."""
    start = proof.where(text) if markers else ""
    file, _, first = start.rpartition(":")
    source = proof.issue.source.split("\n") if first.isdecimal() else []
    lines = ((number, line) for number, line in enumerate(source, 1) if number >= int(first))
    for marker in markers:
        number = next((number for number, line in lines if marker.mark in line), None)
        yield marker, f"{file}:{number}" if number else start
