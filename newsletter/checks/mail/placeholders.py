"""Placeholders that nothing will fill would reach readers as they stand."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER, PLACEHOLDERS
from newsletter.errors import Problem

_LOOKS_LIKE_ONE = re.compile(r"\[\[\s*[A-Za-z][\w-]*\s*\]\]")
_IN_LINK = re.compile(rf"https?://[^\s\"<>]*?(\[\[(?:{'|'.join(PLACEHOLDERS)})\]\])")


def placeholders(proof: Proof) -> Iterator[Problem]:
    """A [[placeholder]] that nothing fills, or one in a subject or a web address."""
    html, text = proof.rendered.html, proof.rendered.text
    known = "the ones that are: " + ", ".join(f"[[{name}]]" for name in PLACEHOLDERS)
    for written in sorted(_unknown(html) | _unknown(text)):
        yield Problem(proof.where(written), f"{written} is no placeholder that is filled", known)
    for written in sorted(set(_IN_LINK.findall(text)) | set(_IN_LINK.findall(html))):
        what = f"a web address with {written} in it hands readers' data to that site"
        yield Problem(proof.where(written), what, "take it out of the address")
    for part in ("subject", "preheader"):
        for found in _LOOKS_LIKE_ONE.finditer(getattr(proof.rendered, part)):
            yield Problem(proof.where(found[0]), f"{part}: {found[0]} is not filled here", "write it out")


def _unknown(content: str) -> set[str]:
    return {one for one in _LOOKS_LIKE_ONE.findall(content) if not PLACEHOLDER.fullmatch(one)}
