"""Repair tokens that a mail program, or a person who copied a link, changed."""

from urllib.parse import unquote

_MAX_LENGTH = 300
"""Characters of a token with what was appended to it; a longer text is no token."""
_APPENDED = " \t\r\n\u00a0.,;:!?)]}>\"'`*_\u00bb\u201c\u201d\u2019"
"""The end of a sentence, or what stands around a link in text."""


def repaired(token: str) -> str:
    """Return a token in lower case, without what was appended to it; "" for a text that is no token.

    Percent-encoded characters are decoded, also if they were encoded twice (`%252E`).
    """
    if len(token) > _MAX_LENGTH:
        return ""
    return unquote(unquote(token)).rstrip(_APPENDED).lower()
