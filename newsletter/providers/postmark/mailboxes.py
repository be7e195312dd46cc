"""Write names and addresses as Postmark reads them, and sort out addresses that no request can have."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from newsletter.mail.header_text import MAX_NAME_CHARACTERS, clean, quoted_string
from newsletter.mail.message import Recipient
from newsletter.mail.single_address import is_single_address

# A comma or a semicolon would make two addresses of one.
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


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
    name = clean(name).replace("=?", "= ?")[:MAX_NAME_CHARACTERS]  # no encoded word of the reader's own
    if not name:
        return address
    return f"{name if _ATOMS.fullmatch(name) else quoted_string(name)} <{address}>"
