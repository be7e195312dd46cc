"""Compare the names of columns and the words of cells, whatever their capitals, accents and separators are.

`words_of` finds the words inside a text. `column_key` tells two columns apart, so it keeps the separators:
tools write `Created at` and `created_at`. `phrase_key` is for names and words that people write.
"""

import re
import unicodedata

_SEPARATORS = re.compile("[\\s_.:/\u2010-\u2015-]+")
_CAPITAL_INSIDE = re.compile("(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without digits and punctuation.

    `unsubscribedAt`, `UNSUBSCRIBED_AT` and `Unsubscribed at` have the same words.
    """
    return _WORD.findall(_without_marks(_CAPITAL_INSIDE.sub(" ", _decomposed(text))).casefold())


def column_key(name: str) -> str:
    """Return the name of a column as it is compared: blanks and separators count."""
    return " ".join(_without_marks(_decomposed(name)).casefold().split())


def phrase_key(text: str) -> str:
    """Return a phrase as it is compared: `HARD_BOUNCE`, `hard-bounce` and `Hard bounce.` are equal.

    An asterisk counts, since it may point to a note that changes the meaning.
    """
    return _SEPARATORS.sub(" ", column_key(text)).strip()


def _decomposed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKD", text)


def _without_marks(text: str) -> str:
    """Return a text without accents and invisible characters."""
    if text.isascii():
        return text
    return "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cf"))
