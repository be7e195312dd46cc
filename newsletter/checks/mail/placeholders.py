"""Check the placeholders: readers would see an unknown one, and filling one in a web address leaks data."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER, PLACEHOLDERS
from newsletter.errors import Problem

_PLACEHOLDER_LIKE = re.compile(r"\[\[\s*[A-Za-z][\w-]*\s*\]\]")
_IN_LINK = re.compile(rf"https?://(?:(?!https?://)[^\s\"<>])*?(\[\[(?:{'|'.join(PLACEHOLDERS)})\]\])")


def placeholders(proof: Proof) -> Iterator[Problem]:
    """A [[placeholder]] that nothing fills, or one in a subject or a web address."""
    html, text = proof.rendered.html, proof.rendered.text
    known = "the placeholders are " + ", ".join(f"[[{name}]]" for name in PLACEHOLDERS)
    for written in sorted(_unknown(html) | _unknown(text)):
        yield Problem(proof.where(written), f"{written} is not a known placeholder", known)
    for written in sorted(set(_IN_LINK.findall(text)) | set(_IN_LINK.findall(html))):
        what = f"a web address with {written} in it sends readers' data to that site"
        yield Problem(proof.where(written), what, "remove it from the address")
    for part in ("subject", "preheader"):
        for match in _PLACEHOLDER_LIKE.finditer(getattr(proof.rendered, part)):
            what = f"{match[0]} is not filled in the {part}"
            yield Problem(proof.where(match[0]), what, "write words instead")


def _unknown(content: str) -> set[str]:
    return {written for written in _PLACEHOLDER_LIKE.findall(content) if not PLACEHOLDER.fullmatch(written)}
