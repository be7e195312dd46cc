"""Remove the characters from a text that a feed cannot have."""

import re

# What XML 1.0 forbids, and other control characters, which the feed validator of the W3C takes for mistakes
# in the encoding. Tabs and line breaks stay.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    r"""Return a text without control characters and lone surrogates; each of its lines ends with `\n`.

    XML parsers read `\r\n` as `\n`, so all feeds have the same text.
    """
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
