"""Check for short names of emoji, such as `:rocket:`, which the mail shows as they are."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_SHORT_NAME = re.compile(r"(?<![\w:/]):[a-z+][a-z0-9_+-]{1,40}:(?![\w:/])")


def short_names(proof: Proof) -> Iterator[Problem]:
    """A short name of an emoji, such as `:rocket:`, which readers would see."""
    for text, paragraph in proof.prose:
        for name in dict.fromkeys(_SHORT_NAME.findall(paragraph)):
            fix = "write the emoji itself, or delete the name"
            yield Problem(proof.where(text, name), f'readers would see "{name}"', fix, "note")
