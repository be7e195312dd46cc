"""Disable the unsubscribe links of a mail that is shown: a click must not unsubscribe its recipient."""

import re
from collections.abc import Iterable
from html import unescape
from itertools import chain, pairwise
from urllib.parse import unquote

INERT = "#unsubscribe"
# The start of each attribute that a browser takes for a link, and of each text that only looks like one.
_LINK_VALUE = re.compile(r"""href[\t\n\f\r ]*=[\t\n\f\r ]*(["']?)""", re.IGNORECASE)
_END = {'"': re.compile('"'), "'": re.compile("'"), "": re.compile(r"[\t\n\f\r >]")}
_LISTED = re.compile(r"<\s*(https?:[^<>]*)>", re.IGNORECASE)
_SCHEME = re.compile(r"https?:[/\\]*", re.IGNORECASE)
_BETWEEN = re.compile(r"[/\\?&=;#]")
_NOT_COMPARED = re.compile("[^0-9a-z]+")
# A longer link is disabled unread, and all links if the header lists more addresses.
_MAX_LINK_CHARACTERS, _MAX_ADDRESSES = 4_000, 20
_ALL = {("", True)}
# A token has more characters than this; a word of an address such as `leave` has fewer.
_MIN_TOKEN_CHARACTERS = 10


def disable(html: str, list_unsubscribe: str) -> str:
    """Return the HTML with `#unsubscribe` in place of each link to an address of the header List-Unsubscribe.

    The tags are not parsed, because a browser may read malformed tags in another way. Each `href=` counts,
    also in text; a value that cannot be read with certainty is disabled.
    """
    addresses = _LISTED.findall(list_unsubscribe)
    if not addresses:
        return html
    keys = {_key(address) for address in addresses} if len(addresses) <= _MAX_ADDRESSES else _ALL
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


def _with_limits(html: str) -> Iterable[tuple[re.Match[str], int]]:
    """Yield each start of a link, and the position of the next one, which limits the search for its end."""
    starts = chain(_LINK_VALUE.finditer(html), [None])
    for found, following in pairwise(starts):
        if found:
            yield found, following.start() if following else len(html)


def _is_listed(value: str, keys: set[tuple[str, bool]]) -> bool:
    """Return True if a link leads to an address with one of these keys, however it is written."""
    if len(value) > _MAX_LINK_CHARACTERS:
        return True
    address = unquote(unescape(value))
    compared = _compared(address)
    # A browser reads some other characters in a host as letters of ASCII, such as the full-width ones.
    return any(key in compared or (is_host and not address.isascii()) for key, is_host in keys)


def _key(address: str) -> tuple[str, bool]:
    """Return the token of an unsubscribe link; its host, and True, if it has no long token."""
    host, *parts = _BETWEEN.split(_SCHEME.sub("", unquote(address), count=1))
    token = max(map(_compared, parts), key=len, default="")
    if len(token) >= _MIN_TOKEN_CHARACTERS:
        return token, False
    host = host.rpartition("@")[2].partition(":")[0].lower()
    # A host with other letters has several spellings: every link is taken for it.
    return (_compared(host) if host.isascii() and "xn--" not in host else ""), True


def _compared(address: str) -> str:
    """Return the letters and digits of an address, which are the same in all its spellings."""
    return _NOT_COMPARED.sub("", address.lower())
