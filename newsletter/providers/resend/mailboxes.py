"""Encode names and addresses as Resend reads them, and find the addresses that it refuses.

Resend does not read all of RFC 5322 (django-anymail, `backends/resend.py`): in `to` it refuses a name in
quotation marks, and takes encoded words (RFC 2047). In `from` it refuses both (451 `security_error` for
encoded words), and takes a name as it is, without punctuation that needs quotation marks.
"""

import re
from collections.abc import Iterable

from newsletter.mail.header_text import display_name, encoded_words, needs_quotes
from newsletter.mail.message import Recipient
from newsletter.mail.single_address import is_single_address

# The characters that may stand in a name only between quotation marks (RFC 5322, 3.2.3), but for the dot.
_QUOTED_CHARACTERS = re.compile(r'[()<>\[\]:;@\\,"\s]+')


def refused_indexes(recipients: Iterable[Recipient]) -> tuple[int, ...]:
    """Return the indexes of recipients whose address Resend refuses, and with it the whole batch.

    An address with a comma could be read as two.
    """
    return tuple(
        index for index, recipient in enumerate(recipients) if not is_single_address(recipient.address)
    )


def recipient_mailbox(name: str, address: str) -> str:
    """Return a name and an address for `to`; a name that needs quotation marks becomes encoded words."""
    name = display_name(name)
    if not name:
        return address
    if needs_quotes(name) or "=?" in name:
        name = encoded_words(name)
    return f"{name} <{address}>"


def sender_mailbox(name: str, address: str) -> str:
    """Return a name and an address for `from`; the name loses punctuation that needs quotation marks."""
    name = _QUOTED_CHARACTERS.sub(" ", display_name(name)).strip()
    return f"{name} <{address}>" if name else address
