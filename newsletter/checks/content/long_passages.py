"""Check for paragraphs that are longer than a phone's screen."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem

# On a phone of 375 pixels a line holds about seven words at 16 pixels: 150 words fill the screen.
MAX_WORDS = 150
# The limit for scripts without spaces, in which a word has about two characters.
MAX_WIDE_CHARACTERS = 300
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def long_passages(proof: Proof) -> Iterator[Problem]:
    """A paragraph of more than 150 words, which fills a phone's screen."""
    for text, paragraph in proof.prose:
        words, wide = len(paragraph.split()), len(_WIDE.findall(paragraph))
        if words > MAX_WORDS or wide > MAX_WIDE_CHARACTERS:
            size = f"{words} words" if words > MAX_WORDS else f"{wide} characters"
            start = " ".join(paragraph.split()[:5])[:40]
            what = f'a paragraph of {size} ("{start}…")'
            yield Problem(proof.where(text, start), what, "split it into shorter paragraphs", "warning")
