"""Bulk mail says where its sender can be reached by post (CAN-SPAM, 16 CFR 316; elsewhere alike)."""

from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem


def postal_address(proof: Proof) -> Iterator[Problem]:
    """A part of the mail without the sender's postal address."""
    address = _flat(proof.newsletter.config.postal_address)
    parts = {"HTML": _flat(proof.document.said), "text": _flat(proof.rendered.text)}
    for name, content in parts.items():
        if address not in content:
            what = f"the {name} part is without the postal address"
            yield Problem(proof.issue.path, what, "put {{ site.postal_address }} into the footer template")


def _flat(text: str) -> str:
    return "".join(text.split())
