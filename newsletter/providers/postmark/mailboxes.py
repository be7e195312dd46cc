"""Write names and addresses as Postmark reads them, and sort out addresses that no request can have."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from newsletter.mail.header_text import display_name, needs_quotes, quoted_string
from newsletter.mail.message import Recipient
from newsletter.mail.single_address import is_single_address


class Selection(NamedTuple):
    """The recipients of one call, and those whose address cannot be in it."""

    recipients: Sequence[Recipient]
    left_out: Sequence[Recipient]


def select(recipients: Iterable[Recipient]) -> Selection:
    """Return the recipients whom a call can have, and the others: a comma would make two addresses of one."""
    chosen: list[Recipient] = []
    left_out: list[Recipient] = []
    for recipient in recipients:
        (chosen if is_single_address(recipient.address) else left_out).append(recipient)
    return Selection(chosen, left_out)


def mailbox(name: str, address: str) -> str:
    """Return a name and an address (RFC 5322, 3.4); Postmark encodes a name outside ASCII for the header.

    A name with punctuation is quoted: Postmark splits `To` at commas.
    """
    name = display_name(name.replace("=?", "= ?"))  # no encoded word of the reader's own
    if not name:
        return address
    return f"{quoted_string(name) if needs_quotes(name) else name} <{address}>"
