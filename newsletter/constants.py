"""Constants of the command line and the core; `news --help` loads this module, so it imports little."""

import re
from typing import Literal, get_args

CONFIG_FILE = "newsletter.yml"

# Placeholders for the parts of a rendered mail that differ between recipients, such as [[name]].
PLACEHOLDERS = ("unsubscribe_url", "name", "address")
PLACEHOLDER = re.compile(rf"\[\[({'|'.join(PLACEHOLDERS)})\]\]")

HONEYPOT_FIELD = "topic"
"""A field of the sign-up form that people do not see; programs that fill in every field fill it in too."""

CLIPPED_BYTES = 102_000
"""The size of an HTML part from which on Gmail clips it."""

ProviderName = Literal["outbox", "smtp", "sendgrid", "resend", "ses", "postmark", "mailgun"]
PROVIDERS: tuple[str, ...] = get_args(ProviderName)
PROVIDER_KEYS: dict[ProviderName, tuple[str, ...]] = {
    "smtp": ("SMTP_PASSWORD",),
    "sendgrid": ("SENDGRID_API_KEY",),
    "resend": ("RESEND_API_KEY",),
    "ses": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "postmark": ("POSTMARK_SERVER_TOKEN",),
    "mailgun": ("MAILGUN_API_KEY",),
}
"""The variables with the key of each provider; the last one holds what must stay secret."""
PROVIDER_HOSTS: dict[ProviderName, str] = {
    "smtp": "SMTP_HOST",
    "sendgrid": "SENDGRID_HOST",
    "resend": "RESEND_HOST",
    "ses": "AWS_SES_HOST",
    "postmark": "POSTMARK_HOST",
    "mailgun": "MAILGUN_HOST",
}
"""The variable with the host that the key of each provider is for."""

TrackingKind = Literal[
    "opens",  # a picture in the mail tells when it is opened
    "clicks",  # links lead through the provider, which counts them
]
TRACKING_KINDS: tuple[TrackingKind, ...] = get_args(TrackingKind)

ImapSecurity = Literal["none", "starttls", "tls"]
IMAP_PORTS: dict[ImapSecurity, int] = {"none": 143, "starttls": 143, "tls": 993}
"""The usual port of each kind of security (RFC 3501, RFC 8314)."""

DepartedState = Literal[
    "unsubscribed",  # has unsubscribed; gets no mail
    "bounced",  # the address does not accept mail; gets no mail
    "complained",  # has reported the newsletter as spam; gets no mail
]
DEPARTED_STATES: tuple[DepartedState, ...] = get_args(DepartedState)
"""The states of people who are off the list; no import makes them active."""

LEFT_STATES: tuple[DepartedState, ...] = ("unsubscribed", "complained")
"""The states of people who asked not to get the newsletter; an address that bounced did not."""

SubscriberState = Literal[
    "pending",  # has not confirmed the subscription yet; gets no mail
    "active",  # gets the newsletter
    DepartedState,
]
SUBSCRIBER_STATES: tuple[str, ...] = get_args(SubscriberState)

RecipientState = Literal[
    "accepted",  # the provider accepted the message
    "refused",  # the provider refused the message; `news retry` tries again
    "unknown",  # the message was perhaps sent: its attempt has no known outcome
    "waiting",  # not submitted yet
    "cancelled",  # the send was cancelled before the message left
    "left",  # the subscriber unsubscribed before the message was submitted
]
RECIPIENT_STATES: tuple[str, ...] = get_args(RecipientState)

ConsentChange = Literal[
    "asked",  # filled in the form; not confirmed yet
    "confirmed",  # confirmed a sign-up: gets the newsletter from then on
    "left",  # unsubscribed, or was taken off the list because of a bounce or a complaint
    "returned",  # took back an unsubscription, was added again by hand, or accepts mail again
]
CONSENT_CHANGES: tuple[str, ...] = get_args(ConsentChange)

ServiceMailKind = Literal[
    "confirm",  # asks the owner of an address to confirm a sign-up
    "already",  # tells a subscriber who signed up again that nothing is left to do
    "data",  # has the link to a person's own data
]
SERVICE_MAIL_KINDS: tuple[str, ...] = get_args(ServiceMailKind)

ServiceMailState = Literal[
    "waiting",  # certainly unsent
    "intended",  # recorded before its call, which has no outcome yet
    "accepted",  # the provider accepted it for delivery
    "refused",  # the provider refused it permanently
    "unknown",  # perhaps sent; never tried again
]
SERVICE_MAIL_STATES: tuple[str, ...] = get_args(ServiceMailState)

DeliveryEventKind = Literal[
    "delivered",  # the mail server of the recipient accepted the message
    "soft",  # the message was not delivered, for a reason that may pass (a soft bounce)
    "bounced",  # the address does not exist, or accepts no mail for good (a hard bounce)
    "unsubscribed",  # the recipient unsubscribed at the provider
    "complained",  # the recipient reported the message as spam
]
DELIVERY_EVENT_KINDS: tuple[str, ...] = get_args(DeliveryEventKind)

CHECK_FORMATS = ("text", "json", "github", "sarif")

PREVIEW_PORT = 8025
SERVE_PORT = 8080

# Exit code: the command was not started, or found errors.
REFUSED = 1
# Exit code: recipients of a send are unknown, refused or still waiting.
INCOMPLETE = 3
