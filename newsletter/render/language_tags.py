"""Find the data of a language by its tag (BCP 47): `de-AT` takes that of `de`."""

from collections.abc import Iterator
from typing import Literal

# Old codes, and countries whose writing is not that of the language's main country (CLDR's likely subtags
# and parents).
_SAME = {
    "cmn": "zh",
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "mo": "ro",
    "sh": "sr-latn",
    "tl": "fil",
    **dict.fromkeys(("zh-hk", "zh-mo", "zh-tw"), "zh-hant"),
    **dict.fromkeys(("pt-ao", "pt-cv", "pt-gw", "pt-mo", "pt-mz", "pt-st", "pt-tl"), "pt-pt"),
}
_RIGHT_TO_LEFT = frozenset(("ar", "fa", "he", "ur", "yi"))


def direction(language: str) -> Literal["ltr", "rtl"]:
    """Return the direction of a language's writing, as in HTML's `dir`."""
    return "ltr" if _RIGHT_TO_LEFT.isdisjoint(fallbacks(language)) else "rtl"


def fallbacks(language: str) -> Iterator[str]:
    """Yield the tags that describe a language, in small letters, the closest first; English is not added."""
    tag = language.lower()
    while tag:
        yield tag
        if tag in _SAME:
            yield from fallbacks(_SAME[tag])
            return
        tag = tag.rpartition("-")[0]
