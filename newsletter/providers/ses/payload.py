"""The body of a SendEmail request: one message as MIME, with tracking switched on or off explicitly.

Source: the description of the API in botocore 1.44.8 (sesv2/2019-09-27/service-2.json: SendEmailRequest,
TrackingConfigurationOverrides, MessageTag), and https://docs.aws.amazon.com/ses/latest/dg/: configuration-
overrides, send-email-raw. The templates of SES are not used: raw content has no template language, and SES
drops mail whose template fails after it has accepted it.
"""

import base64
import json

from newsletter.mail.event_tag import NAME
from newsletter.mail.message import Mailing, Recipient
from newsletter.mail.mime import MimeTemplate, template


class SesTemplate:
    """The requests of a mailing; the part that all recipients share is encoded once."""

    def __init__(self, mailing: Mailing, configuration_set: str | None) -> None:
        """Take the mailing and the configuration set, if any. Raise Unmailable for a bad sender."""
        self._mime: MimeTemplate = template(mailing)
        shared: dict[str, object] = {
            "FromEmailAddress": mailing.sender[1],
            # An override wins over the account and over the configuration set, for this message only.
            "ConfigurationOverrides": {"Tracking": tracking_overrides(mailing)},
        }
        if configuration_set:
            shared["ConfigurationSetName"] = configuration_set
        self._shared = json.dumps(shared).encode()[:-1]

    def fill(self, recipient: Recipient, tag: str) -> list[bytes]:
        """Return the request for one recipient, in pieces. Raise Unmailable for a bad address.

        `tag` is that of the recipient's events, or "".
        """
        content = base64.b64encode(self._mime.fill(recipient))
        personal: dict[str, object] = {"Destination": {"ToAddresses": [recipient.address]}}
        if tag:
            personal["EmailTags"] = [{"Name": NAME, "Value": tag}]
        own = json.dumps(personal).encode()[1:-1]
        return [self._shared, b", ", own, b', "Content": {"Raw": {"Data": "', content, b'"}}}']


def tracking_overrides(mailing: Mailing) -> dict[str, str]:
    """Return the tracking of a mailing; for each kind there is an explicit value."""
    return {
        "OpenTrackingEnabled": _status(mailing.track_opens),
        "ClickTrackingEnabled": _status(mailing.track_clicks),
    }


def _status(enabled: bool) -> str:
    return "ENABLED" if enabled else "DISABLED"
