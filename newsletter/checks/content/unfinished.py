"""What an editor wrote to come back to, and did not."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.render.markdown import OMITTED

# In capitals. TK is what English-speaking journalists write for "to come"; elsewhere it is a name.
_MARK = re.compile(r"\b(?:TODO|FIXME|TBD|X{3,})\b|\b[Ll]orem ipsum\b")
_ENGLISH = re.compile(rf"{_MARK.pattern}|\bTK(?:TK)*\b")


def unfinished(proof: Proof) -> Iterator[Problem]:
    """TODO, TK, XXX, lorem ipsum, or a passage that says nothing."""
    language = proof.newsletter.config.language.lower()
    marks = _ENGLISH if language.partition("-")[0] == "en" else _MARK
    for text, paragraph in proof.prose:
        for mark in marks.finditer(paragraph):
            what = f'unfinished: "{_around(paragraph, mark)}"'
            fix = "finish it; where it is meant, write it as `code`"
            yield Problem(proof.where(text, mark[0]), what, fix)
    for text in proof.texts:
        if text.markdown and not re.search(r"\w", text.content):
            what = f'the passage says nothing ("{printable(text.content, 20)}")'
            yield Problem(proof.where(text), what, "write it, or delete it")


def _around(paragraph: str, mark: re.Match[str]) -> str:
    """The mark and a few words around it."""
    before = paragraph[: mark.start()].split(" ")[-3:]
    after = paragraph[mark.end() :].split(" ")[:4]
    return printable(" ".join(before) + mark[0] + " ".join(after)).replace(OMITTED, "…")
