"""An event that a provider or a mail server reports about one message to one person."""

import hashlib
from datetime import datetime
from typing import NamedTuple

from newsletter.constants import DeliveryEventKind

MAX_ID = 2**31 - 1
"""The highest id that both databases have room for; a higher one belongs to nobody."""
_DIGEST_BYTES = 16


class DeliveryEvent(NamedTuple):
    """An event about a message to a subscriber, or to the address of a sign-up.

    `source` names who reported it, `message` identifies the message there. `at` is in UTC. `issue` is the
    name of the issue; it is "" for mail about a subscription. `status` is the status code (RFC 3463).
    """

    source: str
    message: str
    kind: DeliveryEventKind
    at: datetime
    subscriber_id: int | None = None
    sign_up_id: int | None = None
    issue: str = ""
    status: str | None = None

    def digest(self) -> bytes:
        """Return 16 bytes that are the same each time this event is reported.

        SendGrid's own id of an event is not part of it: a repeated event may have another one.
        """
        person = f"sign-up {self.sign_up_id}" if self.sign_up_id else str(self.subscriber_id)
        parts = (self.source, self.message, person, self.kind, f"{self.at.timestamp():.6f}")
        text = "\0".join(parts).encode(errors="surrogatepass")
        return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()
