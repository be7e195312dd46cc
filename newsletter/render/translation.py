"""Translate the sentences of web pages and of mail about subscriptions.

A sentence stands in English where it is used, and is the key of its translations: JSON files in a folder of
texts, one a language.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

from newsletter.render.language_tags import fallbacks

_FIELD = re.compile(r"\{([a-z_]+)\}")
_ENGLISH = "en"


def text_language(texts: Path, language: str) -> str:
    """Return the language if there are texts in it, else English, in which its readers see the sentences."""
    tags = list(fallbacks(language))
    return language if _ENGLISH in tags or _closest(texts, language) else _ENGLISH


def translations(texts: Path, language: str) -> Mapping[str, str]:
    """Return the translations of a language by English sentence; empty for English and unknown languages."""
    closest = _closest(texts, language)
    return _read(closest) if closest else {}


def translator(found: Mapping[str, str], *, html: bool) -> Callable[..., str]:
    """Return the function `t` of templates; with `html`, it escapes sentences and values for HTML."""

    def translate(sentence: str, /, **values: object) -> str:
        """Return a sentence in the language, with values in place of its `{fields}`; else in English."""
        sentence = str(sentence)
        _compare(sentence, set(fields(sentence)), set(values))
        parts = _FIELD.split(found.get(sentence, sentence))
        filled = [values[part] if number % 2 else part for number, part in enumerate(parts)]
        return Markup("").join(map(escape, filled)) if html else "".join(map(str, filled))

    return translate


def fields(sentence: str) -> list[str]:
    """Return the names of the fields of a sentence, in their order."""
    return _FIELD.findall(sentence)


def _compare(sentence: str, expected: set[str], given: set[str]) -> None:
    """Raise ValueError unless a sentence has a value for each field, and a field for each value."""
    for name in sorted(expected ^ given):
        what = "no value for" if name in expected else "no field for the value"
        raise ValueError(f't("{sentence}") has {what} {name}')


@cache
def _closest(texts: Path, language: str) -> Path | None:
    """Return the file of the closest language that has one; None for English and for unknown languages."""
    for tag in fallbacks(language):
        if tag == _ENGLISH:
            return None
        if (file := texts / f"{tag}.json").is_file():
            return file
    return None


@cache
def _read(file: Path) -> Mapping[str, str]:
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found
