"""Check for a word that is written twice in a row, most often at a line break."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_TWICE = re.compile(r"(?<![\w./:@'\u2019-])([^\W\d_]+) +(\1)(?![\w./:@'\u2019-]*\w)", re.IGNORECASE)
# Words that a language repeats correctly ("all that that means"); None switches the check off for a language.
_CORRECT_PAIRS = {
    "en": {"that", "had", "her", "no", "so", "very", "bye"},
    "de": {"die", "der", "das", "den", "dem", "sie"},
    "fr": {"nous", "vous"},
    "nl": {"die", "dat", "zij", "je"},
    "it": {"via", "piano"},
    **dict.fromkeys(("az", "hi", "id", "jv", "ms", "sw", "tr")),
}


def doubled_words(proof: Proof) -> Iterator[Problem]:
    """The same word twice in a row, except names (Duran Duran) and usual pairs (that that)."""
    allowed = _CORRECT_PAIRS.get(proof.newsletter.config.language.split("-")[0].lower(), set())
    if allowed is None:  # the language forms plurals and adverbs by repetition
        return
    for text, paragraph in proof.prose:
        for pair in _TWICE.finditer(paragraph):
            first, second = pair[1], pair[2]
            if first.lower() in allowed or (first == second and first[:1].isupper()):  # a name: Duran Duran
                continue
            where = proof.where(text, f"{first} {second}")
            yield Problem(where, f'"{first} {second}": the same word twice', "delete one of them", "warning")
