"""Repair tokens that a mail program, or a person who copied a link, changed."""

import re
from urllib.parse import unquote

_MAX_LENGTH = 300
"""Characters of a token with what was appended to it; a longer text is no token."""
# The end of a sentence, or what stands around a link in text.
_APPENDED = re.compile(r"""[\s.,;:!?)\]}>"'`*_\u00bb\u201c\u201d\u2019]+\Z""")


def repaired(token: str) -> str:
    """Return a token in lower case, without what was appended to it; "" for a text that is no token.

    Percent-encoded characters are decoded, also if they were encoded twice (`%252E`).
    """
    if len(token) > _MAX_LENGTH:
        return ""
    return _APPENDED.sub("", unquote(unquote(token))).lower()
