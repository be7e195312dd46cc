"""SendGrid: the contacts, and the lists of suppressions, of which each is a file of its own.

Source of the columns: files in public repositories; those of unsubscribes and groups are a guess.
"""

from dataclasses import replace

from newsletter.subscribers.formats.model import Format, columns

_CONTACTS = Format(
    tool="SendGrid",
    content="contacts",
    required=columns("EMAIL,CREATED_AT,UPDATED_AT,CONTACT_ID"),
    known=columns(
        "ADDRESS_LINE_1,ADDRESS_LINE_2,CITY,STATE_PROVINCE_REGION,POSTAL_CODE,COUNTRY,ALTERNATE_EMAILS,"
        "PHONE_NUMBER,PHONE_NUMBER_ID,EXTERNAL_ID,ANONYMOUS_ID,WHATSAPP,LINE,FACEBOOK,UNIQUE_NAME"
    ),
    names=columns("FIRST_NAME,LAST_NAME"),
    joined=columns("CREATED_AT"),
    note="the file has no states: import the suppressions of SendGrid, too (bounces, spam reports, invalid "
    "addresses, unsubscribes and groups), before the next send",
)
_BOUNCES = Format(
    tool="SendGrid",
    content="bounces",
    required=columns("status,reason,email,created"),
    known=columns("ip"),
    file_words=("bounce", "bounces"),
    is_whole=True,
    changed=columns("created"),
    state="bounced",
)
_INVALID = replace(_BOUNCES, content="invalid addresses", file_words=("invalid",))
_SPAM = replace(_BOUNCES, content="spam reports", file_words=("spam",), state="complained")
# A block is a mail that was refused for a time, for the sake of its content or its sender.
_BLOCKS = replace(_BOUNCES, content="blocks", file_words=("block", "blocks"), state="temporary")
_SPAM_WITHOUT_STATUS = replace(_SPAM, required=columns("email,created,ip"), known=())
_UNSUBSCRIBES = replace(
    _BOUNCES,
    content="unsubscribes",
    required=columns("email,created"),
    known=(),
    file_words=("unsubscribe", "unsubscribes", "unsubscribed"),
    state="unsubscribed",
)
_GROUP = replace(_UNSUBSCRIBES, content="unsubscribes of a group", file_words=("group", "groups", "asm"))
_UNNAMED = replace(
    _BOUNCES,
    content="suppressions",
    file_words=(),
    unclear="the name of the file does not tell which suppressions it lists",
)

FORMATS = (
    *(_CONTACTS, _BOUNCES, _BLOCKS, _SPAM, _INVALID, _SPAM_WITHOUT_STATUS, _UNSUBSCRIBES, _GROUP),
    _UNNAMED,
)
