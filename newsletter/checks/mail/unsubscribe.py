"""Check that both parts of the mail have an unsubscribe link."""

from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_LINK = "[[unsubscribe_url]]"


def unsubscribe(proof: Proof) -> Iterator[Problem]:
    """A part of the mail without an unsubscribe link."""
    fix = f"put {_LINK} into the footer template"
    if not any(link.get("href") == _LINK for link in proof.document.links):
        yield Problem(proof.issue.path, "the HTML part has no unsubscribe link", fix)
    if _LINK not in proof.rendered.text:
        yield Problem(proof.issue.path, "the text part has no unsubscribe link", fix)
