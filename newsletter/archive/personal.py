"""Keep what is personal out of the archive: fill placeholders for no recipient, and find what has leaked."""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import NamedTuple

from newsletter.constants import PLACEHOLDER
from newsletter.network.web_address import ascii_host

# The tokens of links: those of `mail.unsubscribe_tokens` and `mail.signed_links`, which end in 32 digits.
_TOKEN = re.compile(
    r"(?<![\w.])(?:[cd2]\.)?[1-9][0-9]{0,18}(?:\.[1-9][0-9]{0,10})?\.[0-9a-f]{32}(?![0-9a-f])"
)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Markdown's marks, which an address in a source may have, and what is shown of it has not.
_MARKS = str.maketrans("", "", "*_~`")


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
    """Yield what a text of the archive must not have: placeholders, tokens and addresses of people.

    `public` are the `personal_words` of the newsletter's own files, from which the pages are made.
    """
    for placeholder in PLACEHOLDER.finditer(content):
        yield Leak(placeholder[0], "a placeholder, which only mail fills")
    for words, key in _words(content):
        if key not in public:
            kind = "an e-mail address" if "@" in words else "the token of a personal link"
            yield Leak(words, f"{kind} that is not in the files of the newsletter")


def personal_words(content: str) -> Iterator[str]:
    """Yield the addresses and the tokens of a text, in the form in which `leaks` compares them."""
    return (key for _, key in _words(content))


def _words(content: str) -> Iterator[tuple[str, str]]:
    """Yield each address and each token of a text, as it is written there and in a form for comparison."""
    for token in _TOKEN.finditer(content):
        yield token[0], token[0]
    if "@" in content:
        for address in _ADDRESS.finditer(content):
            words = address[0].rstrip(".")
            yield words, _key(words)


def _key(address: str) -> str:
    """Return an address without marks of Markdown and with the ASCII form of its domain."""
    local, _, domain = address.rpartition("@")
    with suppress(ValueError):
        domain = ascii_host(domain)
    return f"{local.translate(_MARKS)}@{domain}".lower()
