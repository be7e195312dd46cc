"""Judge a bounce by the types of Amazon SES, through which Resend sends, too.

Source: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types and
https://resend.com/docs/dashboard/emails/email-bounces.
"""

from newsletter.providers.webhook_events import EventKind
from newsletter.subscribers.delivery_rules import is_about_sender

# These bounces are about the content of the mail. Counted as soft bounces, they would take the whole list off
# after a few issues.
_OWN_FAULTS = {"MessageTooLarge", "ContentRejected", "AttachmentRejected"}


def ses_bounce_kind(bounce_type: object, sub_type: object, status: str | None) -> EventKind:
    """Return the kind of a bounce: SES tries no longer, whatever its type is.

    `Permanent` includes the suppression lists of SES and of the account. `Undetermined` is a bounce that SES
    could not read.

    `Permanent` counts more than a status code that is soft elsewhere (`delivery_rules.bounce_kind`), such as
    5.2.2: SES calls a full mailbox `Transient`, and delivers no later mail to an address with a permanent
    bounce, which it puts on a suppression list.
    """
    if sub_type in _OWN_FAULTS:
        return "ignored"
    is_hard = bounce_type == "Permanent" and not (status and is_about_sender(status))
    return "bounced" if is_hard else "soft"
