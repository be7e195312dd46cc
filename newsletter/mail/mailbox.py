"""Write a name and an address as one line of ASCII, for providers that build the header themselves."""

import base64
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~ -]*")
_MAX_WORD_BYTES, _MAX_NAME = 45, 200


def mailbox(name: str, address: str) -> str:
    """Return `Name <address>` (RFC 5322, 3.4); a name outside ASCII is written as words of RFC 2047."""
    name = _CONTROL.sub(" ", name).strip()[:_MAX_NAME]
    if not name:
        return address
    if not name.isascii() or "=?" in name:
        return f"{encoded_words(name)} <{address}>"
    quoted = name if _ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{quoted} <{address}>"


def encoded_words(text: str) -> str:
    """Encode text as RFC 2047 words of at most 75 characters, without splitting a character."""
    words, word = [], b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > _MAX_WORD_BYTES:
            words.append(word)
            word = b""
        word += encoded
    return " ".join(f"=?utf-8?b?{base64.b64encode(part).decode()}?=" for part in [*words, word])
