"""Write names and addresses as Postmark reads them, and sort out addresses that no request can have."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from newsletter.mail.message import Recipient
from newsletter.mail.single_address import is_single_address

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# A comma or a semicolon would make two addresses of one.
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_MAX_NAME = 200


class Selection(NamedTuple):
    """The recipients of one call, and those whose address cannot be in it."""

    recipients: Sequence[Recipient]
    left_out: Sequence[Recipient]


def select(recipients: Iterable[Recipient]) -> Selection:
    """Return the recipients whom a call can have, and the others."""
    chosen: list[Recipient] = []
    left_out: list[Recipient] = []
    for recipient in recipients:
        (chosen if is_single_address(recipient.address) else left_out).append(recipient)
    return Selection(chosen, left_out)


def mailbox(name: str, address: str) -> str:
    """Return a name and an address (RFC 5322, 3.4); Postmark encodes a name outside ASCII for the header.

    A name with punctuation is quoted: Postmark splits `To` at commas.
    """
    name = clean(name)[:_MAX_NAME]
    if not name:
        return address
    quoted = name if _ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{quoted} <{address}>"


def clean(text: str) -> str:
    """Return a text without control characters, which could start another header."""
    return _CONTROL.sub(" ", text).strip()
