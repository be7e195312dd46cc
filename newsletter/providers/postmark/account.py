"""Examine a server at Postmark: its token, its tracking, and the two message streams that news uses.

Sources: https://postmarkapp.com/developer/api/server-api (GET /server), …/message-streams-api (GET
/message-streams/{id}) and …/support, "Managing your own unsubscribe process". A server token cannot read the
account's domains, and no call tells the limits of an account. All calls are GET.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from newsletter.config.api_providers import Postmark
from newsletter.config.model import Config
from newsletter.constants import TrackingKind
from newsletter.display import printable
from newsletter.findings import Finding, ProviderReport, clock_of
from newsletter.providers.account_findings import Get, not_examined, not_reached, unusable
from newsletter.providers.http import Response
from newsletter.providers.postmark.responses import KEY_VARIABLE, error_text, explained
from newsletter.providers.responses import as_text, json_object
from newsletter.sending.outcomes import NotSent

_NAME, _TRACKING = "Postmark", "server's tracking"
_SERVERS = "https://account.postmarkapp.com/servers"
_DOMAINS = "https://account.postmarkapp.com/signature_domains"
_SUPPORT = "https://postmarkapp.com/contact"
_BROADCASTS, _TRANSACTIONAL = "Broadcasts", "Transactional"
# The ways to handle unsubscribing in which Postmark leaves our link and our headers alone.
_OWN_UNSUBSCRIBE = ("Custom", "None")


class PostmarkAccount:
    """Examine the server of a token."""

    def __init__(self, get: Get, settings: Postmark, *, is_test: bool) -> None:
        """Take the settings; `is_test` says that the token is the one with which nothing is sent."""
        self._get, self._settings, self._is_test = get, settings, is_test

    def tracking(self) -> tuple[TrackingKind, ...] | NotSent:
        """Return the kinds of tracking that the server switches on, whatever a message says."""
        response = self._get("/server")
        if isinstance(response, NotSent):
            return response
        server = _server(response)
        if server is None:
            return NotSent(error_text(response))
        return ("opens",) if server["TrackOpens"] else ()

    def examine(self, config: Config) -> ProviderReport:
        """Report on the token, the server and its streams; ask nothing more if the token is not accepted."""
        if self._is_test:
            what = "is the test token POSTMARK_API_TEST: Postmark accepts all mail and sends none"
            fix = f"set it to the token of a server: {_SERVERS}"
            return ProviderReport((Finding(KEY_VARIABLE, "warning", what, fix),))
        response = self._get("/server")
        if isinstance(response, NotSent):
            return ProviderReport((not_reached(_NAME, response, "postmark.host"),))
        clock, server = clock_of(_NAME, response.headers), _server(response)
        if server is None:
            return ProviderReport((_unread(response),), clocks=clock)
        findings = [
            _about_server(server),
            *_about_tracking(server, config),
            self._stream(self._settings.stream, "stream", _BROADCASTS),
            self._stream(self._settings.service_stream, "service_stream", _TRANSACTIONAL),
            _about_domain(config.sender.domain),
        ]
        return ProviderReport(tuple(findings), clocks=clock)

    def _stream(self, name: str, key: str, wanted: str) -> Finding:
        """Return the finding about a message stream."""
        label, response = f"message stream {name}", self._get(f"/message-streams/{quote(name, safe='')}")
        if isinstance(response, NotSent):
            return not_examined(label, response, error_text)
        stream = json_object(response)
        kind = as_text(stream.get("MessageStreamType"))
        # 1226: "The message stream for the provided 'ID' was not found."
        if response.status == 404 or stream.get("ErrorCode") == 1226:
            what = f"the server has no such stream ({error_text(response)})"
            fix = f"create it at {_SERVERS}, or correct `postmark.{key}`"
            return Finding(label, "error", what, fix)
        if response.status != 200 or not kind:
            return not_examined(label, response, error_text)
        if kind != wanted:
            what = f"its type is {printable(kind, 40)}, and `postmark.{key}` needs one of type {wanted}"
            return Finding(label, "error", what, f"write the id of another stream: {_SERVERS}")
        if stream.get("ArchivedAt"):
            fix = f"restore it at {_SERVERS}, or write the id of another one into `postmark.{key}`"
            return Finding(label, "error", "it is archived, and sends nothing", fix)
        return _about_unsubscribing(label, stream)


def _about_unsubscribing(label: str, stream: Mapping[str, Any]) -> Finding:
    """Return the finding about the links that Postmark adds to mail of a stream."""
    configuration = stream.get("SubscriptionManagementConfiguration")
    configuration = configuration if isinstance(configuration, dict) else {}
    handling = as_text(configuration.get("UnsubscribeHandlingType"))
    if handling.lower() in map(str.lower, _OWN_UNSUBSCRIBE):
        return Finding(label, "ok", "Postmark adds no link of its own")
    if not handling and stream["MessageStreamType"] == _TRANSACTIONAL:
        return Finding(label, "ok", "it exists, and is transactional")
    what = (
        "Postmark adds its own unsubscribe link and header to each mail: people who use them stay on your"
        f" list (UnsubscribeHandlingType is {printable(handling, 40) or 'not known'})"
    )
    fix = f'ask {_SUPPORT} to let you "manage unsubscribes on your own" for this stream (Custom)'
    return Finding(label, "error", what, fix)


def _about_server(server: Mapping[str, Any]) -> Finding:
    if as_text(server.get("DeliveryType")) == "Sandbox":
        what = "Postmark accepts the token, but its server is a sandbox, which delivers nothing"
        return Finding(KEY_VARIABLE, "error", what, f"use the token of a live server: {_SERVERS}")
    return Finding(KEY_VARIABLE, "ok", "Postmark accepts the token")


def _about_tracking(server: Mapping[str, Any], config: Config) -> Iterator[Finding]:
    opens = server["TrackOpens"] and not config.tracking.opens
    if opens:
        what = "open tracking is on, and counts more than the switch in a mail: news sends nothing"
        fix = f"switch it off in the settings of the server: {_SERVERS}"
        yield Finding(_TRACKING, "error", what, fix)
    clicks = as_text(server.get("TrackLinks")) not in ("", "None") and not config.tracking.clicks
    if clicks:
        what = "link tracking is on; each mail of news switches it off for itself"
        yield Finding(_TRACKING, "note", what, f"to stop it for other mail of the server: {_SERVERS}")
    if not opens and not clicks:
        yield Finding(_TRACKING, "ok", "no setting is on that newsletter.yml does not ask for")


def _about_domain(domain: str) -> Finding:
    what = "not examined: a server token cannot read the domains of the account"
    fix = f"look whether {printable(domain, 100)} has DKIM and Return-Path verified: {_DOMAINS}"
    return Finding("sender's domain", "note", what, fix)


def _unread(response: Response) -> Finding:
    """Return the finding for a server that could not be read, with the reason."""
    if response.status in (401, 403, 422):
        fix = f"copy the token of a server (API Tokens): {_SERVERS}"
        return Finding(KEY_VARIABLE, "error", f"Postmark does not accept it: {explained(response)}", fix)
    return unusable(_NAME, error_text(response))


def _server(response: Response) -> dict[str, Any] | None:
    """Return the settings of a server; None if the response has none."""
    server = json_object(response)
    return server if response.status == 200 and isinstance(server.get("TrackOpens"), bool) else None
