"""Find the addresses in Markdown that a mail spells in another way than the editor.

Markdown percent-encodes an address, and reads `&amp;` and `\\_` in it as characters.
"""

import re
from html import unescape

from newsletter.network.web_address import ascii_address

# The content of angle brackets, or a word, which may have pairs of parentheses in it.
_CANDIDATE = re.compile(r"(?<=<)[^<>\n]++(?=>)|[^\s<>()\[\]](?:[^\s<>()\[\]]|\([^\s<>()\[\]]*\))*+")
_LIKE_ADDRESS = re.compile(r"[/:.@#?]")
_ESCAPED = re.compile(r"&#?[0-9A-Za-z]{1,31};|\\[!-/:-@\[-`{-~]")
_MARKS = ".,;:!?'\"*_~"  # may stand after an address in a sentence


class WrittenAddresses:
    """The addresses in a text that Markdown spells in another way."""

    def __init__(self, markdown: str) -> None:
        self._places: dict[str, list[tuple[int, str]]] = {}
        for match in _CANDIDATE.finditer(markdown):
            if _LIKE_ADDRESS.search(match[0]):
                sent = ascii_address(_ESCAPED.sub(_character, match[0]))
                if sent != match[0]:
                    self._places.setdefault(sent.rstrip(_MARKS), []).append((match.start(), match[0]))

    def find(self, address: str) -> list[tuple[int, str]]:
        """Return each position of an address of the mail, and its spelling there."""
        return self._places.get(address.rstrip(_MARKS), [])


def _character(escaped: re.Match[str]) -> str:
    return unescape(escaped[0]) if escaped[0][0] == "&" else escaped[0][1]
