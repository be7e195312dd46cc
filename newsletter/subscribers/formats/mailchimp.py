"""Mailchimp: the files of its export, a zip, and the newer single file with a column `Status`.

Source of the columns: three exports in the tests of TryGhost/migrate (mg-mailchimp-members). The first
columns have the names that the owner of the audience gave them, in any language. Times are in UTC (a guess).
"""

from dataclasses import replace

from newsletter.subscribers.formats.model import Format, StateColumn, columns, filled_means
from newsletter.subscribers.state_vocabulary import Verdict

_REASON = StateColumn(
    "unsub_reason",
    # The word for a complaint is a guess; the reasons of everyone else are a departure like any other.
    {"": "active", "abuse": "complained", "abuse complaint": "complained", "spam": "complained"},
    "unsubscribed",
)
# Source of the words: files with this column in public repositories. "Non-subscribed" are contacts that
# never subscribed (customers of a shop, say); "archived" ones were removed by the owner.
_STATUS: dict[str, Verdict] = {
    "subscribed": "active",
    "unsubscribed": "unsubscribed",
    "cleaned": "bounced",
    "pending": "not_confirmed",
    "non-subscribed": "not_confirmed",
    "nonsubscribed": "not_confirmed",
    "transactional": "not_confirmed",
    "archived": "deleted",
}

_SUBSCRIBED = Format(
    tool="Mailchimp",
    content="subscribed members",
    required=columns("OPTIN_TIME,CONFIRM_TIME,LEID,EUID"),
    known=columns(
        "MEMBER_RATING,OPTIN_IP,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,"
        "LEID,EUID,NOTES,TAGS"
    ),
    address=columns("Email Address"),
    has_address_first=True,
    names=columns("First Name,Last Name"),
    joined=columns("CONFIRM_TIME,OPTIN_TIME"),
)
_UNSUBSCRIBED = replace(
    _SUBSCRIBED,
    content="unsubscribed members",
    required=columns("OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME"),
    known=(*_SUBSCRIBED.known, *columns("UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON_OTHER")),
    changed=columns("UNSUB_TIME"),
    states=(_REASON,),
    state="unsubscribed",
)
_CLEANED = replace(
    _SUBSCRIBED,
    content="cleaned members",
    required=columns("OPTIN_TIME,CONFIRM_TIME,CLEAN_TIME"),
    known=(*_SUBSCRIBED.known, *columns("CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID")),
    changed=columns("CLEAN_TIME"),
    state="bounced",
)
_WITH_STATUS = replace(
    _SUBSCRIBED,
    content="members with their status",
    required=columns("OPTIN_TIME,CONFIRM_TIME,Status"),
    known=(*_UNSUBSCRIBED.known, *_CLEANED.known),
    left=columns("UNSUB_TIME"),
    changed=columns("CLEAN_TIME"),
    states=(StateColumn("status", _STATUS), _REASON, filled_means("CLEAN_TIME", "bounced")),
)
# These files have the columns of subscribed members: only their names tell the difference. That of contacts
# who never subscribed is in public repositories (nonsubscribed_email_audience_export_*); the others are a
# guess.
_NONSUBSCRIBED = replace(
    _SUBSCRIBED,
    content="contacts who never subscribed",
    required=columns("LEID,EUID"),
    known=(*_SUBSCRIBED.known, *_SUBSCRIBED.required),
    file_words=("nonsubscribed", "pending", "transactional"),
    state="not_confirmed",
)
_ARCHIVED = replace(_NONSUBSCRIBED, content="archived contacts", file_words=("archived",), state="deleted")

FORMATS = (_WITH_STATUS, _UNSUBSCRIBED, _CLEANED, _NONSUBSCRIBED, _ARCHIVED, _SUBSCRIBED)
