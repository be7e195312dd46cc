"""Text in lines of at most 72 characters, the width that mail programs have agreed on."""

import re
import unicodedata
from collections.abc import Iterator

WIDTH = 72
_NARROWEST = 20  # of a word in pieces, however deep it is indented
_SPACES = re.compile(r"[ \t\r\n\f\v]+")  # a no-break space is none of them


def wrap(text: str, width: int = WIDTH, rest: str = "") -> str:
    """Text in lines of at most `width`, all but the first after `rest`; an address is never broken."""
    lines, line = [], ""
    for word in _words(text, max(_NARROWEST, width - len(rest))):
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= width:
            line = f"{line} {word}"
        else:
            lines.append(line)
            line = rest + word
    return "\n".join([*lines, line])


def _words(text: str, width: int) -> Iterator[str]:
    for word in _SPACES.split(text):
        if len(word) <= width or "://" in word or "mailto:" in word:
            if word:
                yield word
        else:
            yield from _broken(word, width)


def _broken(word: str, width: int) -> Iterator[str]:
    """A word too long for any line, in pieces; no piece starts with what belongs to the character before."""
    while len(word) > width:
        cut = width
        while cut > 1 and (unicodedata.category(word[cut]) in _ATTACHED or word[cut - 1] == "\u200d"):
            cut -= 1
        yield word[:cut]
        word = word[cut:]
    yield word


_ATTACHED = ("Mn", "Mc", "Me", "Cf", "Sk")
