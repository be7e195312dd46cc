"""The details of a new newsletter, as its owner gives them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.display import printable

_MAX_NAME = 100
FALLBACK_NAME = "My Newsletter"
SENDGRID = "sendgrid:"
"""The start of a way to unsubscribe that is the number of a SendGrid group, such as `sendgrid:12345`."""


@dataclass(frozen=True)
class Details:
    """The details of a new newsletter; "" is a detail that is not known yet.

    `sender_name` is by default the name of the newsletter. `unsubscribe` is an https address with `{token}`,
    or `sendgrid:12345`.
    """

    name: str
    sender_name: str = ""
    sender_email: str = ""
    postal_address: str = ""
    unsubscribe: str = ""
    language: str = "en"
    theme: str = "digest"

    @property
    def sendgrid_group(self) -> str:
        """Return the number of the SendGrid group for unsubscribing, "" for none."""
        return self.unsubscribe.removeprefix(SENDGRID) if self.unsubscribe.startswith(SENDGRID) else ""

    def missing(self) -> Iterator[tuple[str, str]]:
        """Yield the key in newsletter.yml of each detail that is not known yet, and what belongs there."""
        if not self.sender_email:
            yield "sender.email", "the address that the mail comes from"
        if not self.postal_address:
            yield "postal_address", "a postal address: many countries demand it in bulk mail"
        if not self.unsubscribe:
            yield "unsubscribe", "the page where readers unsubscribe, or a SendGrid group"


def name_of_folder(folder_name: str) -> str:
    """Return a newsletter's name that is made of that of its folder: `soup-letter` gives "Soup Letter"."""
    words = re.split(r"[\s_.-]+", printable(folder_name, _MAX_NAME))
    return " ".join(word[:1].upper() + word[1:] for word in words if word) or FALLBACK_NAME
