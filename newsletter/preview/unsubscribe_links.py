"""Disable the unsubscribe links of a mail that is shown: a click must not unsubscribe its recipient."""

import re
from collections.abc import Iterable
from html import unescape
from itertools import chain, pairwise
from typing import NamedTuple
from urllib.parse import unquote

INERT = "#unsubscribe"
# The start of each attribute that a browser takes for a link, and of each text that only looks like one.
_LINK_VALUE = re.compile(r"""href[\t\n\f\r ]*=[\t\n\f\r ]*(["']?)""", re.IGNORECASE)
_END = {'"': re.compile('"'), "'": re.compile("'"), "": re.compile(r"[\t\n\f\r >]")}
_LISTED_ADDRESS = re.compile(r"<\s*(https?:[^<>]*)>", re.IGNORECASE)
_SCHEME = re.compile(r"https?:[/\\]*", re.IGNORECASE)
_SEPARATOR = re.compile(r"[/\\?&=;#]")
_NOT_COMPARED = re.compile("[^0-9a-z]+")
# A longer link is disabled unread, and all links if the header lists more addresses.
_MAX_LINK_CHARACTERS, _MAX_ADDRESSES = 4_000, 20
# A token has more characters than this; a word of an address such as `leave` has fewer.
_MIN_TOKEN_CHARACTERS = 10


class _Key(NamedTuple):
    """The letters and digits by which links to a listed address are found: of its token, or of its host."""

    text: str
    is_host: bool


# Each link has the empty text in it.
_KEY_OF_ALL_LINKS = _Key("", is_host=True)


def disable(html: str, list_unsubscribe: str | None) -> str:
    """Return the HTML with `#unsubscribe` in place of each link to an address of the header List-Unsubscribe.

    None stands for a header that is too long: all links are disabled. The tags are not parsed, because a
    browser may read malformed tags in another way. Each `href=` counts, also in text; a value that cannot be
    read with certainty is disabled.
    """
    keys = _keys(list_unsubscribe)
    if not keys:
        return html
    pieces, done = [], 0
    for found, limit in _with_limits(html):
        end = _END[found[1]].search(html, found.end(), limit)
        if end and not _is_listed(html[found.end() : end.start()], keys):
            continue
        # Without an end, the value has another `href=` in it, which may be the link: change only the name.
        name = f"href={found[1]}{INERT}" if end else f"x-{found[0]}"
        pieces += [html[done : found.start()], name]
        done = end.start() if end else found.end()
    return "".join([*pieces, html[done:]])


def _keys(list_unsubscribe: str | None) -> set[_Key]:
    """Return the keys of the addresses in the header."""
    if list_unsubscribe is None:
        return {_KEY_OF_ALL_LINKS}
    addresses = _LISTED_ADDRESS.findall(list_unsubscribe)
    return {_KEY_OF_ALL_LINKS} if len(addresses) > _MAX_ADDRESSES else set(map(_key, addresses))


def _with_limits(html: str) -> Iterable[tuple[re.Match[str], int]]:
    """Yield each start of a link, and the position of the next one, which limits the search for its end."""
    starts = chain(_LINK_VALUE.finditer(html), [None])
    for found, following in pairwise(starts):
        if found:
            yield found, following.start() if following else len(html)


def _is_listed(value: str, keys: set[_Key]) -> bool:
    """Return True if a link leads to an address with one of these keys, however it is written."""
    if len(value) > _MAX_LINK_CHARACTERS:
        return True
    address = unquote(unescape(value))
    compared = _compared(address)
    # A browser reads some other characters in a host as letters of ASCII, such as the full-width ones.
    return any(key.text in compared or (key.is_host and not address.isascii()) for key in keys)


def _key(address: str) -> _Key:
    """Return the key of an unsubscribe link: its token, or its host if it has no long token."""
    host, *parts = _SEPARATOR.split(_SCHEME.sub("", unquote(address), count=1))
    token = max(map(_compared, parts), key=len, default="")
    if len(token) >= _MIN_TOKEN_CHARACTERS:
        return _Key(token, is_host=False)
    host = host.rpartition("@")[2].partition(":")[0].lower()
    if not host.isascii() or "xn--" in host:  # a host with other letters has several spellings
        return _KEY_OF_ALL_LINKS
    return _Key(_compared(host), is_host=True)


def _compared(address: str) -> str:
    """Return the letters and digits of an address, which are the same in all its spellings."""
    return _NOT_COMPARED.sub("", address.lower())
