"""The tag of a message, which a provider returns with each event about it.

It names list, issue and recipient without an address, in the letters that every provider allows in a tag:
`<hash of the list>_<issue>_s<id of the subscriber>`, or `…_u<id of the sign-up>`.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from newsletter.mail.message import Mailing, Recipient
from newsletter.subscribers.delivery_event import MAX_ID

NAME = "news"
"""The name of the tag at providers whose tags have one."""
_NO_ISSUE = "0"
_LETTERS = {"news_subscriber": "s", "news_sign_up": "u"}
_TAG = re.compile(r"([0-9a-f]{12})_(0|[0-9]{4}-[0-9]{2}-[0-9]{2})_([su])([1-9][0-9]{0,9})", re.ASCII)


class TaggedMail(NamedTuple):
    """The message that a tag names; `issue` is "" for mail about a subscription."""

    issue: str
    subscriber_id: int | None
    sign_up_id: int | None


def event_tags(mailing: Mailing, recipients: Sequence[Recipient]) -> list[str]:
    """Return the tag of each recipient's message; "" for a test recipient, who is nobody's subscriber."""
    data, letter = mailing.event_data(), _LETTERS[mailing.recipient_key()]
    before = f"{_list_hash(data['news_list'])}_{data.get('news_issue') or _NO_ISSUE}_{letter}"
    return [before + number if number else "" for number in mailing.recipient_ids(recipients)]


def parse_event_tag(tag: object, list_id: str) -> TaggedMail | None:
    """Return the message of a tag; None for a tag of another list, or no tag of ours."""
    match = _TAG.fullmatch(tag) if isinstance(tag, str) else None
    if match is None or match[1] != _list_hash(list_id):
        return None
    number = int(match[4])
    if number > MAX_ID:
        return None
    issue = "" if match[2] == _NO_ISSUE else match[2]
    return TaggedMail(issue, *((number, None) if match[3] == "s" else (None, number)))


def _list_hash(list_id: str) -> str:
    return hashlib.sha256(list_id.lower().encode()).hexdigest()[:12]
