"""Encode names and addresses as Mailgun reads them, and choose the recipients of one call."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from newsletter.mail.header_text import display_name, encoded_words, needs_quotes, quoted_string
from newsletter.mail.message import Recipient
from newsletter.mail.single_address import is_single_address
from newsletter.sending.outcomes import NotSent, Outcome, Refused

# In a name with characters outside ASCII, Mailgun mis-encodes these (django-anymail issue 270).
_MISENCODED = re.compile(r'[(),"\s]+')
_BAD_ADDRESS = Refused("the address contains characters that Mailgun does not accept")
_DUPLICATE = NotSent("another spelling of this address is in the same request", stop=False, wait=0)


class Selection(NamedTuple):
    """The recipients of one call, and the outcomes of those who cannot be in it."""

    recipients: Sequence[Recipient]
    left_out: Sequence[tuple[Recipient, Outcome]]


def select(recipients: Iterable[Recipient]) -> Selection:
    """Return the recipients whom one call can have.

    Mailgun drops duplicates in `to` without a word. Two spellings of an address may be duplicates for it, so
    the second one waits for another call.
    """
    chosen: list[Recipient] = []
    left_out: list[tuple[Recipient, Outcome]] = []
    seen: set[str] = set()
    for recipient in recipients:
        key = recipient.address.casefold()
        if not is_single_address(recipient.address):
            left_out.append((recipient, _BAD_ADDRESS))
        elif key in seen:
            left_out.append((recipient, _DUPLICATE))
        else:
            seen.add(key)
            chosen.append(recipient)
    return Selection(chosen, left_out)


def mailbox(name: str, address: str) -> str:
    """Return a name and an address in ASCII (RFC 5322, 3.4); a name outside ASCII as words of RFC 2047."""
    name = display_name(name)
    if not name:
        return address
    if not name.isascii() or "=?" in name:
        return f"{encoded_words(_MISENCODED.sub(' ', name).strip())} <{address}>"
    return f"{quoted_string(name) if needs_quotes(name) else name} <{address}>"
