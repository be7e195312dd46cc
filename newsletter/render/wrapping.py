"""Wrap text in lines of at most 72 characters, the customary width of text mails."""

import re
import unicodedata
from collections.abc import Iterator

WIDTH = 72
_MIN_PIECE_CHARACTERS = 20  # the least length of a piece of a long word, at any indentation
_SPACES = re.compile(r"[ \t\r\n\f\v]+")  # without the no-break space


def wrap(text: str, width: int = WIDTH, prefix: str = "") -> str:
    """Wrap text into lines of at most `width` characters, all but the first with `prefix`; break no URL."""
    lines, line = [], ""
    for word in _words(text, max(_MIN_PIECE_CHARACTERS, width - len(prefix))):
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= width:
            line = f"{line} {word}"
        else:
            lines.append(line)
            line = prefix + word
    return "\n".join([*lines, line])


def _words(text: str, width: int) -> Iterator[str]:
    for word in _SPACES.split(text):
        if len(word) <= width or "://" in word or "mailto:" in word:
            if word:
                yield word
        else:
            yield from _pieces(word, width)


def _pieces(word: str, width: int) -> Iterator[str]:
    """Split a word that is longer than a line; keep combining characters with the character before them."""
    start = 0
    while len(word) - start > width:
        end = start + width
        while end > start + 1 and (
            unicodedata.category(word[end]) in _COMBINING or word[end - 1] == "\u200d"
        ):
            end -= 1
        yield word[start:end]
        start = end
    yield word[start:]


_COMBINING = ("Mn", "Mc", "Me", "Cf", "Sk")
