"""Examine a configuration set of SES: what changes our mail, and where its events go."""

from collections.abc import Iterator
from typing import Any

from newsletter.findings import Finding
from newsletter.providers.account_findings import Get, not_examined
from newsletter.providers.http import Response
from newsletter.providers.responses import as_object, as_text, json_object
from newsletter.providers.ses.responses import error_text

_RIGHTS = "ses:GetConfigurationSet and ses:GetConfigurationSetEventDestinations"
WANTED_EVENTS = ("BOUNCE", "COMPLAINT", "DELIVERY")
"""The types of events that `news serve` records."""
_TRACKED_EVENTS = ("OPEN", "CLICK")


def about_configuration_set(get: Get, name: str, topic: str | None) -> Iterator[Finding]:
    """Yield the findings on a configuration set; `topic` is the SNS topic that is to get its events."""
    label, path = f"configuration set {name}", f"/v2/email/configuration-sets/{name}"
    response = get(path)
    if isinstance(response, Response) and response.status == 404:
        what = "does not exist in this region: SES refuses the mail"
        yield Finding(label, "error", what, "create it, or correct `ses.configuration_set` or `ses.region`")
        return
    if not isinstance(response, Response) or response.status != 200:
        yield not_examined(label, response, error_text, _RIGHTS)
        return
    yield from _about_settings(label, json_object(response))
    response = get(f"{path}/event-destinations")
    if isinstance(response, Response) and response.status == 200:
        yield from _about_events(label, json_object(response).get("EventDestinations"), topic)
    else:
        yield not_examined(f"events of the {label}", response, error_text, _RIGHTS)


def _about_settings(label: str, found: dict[str, Any]) -> Iterator[Finding]:
    if as_object(found.get("SendingOptions")).get("SendingEnabled") is False:
        yield Finding(label, "error", "has sending switched off", "switch it on, or use another one")
    else:
        yield Finding(label, "ok", "exists, and allows sending")
    if as_object(found.get("ArchivingOptions")).get("ArchiveArn"):
        what = "keeps a copy of every mail in an archive, with the reader's unsubscribe link"
        yield Finding(label, "warning", what, "remove the archive from it, or use another one")


def _about_events(label: str, destinations: object, topic: str | None) -> Iterator[Finding]:
    enabled = [
        found
        for found in (destinations if isinstance(destinations, list) else [])
        if isinstance(found, dict) and found.get("Enabled") is True
    ]
    types = {kind for found in enabled for kind in _types(found)}
    if tracked := [kind.lower() for kind in _TRACKED_EVENTS if kind in types]:
        what = (
            f"publishes events of {' and '.join(tracked)}, for which SES tracks; each message overrides that"
        )
        yield Finding(label, "ok", what)
    if topic is None:
        return
    to_topic = {
        kind
        for found in enabled
        for kind in _types(found)
        if as_object(found.get("SnsDestination")).get("TopicArn") == topic
    }
    if missing := [kind.lower() for kind in WANTED_EVENTS if kind not in to_topic]:
        what = f"does not publish events of {', '.join(missing)} to `ses.topic`"
        yield Finding(label, "warning", what, "add them to its event destination with this topic")
    else:
        yield Finding(label, "ok", "publishes deliveries, bounces and complaints to `ses.topic`")


def _types(destination: dict[str, Any]) -> list[str]:
    types = destination.get("MatchingEventTypes")
    return list(map(as_text, types)) if isinstance(types, list) else []
