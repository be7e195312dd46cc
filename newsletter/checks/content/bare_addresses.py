"""Check that a bare address ends where the text behind it begins, in scripts without spaces."""

from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.render.commonmark import inspection


def bare_addresses(proof: Proof) -> Iterator[Problem]:
    """A bare address that includes the Chinese or Japanese text behind it."""
    for text in proof.texts:
        if text.markdown and "://" in text.content:
            for found in inspection.long_addresses(text.content):
                what = f"the link {printable(found.words)} includes the text behind it"
                fix = "put a space between them, or write the address in <…>"
                yield Problem(proof.where_line(text, found.line), what, fix, "warning")
