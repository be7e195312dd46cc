"""Check for conflict markers of Git in the texts of an issue and in newsletter.yml."""

from collections.abc import Iterator

from newsletter.checks.code import only_code, without_code
from newsletter.checks.proof import Proof
from newsletter.conflict_markers import CHOOSE, conflict_markers
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.yamlfile import reader


def conflicts(proof: Proof) -> Iterator[Problem]:
    """Conflict markers of Git: <<<<<<<, |||||||, ======= and >>>>>>>."""
    for text in proof.texts:
        code = conflict_markers(only_code(text.content)) if text.markdown else []
        outside = conflict_markers(without_code(text.content) if text.markdown else text.content)
        for marker in sorted(code + outside):
            where = proof.where_line(text, marker.line, marker.mark)
            if marker in code:
                what = f"a conflict marker of Git in a block of code: {printable(str(marker))}"
                yield Problem(where, what, f"if it is no example, {CHOOSE}", "note")
            else:
                yield Problem(where, f"a conflict marker of Git: {printable(str(marker))}", CHOOSE)
    for loc, content in proof.newsletter.texts():
        for marker in conflict_markers(content):
            what = reader.sentence(loc, f"has a conflict marker of Git: {printable(str(marker))}")
            yield Problem(proof.newsletter.where(*loc), what, CHOOSE)
