"""Check the placeholders: readers would see an unknown one, and filling one in a web address leaks data."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER, PLACEHOLDERS
from newsletter.errors import Problem

_PLACEHOLDER_LIKE = re.compile(r"\[\[\s*[A-Za-z][\w-]*\s*\]\]")
# A run of characters that can be one web address, and the start of one; backslashes are slashes for browsers.
_RUN = re.compile(r"[^\s\"<>]+")
_HOST = re.compile(r"https?:|[/\\]{2}", re.IGNORECASE)
# The attributes with words that readers see or hear; any other one may hold a web address.
_WORDS = frozenset(("abbr", "alt", "aria-description", "aria-label", "label", "summary", "title"))


def placeholders(proof: Proof) -> Iterator[Problem]:
    """A [[placeholder]] that nothing fills, or one in a subject or a web address."""
    html, text = proof.rendered.html, proof.rendered.text
    known = "the placeholders are " + ", ".join(f"[[{name}]]" for name in PLACEHOLDERS)
    for written in sorted(_unknown(html) | _unknown(text)):
        yield Problem(proof.where(written), f"{written} is not a known placeholder", known)
    for written in sorted(_in_addresses(proof)):
        what = f"a web address with {written} in it sends readers' data to that site"
        yield Problem(proof.where(written), what, "remove it from the address", fixed_severity=True)
    for part in ("subject", "preheader"):
        for match in _PLACEHOLDER_LIKE.finditer(getattr(proof.rendered, part)):
            what = f"{match[0]} is not filled in the {part}"
            yield Problem(proof.where(match[0]), what, "write words instead")


def _in_addresses(proof: Proof) -> set[str]:
    """Return the placeholders in web addresses of both parts."""
    runs = [run for part in (proof.rendered.text, proof.rendered.html) for run in _RUN.findall(part)]
    # Browsers ignore blanks in an address, and a quotation mark can be part of it.
    runs += [
        "".join(str(value).split())
        for document in (proof.document, proof.document.in_outlook)
        for element in document.elements
        for name, value in element.attrib.items()
        if name not in _WORDS and "[[" in value
    ]
    return {
        placeholder[0]
        for run in runs
        if "[[" in run and (host := _HOST.search(run))
        for placeholder in PLACEHOLDER.finditer(run, host.end())
    }


def _unknown(content: str) -> set[str]:
    return {written for written in _PLACEHOLDER_LIKE.findall(content) if not PLACEHOLDER.fullmatch(written)}
