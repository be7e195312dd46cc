"""Spell an address as browsers send it: in ASCII, the host as `xn--…`, other characters as `%…`.

A mail has each address several times, in two parts and as an editor wrote it: one spelling makes them equal.
"""

import re
from functools import partial
from urllib.parse import quote

from newsletter.constants import PLACEHOLDER

# The characters that markdown-it keeps in an address, too; it percent-encodes all others.
_KEPT = ";/?:@&=+$,-_.!~*'()#%"
_TO_ENCODE = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")
_AUTHORITY = re.compile(
    r"((?:https?:)?//(?:[^/?#@]*@)?|mailto:[^?@]*@)"  # the scheme, and the name before an @-sign
    r"([^/?#:\[\]]*)"
    r"(.*)",
    re.IGNORECASE | re.DOTALL,
)
EAST_ASIAN_MARKS = "、。，．：；？！（）「」『』【】《》〈〉“”"
"""The marks at which the host of an address in running text ends."""
ADDRESS = re.compile(rf"(?:https?://|mailto:)[^\s<>/?#{EAST_ASIAN_MARKS}]+(?:[/?#][^\s<>]*)?", re.IGNORECASE)
"""A web address or a mail address in running text, up to a space or an angle bracket, as Markdown links it.

A path may have Chinese or Japanese text: the text behind it needs a space.
"""
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]*\]")
_MAX_HOST = 253
_NO_HOST = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]")

_quoted = partial(quote, safe=_KEPT, errors="replace")


def ascii_address(address: str) -> str:
    """Return an address as browsers send it: the same address, if it is one already, or a placeholder.

    A host that is not valid is percent-encoded.
    """
    if not _TO_ENCODE.search(address) or PLACEHOLDER.fullmatch(address):
        return address
    if not (match := _AUTHORITY.fullmatch(address)):
        return _quoted(address)
    before, host, after = match.groups()
    try:
        host = ascii_host(host)
    except ValueError:
        host = _quoted(host)
    brackets = (_IPV6.match(after) if not host else None) or ("",)
    return _quoted(before) + host + brackets[0] + _quoted(after.removeprefix(brackets[0]))


def with_ascii_addresses(text: str) -> str:
    """Return a text in which each web address and mail address is spelled by `ascii_address`."""
    return ADDRESS.sub(lambda match: ascii_address(match[0]), text)


def ascii_host(host: str) -> str:
    """Return a host name in ASCII, with `xn--` before an encoded label. Raise ValueError if it is not valid.

    The rules are those of browsers (UTS #46, without transitional processing).
    """
    if not host.isascii():
        import idna  # takes 5 ms, and few hosts need it

        if len(host) > _MAX_HOST:  # to encode it would take quadratic time
            raise ValueError(f"a host has at most {_MAX_HOST} characters")
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)  # IDNAError is a ValueError
        host = ".".join(map(_ascii_label, mapped.split(".")))
    if wrong := _NO_HOST.search(host):
        raise ValueError(f"a host cannot have {wrong[0]}")
    return host


def _ascii_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
