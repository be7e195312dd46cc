"""A word that stands there twice, most often where a line was broken."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_TWICE = re.compile(r"(?<![\w./:@'\u2019-])([^\W\d_]+) +(\1)(?![\w./:@'\u2019-]*\w)", re.IGNORECASE)
# Words that a language does say twice: "all that that means", "nous nous voyons".
_SAID_TWICE = {
    "en": {"that", "had", "her", "no", "so", "very", "bye"},
    "de": {"die", "der", "das", "den", "dem", "sie"},
    "fr": {"nous", "vous"},
    "nl": {"die", "dat", "zij", "je"},
    "it": {"via", "piano"},
    **dict.fromkeys(("az", "hi", "id", "jv", "ms", "sw", "tr")),
}


def doubled_words(proof: Proof) -> Iterator[Problem]:
    """The same word twice in a row, but for names (Duran Duran) and what is said so (that that)."""
    usual = _SAID_TWICE.get(proof.newsletter.config.language.split("-")[0].lower(), set())
    if usual is None:  # languages that form plurals and adverbs so
        return
    for text, paragraph in proof.prose:
        for twice in _TWICE.finditer(paragraph):
            first, second = twice[1], twice[2]
            if first.lower() in usual or (first == second and first[:1].isupper()):  # a name: Duran Duran
                continue
            where = proof.where(text, f"{first} {second}")
            yield Problem(where, f'"{first} {second}": the same word twice', "delete one", "warning")
