"""Keep what is personal out of the archive: fill placeholders for nobody, and find what may have leaked."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, NamedTuple

from newsletter.constants import PLACEHOLDER
from newsletter.network.web_address import ascii_host

# The tokens of links: those of `mail.unsubscribe_tokens` and `mail.signed_links`, which end in 32 digits.
_TOKEN = re.compile(
    r"(?<![\w.])(?:[cd2]\.)?[1-9][0-9]{0,18}(?:\.[1-9][0-9]{0,10})?\.[0-9a-f]{32}(?![0-9a-f])"
)
_NO_LOCAL = re.compile(r"[^\w.!#$%&'*+/=?^`{|}~-]")
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_MAX_LOCAL = 64
_MARKS = "*_~`"  # of Markdown
# A sign that an address may have, but that mostly belongs to the text before it.
_BEFORE = re.compile(r"[^\w.+-]")


class PersonalWord(NamedTuple):
    """A part of a text that may belong to one person, and its place in the text."""

    kind: Literal["placeholder", "token", "address"]
    text: str
    start: int

    @property
    def spellings(self) -> tuple[str, ...]:
        """Return an address as it is written, and without the signs before it; the domain is in ASCII."""
        local, _, domain = self.text.rpartition("@")
        with suppress(ValueError):
            domain = ascii_host(domain)
        shorter = _BEFORE.split(local.rstrip(_MARKS))[-1].strip(_MARKS).lstrip(".+-")
        return tuple(f"{part}@{domain}".lower() for part in dict.fromkeys((local, shorter)) if part)


def impersonal(rendered: str, reader: str, leave: str) -> str:
    """Return a rendered text with its placeholders filled for a reader whom nobody knows.

    `reader` stands for a name and an address, and `leave` is the address of the page to leave, or of the
    archive. Both must be escaped for the text.
    """
    return PLACEHOLDER.sub(lambda match: leave if match[1] == "unsubscribe_url" else reader, rendered)


def personal_words(text: str) -> Iterator[PersonalWord]:
    """Yield the placeholders, the tokens and the addresses of a text, in time that grows with its length."""
    for placeholder in PLACEHOLDER.finditer(text):
        yield PersonalWord("placeholder", placeholder[0], placeholder.start())
    for token in _TOKEN.finditer(text):
        yield PersonalWord("token", token[0], token.start())
    at = text.find("@")
    while at != -1:
        domain = _DOMAIN.match(text, at + 1)
        local = _NO_LOCAL.split(text[max(0, at - _MAX_LOCAL) : at])[-1]
        if domain and local:
            yield PersonalWord("address", f"{local}@{domain[0]}", at - len(local))
        at = text.find("@", at + 1)
