"""Find invisible characters that reorder text or hide some of it.

Characters of normal writing are left alone: closed isolates and directional marks in mixed directions,
joiners in emoji and in words of Persian or Hindi, variation selectors, soft hyphens, line breaks in Thai.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

# Embeddings, overrides and their end (Unicode Standard Annex #9).
_REORDERING = re.compile("[\u202a-\u202e]")
# Invisible operators, deprecated and musical format characters, annotations, blank letters, tags.
_HIDING = re.compile(
    "[\u2061-\u2064\u206a-\u206f\u3164\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
# The flags of England, Scotland and Wales are a black flag and tags.
_TAGGED_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_LETTER = "[A-Za-z\u00c0-\u024f\u0370-\u052f\u1e00-\u1fff]"  # Latin, Greek, Cyrillic: spaces divide words
_SPLITTING = re.compile(f"(?<={_LETTER})[\u200b\u200d\u2060\ufeff](?={_LETTER})")
_MANY = re.compile(
    "[\u00ad\u034f\u180b-\u180f\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]{3,}"
)
# Letters, symbols and marks that show nothing: fillers, the empty Braille pattern, selectors.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_ISOLATE = re.compile("[\u2066-\u2069]")
_POP_ISOLATE = "\u2069"
# An isolate ends with its paragraph.
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


class Hidden(NamedTuple):
    """A hidden character; `effect` is its effect on a text, as a part of a sentence."""

    character: str
    effect: str

    def __str__(self) -> str:
        name = unicodedata.name(self.character, "")
        return f"U+{ord(self.character):04X} {name}".rstrip() + f", {self.effect}"


def find_hidden(text: str) -> list[Hidden]:
    """Return each character that reorders or hides text, once."""
    return [] if text.isascii() else list(dict.fromkeys(_find(text)))


def find_hidden_in_mail(text: str) -> list[Hidden]:
    """Return each character that reorders or hides text in a mail, where templates may write padding."""
    return [] if text.isascii() else list(dict.fromkeys(_find_anywhere(text)))


def is_visible(text: str) -> bool:
    """Return True if a text has a letter, a digit, a sign or a symbol that can be seen."""
    return any(unicodedata.category(c)[0] in "LNPS" for c in _BLANK.sub("", text))


def _find(text: str) -> Iterator[Hidden]:
    yield from _find_anywhere(text)
    if text.strip() and not is_visible(text):
        yield Hidden(text.strip()[0], "in a text without a visible character")
    for paragraph in _PARAGRAPH.split(text):
        yield from _unbalanced(paragraph)
    for match in _SPLITTING.finditer(text):
        yield Hidden(match[0], "which splits a word invisibly")
    for match in _MANY.finditer(text):
        yield Hidden(match[0][0], f"the first of {len(match[0])} invisible characters in a row")


def _find_anywhere(text: str) -> Iterator[Hidden]:
    for match in _REORDERING.finditer(text):
        yield Hidden(match[0], "which changes the order of the text around it")
    for match in _HIDING.finditer(_TAGGED_FLAG.sub("", text)):
        yield Hidden(match[0], "which is invisible")


def _unbalanced(paragraph: str) -> Iterator[Hidden]:
    """Yield isolates without an end, and ends without an isolate: they change the text around them."""
    opened: list[str] = []
    for match in _ISOLATE.finditer(paragraph):
        if match[0] != _POP_ISOLATE:
            opened.append(match[0])
        elif opened:
            opened.pop()
        else:
            yield Hidden(match[0], "the end of an isolate that does not begin")
    for character in opened:
        yield Hidden(character, f"an isolate without its end (U+{ord(_POP_ISOLATE):04X})")
