"""State facts about the providers that are needed without opening one: hosts, tracking, repeated calls."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, NamedTuple

from newsletter.constants import ProviderName

# SendGrid: https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/authentication
# Mailgun: https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview
API_HOSTS: Mapping[ProviderName, tuple[str, ...]] = {
    "sendgrid": ("api.sendgrid.com", "api.eu.sendgrid.com"),
    "resend": ("api.resend.com",),
    "postmark": ("api.postmarkapp.com",),
    "mailgun": ("api.mailgun.net", "api.eu.mailgun.net"),
}
"""The providers' own hosts, the default first; those of Amazon SES depend on the region (`Ses.own_host`)."""

TrackingControl = Literal[
    "none",  # the provider has no such tracking
    "message",  # each message says whether it is tracked, whatever the account says
    "account",  # a setting of the account can switch it on for a message that asks for none
    "always",  # it cannot be switched off
]


class Tracking(NamedTuple):
    """The control over each kind of tracking at a provider."""

    opens: TrackingControl
    clicks: TrackingControl


PROVIDER_TRACKING: dict[ProviderName, Tracking] = {
    "outbox": Tracking("none", "none"),
    "smtp": Tracking("none", "none"),
    "sendgrid": Tracking("message", "message"),
    "resend": Tracking("account", "account"),
    "ses": Tracking("message", "message"),
    "postmark": Tracking("account", "message"),
    "mailgun": Tracking("message", "message"),
}
TRACKING_PROVIDERS: tuple[ProviderName, ...] = tuple(
    provider for provider, tracking in PROVIDER_TRACKING.items() if "message" in tracking
)
"""The providers that track opens and clicks of a message if it asks for it."""
REPEAT_WINDOWS: dict[str, timedelta] = {
    # Resend keeps a key for 24 hours. The rest is for a clock that was wrong, by a time zone for example.
    "resend": timedelta(hours=12),
}
"""The time within which a call may be repeated with the same key; at the others, never."""
