"""Keep what is personal out of the archive: fill placeholders for no recipient, and find what has leaked."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from newsletter.constants import PLACEHOLDER

# The tokens of links: those of `mail.unsubscribe_tokens` and `mail.signed_links`, which end in 32 digits.
_TOKEN = re.compile(
    r"(?<![\w.])(?:[cd2]\.)?[1-9][0-9]{0,18}(?:\.[1-9][0-9]{0,10})?\.[0-9a-f]{32}(?![0-9a-f])"
)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


class Leak(NamedTuple):
    """Personal data in a file: the words that were found, and what they are."""

    words: str
    what: str


def impersonal(rendered: str, reader: str, leave: str) -> str:
    """Return a rendered text with its placeholders filled for a reader whom nobody knows.

    `reader` stands for a name and an address, and `leave` is the address of the page to leave, or of the
    archive. Both must be escaped for the text.
    """
    return PLACEHOLDER.sub(lambda match: leave if match[1] == "unsubscribe_url" else reader, rendered)


def leaks(content: str, public: Collection[str]) -> Iterator[Leak]:
    """Yield what a file of the archive must not have: placeholders, tokens, and addresses.

    `public` are the addresses that the newsletter's own files have; every other one belongs to a person.
    """
    for placeholder in PLACEHOLDER.finditer(content):
        yield Leak(placeholder[0], "a placeholder, which only mail fills")
    for token in _TOKEN.finditer(content):
        yield Leak(token[0], "the token of a personal link")
    known = {address.lower() for address in public}
    for address in addresses(content):
        if address.lower() not in known:
            yield Leak(address, "an e-mail address that is not in the files of the newsletter")


def addresses(content: str) -> Iterator[str]:
    """Yield each e-mail address of a text, as it is written there."""
    if "@" in content:
        yield from (match[0].rstrip(".") for match in _ADDRESS.finditer(content))
