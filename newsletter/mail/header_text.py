"""Write text for a header of a mail (RFC 5322, RFC 2047), for all ways to send it."""

import base64
import re

# A quoted name of this length and its address fit into a line of 998 bytes.
MAX_NAME_CHARACTERS = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# The characters of atoms (RFC 5322, 3.2.3), and spaces; without the `%` that begins a variable of Mailgun.
_ATOMS = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~ -]*")
_MAX_WORD_BYTES = 45


def clean(text: str) -> str:
    """Return a text without control characters, which could start another header."""
    return _CONTROL.sub(" ", text).strip()


def display_name(text: str) -> str:
    """Return the name of a person or of the newsletter as a header can have it: clean, and not too long."""
    return clean(text)[:MAX_NAME_CHARACTERS]


def needs_quotes(name: str) -> bool:
    """Return True for a name that a header can have only between quotation marks, or encoded."""
    return not _ATOMS.fullmatch(name)


def quoted_string(text: str) -> str:
    """Return a text between quotation marks (RFC 5322, 3.2.4)."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def encoded_words(text: str, separator: str = " ") -> str:
    """Return text as words of at most 75 characters, without splitting a character."""
    words, word = [], b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > _MAX_WORD_BYTES:
            words.append(word)
            word = b""
        word += encoded
    return separator.join(f"=?utf-8?b?{base64.b64encode(part).decode()}?=" for part in [*words, word])
