"""Tools that publish newsletters: Substack, Buttondown, beehiiv, Ghost, Curated and Tiny News.

Sources of the columns: exports in the tests of TryGhost/migrate; for Buttondown its documentation and the
words of its API; for Ghost exports in public repositories.
"""

from newsletter.subscribers.formats.model import Format, StateColumn, columns, filled_means
from newsletter.subscribers.state_vocabulary import Verdict

# The file of 2020 has no `plan`, and `prefer_digests` in its place. `active_subscription` is true for people
# who pay, and tells nothing about mail.
_SUBSTACK = Format(
    tool="Substack",
    required=columns("email,active_subscription,email_disabled"),
    known=columns("active_subscription,expiry,plan,prefer_digests,first_payment_at"),
    joined=columns("created_at"),
    states=(StateColumn("email_disabled", {"true": "unsubscribed", "false": "active"}),),
    deleted_domain="deletion-request.substack.com",
)
# The zip of Substack has these files, too; the people in the latter two may have left since.
_SUBSTACK_POSTS = Format(
    tool="Substack", content="posts", required=columns("post_id,post_date,is_published"), is_skipped=True
)
_SUBSTACK_EVENTS = Format(
    tool="Substack",
    content="deliveries or opens of a post",
    required=columns("post_id,email"),
    is_skipped=True,
)

_MAIL_OF_BUTTONDOWN = "regular premium gifted trialed churning churned unpaid past_due paused"
_BUTTONDOWN_WORDS: dict[str, Verdict] = {
    **dict.fromkeys(_MAIL_OF_BUTTONDOWN.split(), "active"),
    "unsubscribed": "unsubscribed",
    "blocked": "unsubscribed",
    "removed": "unsubscribed",
    "complained": "complained",
    "undeliverable": "bounced",
    "unactivated": "not_confirmed",
}
_BUTTONDOWN = Format(
    tool="Buttondown",
    required=columns("email,subscriber_type,creation_date"),
    known=columns(
        "id,secondary_id,notes,referrer_url,utm_source,utm_medium,utm_campaign,ip_address,tags,metadata"
    ),
    joined=columns("subscription_date,creation_date"),
    left=columns("unsubscription_date"),
    states=(StateColumn("subscriber_type", _BUTTONDOWN_WORDS),),
)

# "inactive" is set for people who left, and by hand; that "pending" and "validating" are people who have not
# confirmed is a guess.
_BEEHIIV = Format(
    tool="beehiiv",
    required=columns("email,status,tier,created_at"),
    known=columns("tier,tiers,stripe_customer_id"),
    names=columns("First Name,Last Name"),
    joined=columns("created_at"),
    left=columns("unsubscribed_at"),
    states=(
        StateColumn(
            "status",
            {
                "active": "active",
                "inactive": "unsubscribed",
                "pending": "not_confirmed",
                "validating": "not_confirmed",
            },
        ),
    ),
)

# An empty `subscribed_to_emails` is not known (Ghost, issue 19658). The columns `email_disabled` and
# `newsletters` are only proposed (29598, 29713).
_TRUTH: dict[str, Verdict] = {"true": "active", "false": "unsubscribed"}
_GHOST = Format(
    tool="Ghost",
    required=columns("email,subscribed_to_emails,complimentary_plan"),
    known=columns("id,note,complimentary_plan,stripe_customer_id,labels,tiers,gift_id,newsletters"),
    names=columns("name"),
    joined=columns("created_at"),
    states=(
        StateColumn("subscribed_to_emails", _TRUTH),
        StateColumn("email_disabled", {"": "active", "false": "active", "true": "bounced"}),
        filled_means("deleted_at", "deleted"),
    ),
    note="the file does not tell whose mail bounced: Ghost keeps those addresses apart",
)

_CURATED = Format(
    tool="Curated",
    required=columns("Email Address,Subscribed at,UTM Source"),
    known_prefix="utm ",
    address=columns("Email Address"),
    joined=columns("Subscribed at"),
    note="the file has no states: Curated leaves out people who have left",
)

_TINY_NEWS = Format(
    tool="Tiny News",
    required=columns("email,Date added,Last modified,status"),
    known=columns("Last modified,clicks,opens"),
    names=columns("First name,Last name"),
    joined=columns("Date added"),
    states=(StateColumn("status", {"subscribed": "active", "unsubscribed": "unsubscribed"}),),
)
# 1 and 2 get mail; the meaning of the other numbers is not known.
_TINY_NEWS_NUMBERS = Format(
    tool="Tiny News",
    required=columns("Email,Status,Channel id,Engagement OptIn"),
    known=columns("Channel id,Tier,Tier title,Tags,Engagement OptIn,Id,Updated At,User id"),
    names=columns("Name,Surname"),
    joined=columns("Created at"),
    states=(
        StateColumn("status", {"1": "active", "2": "active"}),
        filled_means("Deleted at", "deleted"),
    ),
)

FORMATS = (
    *(_SUBSTACK, _SUBSTACK_POSTS, _SUBSTACK_EVENTS, _BUTTONDOWN, _BEEHIIV, _GHOST, _CURATED),
    *(_TINY_NEWS, _TINY_NEWS_NUMBERS),
)
