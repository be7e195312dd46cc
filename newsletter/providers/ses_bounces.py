"""Judge a bounce by the types of Amazon SES, through which Resend sends, too.

Source: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types and
https://resend.com/docs/dashboard/emails/email-bounces.
"""

from newsletter.providers.webhook_events import EventKind

# These bounces are about the content of the mail. Counted as soft bounces, they would take the whole list off
# after a few issues.
_OWN_FAULTS = {"MessageTooLarge", "ContentRejected", "AttachmentRejected"}
# Status codes (RFC 3463) of a permanent bounce that are about the sender or about a policy of the recipient's
# server, such as a failed DMARC: they say nothing about the address.
_ABOUT_SENDER = ("5.7.", "5.1.7", "5.1.8")


def ses_bounce_kind(bounce_type: object, sub_type: object, status: str | None) -> EventKind:
    """Return the kind of a bounce: SES tries no longer, whatever its type is.

    `Permanent` includes the suppression lists of SES and of the account. `Undetermined` is a bounce that SES
    could not read.
    """
    if sub_type in _OWN_FAULTS:
        return "ignored"
    is_hard = bounce_type == "Permanent" and not (status or "").startswith(_ABOUT_SENDER)
    return "bounced" if is_hard else "soft"
