"""Names that the command line offers and the core acts on; light, since `news --help` loads them."""

import re
from typing import Literal, get_args

# What stands in a rendered mail where recipients differ: [[name]].
PLACEHOLDERS = ("unsubscribe_url", "name", "address")
PLACEHOLDER = re.compile(rf"\[\[({'|'.join(PLACEHOLDERS)})\]\]")

ProviderName = Literal["outbox", "smtp", "sendgrid"]
PROVIDERS: tuple[str, ...] = get_args(ProviderName)

SubscriberState = Literal["pending", "active", "unsubscribed", "bounced", "complained"]
SUBSCRIBER_STATES: tuple[str, ...] = get_args(SubscriberState)

# What became of a recipient; `left` had unsubscribed before their turn, `cancelled` were called back.
RecipientState = Literal["accepted", "refused", "unknown", "waiting", "cancelled", "left"]
RECIPIENT_STATES: tuple[str, ...] = get_args(RecipientState)

CHECK_FORMATS = ("text", "json", "github", "sarif")

PREVIEW_PORT = 8025

# Exit codes: it did not start, or found errors; somebody is unknown, refused or still waiting.
REFUSED, INCOMPLETE = 1, 3
