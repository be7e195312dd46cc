"""Read SendGrid's lists of addresses that it does not deliver to.

Source: https://www.twilio.com/docs/sendgrid/api-reference. Blocks are temporary, and are not read.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from newsletter.constants import DeliveryEventKind
from newsletter.errors import Unavailable
from newsletter.providers.http import Response
from newsletter.providers.sendgrid.responses import KEY_VARIABLE, error_text
from newsletter.sending.outcomes import NotSent

LISTS: dict[str, DeliveryEventKind] = {
    "bounces": "bounced",
    "invalid_emails": "bounced",
    "spam_reports": "complained",
    "unsubscribes": "unsubscribed",
}
"""The lists of the account, by their names in the API, and what they say about an address."""
# Bounces have the text of a mail server, of up to some kilobytes.
PAGE_SIZE = 200
_MAX_PAGES = 5000
_MAX_ADDRESS = 320


class SuppressedAddress(NamedTuple):
    """An address in a list, and the time at which it came there."""

    address: str
    at: datetime


class SendGridSuppressions:
    """The lists of an account; `request` makes one call with SendGrid's client."""

    def __init__(self, request: Callable[[Callable[[Any], Any]], Response | NotSent]) -> None:
        self._request = request

    def pages(self, name: str, since: int) -> Iterator[list[SuppressedAddress]]:
        """Yield the entries of a list of LISTS since a Unix time, a page at a time.

        Raise Unavailable if SendGrid does not give them.
        """
        for number in range(_MAX_PAGES):
            query = {"start_time": since, "limit": PAGE_SIZE, "offset": number * PAGE_SIZE}
            found = self._entries(name, _call(name, query))
            yield [entry for entry in map(_entry, found, ["created"] * len(found)) if entry]
            if len(found) < PAGE_SIZE:
                return
        raise Unavailable(f"SendGrid's list {name} has no end", "try again later")

    def group(self, number: int) -> list[SuppressedAddress]:
        """Return the addresses in a suppression group; this list has no pages. Raise as `pages` does."""
        found = self._entries("asm/suppressions", lambda client: client.asm.suppressions.get())
        of_group = [entry for entry in found if isinstance(entry, dict) and entry.get("group_id") == number]
        return [entry for item in of_group if (entry := _entry(item, "created_at"))]

    def _entries(self, name: str, call: Callable[[Any], Any]) -> list[Any]:
        response = self._request(call)
        if isinstance(response, NotSent):
            raise Unavailable(f"SendGrid: {response.reason}", f"check the network, and {KEY_VARIABLE}")
        if response.status in (401, 403):
            fix = "give the key Suppressions (read access): https://app.sendgrid.com/settings/api_keys"
            raise Unavailable(f"SendGrid refuses the list {name}: {error_text(response)}", fix)
        if response.status != 200:
            raise Unavailable(f"SendGrid gives no list {name}: {error_text(response)}", "try again later")
        try:
            content = json.loads(response.content)
        except (ValueError, RecursionError) as failure:
            raise Unavailable(f"SendGrid's list {name} cannot be read", "try again later") from failure
        if not isinstance(content, list):
            raise Unavailable(f"SendGrid's list {name} is not a list", "try again later")
        return content


def _call(name: str, query: dict[str, int]) -> Callable[[Any], Any]:
    return lambda client: getattr(client.suppression, name).get(query_params=query)


def _entry(item: Any, time_field: str) -> SuppressedAddress | None:
    """Return an entry; None for one without an address and a time, which belongs to nobody."""
    address, at = (
        (item.get(field) for field in ("email", time_field)) if isinstance(item, dict) else (None, None)
    )
    if not isinstance(address, str) or len(address) > _MAX_ADDRESS or type(at) is not int:
        return None
    try:
        return SuppressedAddress(address, datetime.fromtimestamp(at, UTC))
    except (ValueError, OverflowError, OSError):
        return None
