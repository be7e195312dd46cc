"""Tools for mailing lists (listmonk, Keila, Kit, MailerLite, EmailOctopus), and our own export.

Sources of the columns: the code of listmonk and Keila. The exports of Kit, MailerLite and EmailOctopus were
not at hand: their columns and words are a guess after their APIs, so the words of a file must fit, too.
"""

from newsletter.subscribers.formats.model import Format, StateColumn, columns

OWN_HEADER = "address,name,state,consent_at,consent_how,consent_source,changed_at,changed_how"
"""The columns of `news subscribers export`."""
_OWN = Format(
    tool="news",
    required=columns("address,state,changed_at,changed_how"),
    known=columns("consent_how,consent_source,changed_how"),
    address=("address",),
    names=("name",),
    joined=columns("consent_at"),
    changed=columns("changed_at"),
    states=(
        StateColumn(
            "state",
            {
                "active": "active",
                "pending": "not_confirmed",
                "unsubscribed": "unsubscribed",
                "bounced": "bounced",
                "complained": "complained",
            },
        ),
    ),
)

# "disabled" is set by the owner; such people get no mail either.
_LISTMONK = Format(
    tool="listmonk",
    required=columns("uuid,email,attributes,status"),
    known=columns("uuid,attributes,updated_at"),
    names=columns("name"),
    joined=columns("created_at"),
    states=(
        StateColumn(
            "status", {"enabled": "active", "blocklisted": "unsubscribed", "disabled": "unsubscribed"}
        ),
    ),
    note="the file does not tell who has left a single list: listmonk writes that into no export; export the "
    "people of each list who are still subscribed to it",
)

_KEILA = Format(
    tool="Keila",
    required=columns("Email,First name,Last name,Data,Status"),
    known=columns("Data,External ID"),
    names=columns("First name,Last name"),
    states=(
        StateColumn("status", {"active": "active", "unsubscribed": "unsubscribed", "unreachable": "bounced"}),
    ),
)
# Older versions write everyone into this file, with and without those who have left.
_KEILA_WITHOUT_STATUS = Format(
    tool="Keila",
    required=columns("Email,First name,Last name,Data"),
    known=columns("Data,External ID"),
    names=columns("First name,Last name"),
    state=None,
    note="the file has no column `Status`, so people who have left cannot be told apart, and nobody new is "
    "imported; export it with a newer Keila, or, if everyone in it is to get mail, add --ignore-column Data",
)

_KIT = Format(
    tool="Kit",
    required=columns("first_name,state,created_at"),
    known=columns("id,tags"),
    address=columns("email_address,email"),
    names=columns("first_name,last_name"),
    joined=columns("created_at"),
    states=(
        StateColumn(
            "state",
            {
                "active": "active",
                "inactive": "not_confirmed",
                "cancelled": "unsubscribed",
                "bounced": "bounced",
                "complained": "complained",
            },
        ),
    ),
    is_guess=True,
)
_MAILERLITE = Format(
    tool="MailerLite",
    required=columns("email,status,subscribed_at"),
    known=columns("id,optin_ip,ip_address,sent,opens_count,clicks_count,source"),
    names=columns("name,last_name"),
    joined=columns("opted_in_at,subscribed_at"),
    left=columns("unsubscribed_at"),
    states=(
        StateColumn(
            "status",
            {
                "active": "active",
                "unsubscribed": "unsubscribed",
                "unconfirmed": "not_confirmed",
                "bounced": "bounced",
                "junk": "complained",
            },
        ),
    ),
    is_guess=True,
)
_EMAILOCTOPUS = Format(
    tool="EmailOctopus",
    required=columns("Email address,Status"),
    known=columns("id,tags,last_updated_at,Last updated at"),
    address=columns("Email address"),
    names=columns("First name,Last name"),
    joined=columns("Created at"),
    states=(
        StateColumn(
            "status", {"subscribed": "active", "unsubscribed": "unsubscribed", "pending": "not_confirmed"}
        ),
    ),
    is_guess=True,
)

FORMATS = (_OWN, _LISTMONK, _KEILA, _KEILA_WITHOUT_STATUS, _KIT, _MAILERLITE, _EMAILOCTOPUS)
