"""Check the size of the HTML: Gmail cuts it off after about 102 KB, and with it the unsubscribe link."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from textwrap import shorten

from newsletter.checks.proof import Proof
from newsletter.constants import CLIPPED_BYTES
from newsletter.errors import Problem, Severity

WARNING_BYTES = CLIPPED_BYTES * 85 // 100
_MAX_PARTS = 6
_HEADING = re.compile(r"<h[1-6]\b[^>]*>(.*?)</h[1-6]>", re.DOTALL)
_START = re.compile(r"<(?:body|h[12])\b")


def weight(proof: Proof) -> Iterator[Problem]:
    """HTML over 102 KB, which Gmail cuts off; a warning from 85 % of that."""
    size = len(proof.rendered.html.encode())
    if size < WARNING_BYTES:
        return
    limit = CLIPPED_BYTES // 1000
    what = f"the HTML weighs {size / 1000:.0f} KB; Gmail shows {limit} KB and cuts off the rest"
    severity: Severity = "error" if size >= CLIPPED_BYTES else "warning"
    table = [f"{part / 1000:7.1f} KB {part * 100 // size:3d} %  {name}" for name, part in heaviest(proof)]
    yield Problem(
        proof.issue.path, what, "leave out a story, or shorten some", severity, details=tuple(table)
    )


def heaviest(proof: Proof) -> list[tuple[str, int]]:
    """Return the names and the bytes of the six heaviest parts of the HTML, heaviest first.

    A part starts at the body or at a heading h1 or h2.
    """
    html = proof.rendered.html
    cuts = [0, *(start.start() for start in _START.finditer(html)), len(html)]
    parts = [html[begin:end] for begin, end in pairwise(cuts)]
    sizes = [(_part_name(part, first=not n), len(part.encode())) for n, part in enumerate(parts)]
    return sorted(sizes, key=lambda size: -size[1])[:_MAX_PARTS]


def _part_name(part: str, *, first: bool) -> str:
    heading = _HEADING.match(part)
    if heading:
        return shorten(unescape(re.sub(r"<[^<>]+>", "", heading[1])), 60, placeholder="…")
    return "head and style sheets" if first else "the part before the first heading"
