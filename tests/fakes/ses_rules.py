"""The rules by which SES refuses a SendEmail request or a message.

Sources: the description of the API in botocore 1.44.8 (sesv2/2019-09-27/service-2.json), and
https://docs.aws.amazon.com/ses/latest/dg/: send-email-raw (a raw message), quotas (its size).
"""

import base64
import re
from typing import Any

_MEMBERS = {
    "FromEmailAddress", "FromEmailAddressIdentityArn", "Destination", "ReplyToAddresses",
    "FeedbackForwardingEmailAddress", "FeedbackForwardingEmailAddressIdentityArn", "Content", "EmailTags",
    "ConfigurationSetName", "EndpointId", "TenantName", "ListManagementOptions", "ConfigurationOverrides",
}  # fmt: skip
# MessageTagName and MessageTagValue.
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_STATUS = ("ENABLED", "DISABLED")  # FeatureStatus
MAX_BYTES = 40 * 1024**2
MAX_LINE = 998


def wrong_request(body: Any) -> str:
    """Return what is wrong with a request; "" if nothing is."""
    if not isinstance(body, dict) or not body.keys() <= _MEMBERS:
        return "The request has an unknown member."
    addresses = body.get("Destination", {}).get("ToAddresses")
    if not isinstance(addresses, list) or not addresses or not all(map(str.isascii, addresses)):
        return "Local address contains control or whitespace, or is not ASCII."
    for tag in body.get("EmailTags", []):
        if not (_TAG.fullmatch(tag["Name"]) and _TAG.fullmatch(tag["Value"])):
            return "Invalid tag."
    tracking = body.get("ConfigurationOverrides", {}).get("Tracking", {})
    if not set(tracking) <= {"OpenTrackingEnabled", "ClickTrackingEnabled"}:
        return "Unknown override."
    if any(value not in _STATUS for value in tracking.values()):
        return "Value is not a valid FeatureStatus."
    content = body.get("Content")
    if not isinstance(content, dict) or set(content) != {"Raw"} or set(content["Raw"]) != {"Data"}:
        return "The fake knows raw content only."
    try:
        base64.b64decode(content["Raw"]["Data"], validate=True)
    except ValueError:
        return "Data is not base64."
    return ""


def wrong_message(raw: bytes) -> str:
    """Return what is wrong with a message; "" if nothing is."""
    if len(raw) > MAX_BYTES:
        return "Message length is more than 41943040 bytes long."
    head, blank, _ = raw.partition(b"\r\n\r\n")
    if not blank or not re.search(rb"(?mi)^From:", head):
        return "Missing header 'From'."
    if max(map(len, raw.split(b"\r\n"))) > MAX_LINE:
        return "A line is longer than 998 bytes."
    return ""
