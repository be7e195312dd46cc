"""Encode text outside ASCII for a header (RFC 2047)."""

import base64

_MAX_WORD_BYTES = 45


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
