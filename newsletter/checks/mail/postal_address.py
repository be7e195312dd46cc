"""Check for the postal address, which the law requires in bulk mail (CAN-SPAM, 16 CFR 316)."""

from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem


def postal_address(proof: Proof) -> Iterator[Problem]:
    """A part of the mail without the sender's postal address."""
    address = _without_spaces(proof.newsletter.config.postal_address)
    parts = {"HTML": _without_spaces(proof.document.text), "text": _without_spaces(proof.rendered.text)}
    for name, content in parts.items():
        if address not in content:
            what = f"the {name} part has no postal address"
            yield Problem(proof.issue.path, what, "put {{ site.postal_address }} into the footer template")


def _without_spaces(text: str) -> str:
    return "".join(text.split())
