"""The labels of a mail in the languages that news knows; the English ones are the defaults of `Labels`."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from newsletter.render.language_tags import fallbacks

_FILE = Path(__file__).with_name("label_texts.json")
_IN_THE_MODEL = "en"


def label_texts(language: str) -> Mapping[str, str] | None:
    """Return the labels that differ from the English ones, by name; None for a language without labels."""
    tags = list(fallbacks(language))
    if _IN_THE_MODEL in tags:
        return {}
    return next((_languages()[tag] for tag in tags if tag in _languages()), None)


@cache
def _languages() -> Mapping[str, Mapping[str, str]]:
    languages: dict[str, dict[str, str]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return languages
