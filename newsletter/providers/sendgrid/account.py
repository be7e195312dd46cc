"""Examine a SendGrid account: the key's scopes, the settings that change our mail, the domains.

Scopes are those of https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions; settings and
domains those of SendGrid's OpenAPI description (github.com/twilio/sendgrid-oai: tsg_tracking_settings_v3,
tsg_mail_settings_v3, tsg_domain_authentication_v3). All calls are GET.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast

from newsletter.config.model import Config
from newsletter.display import printable
from newsletter.findings import DnsRecord, Finding, ProviderReport, SenderDomain, clock_of
from newsletter.providers.account_findings import not_examined, not_reached, unusable
from newsletter.providers.http import Response
from newsletter.providers.sendgrid.responses import KEY_VARIABLE, error_text
from newsletter.sending.outcomes import NotSent

Request = Callable[[Callable[[Any], Any]], Response | NotSent]

_NAME = "SendGrid"
SEND_SCOPE = "mail.send"
# The scopes to hold mail back and to recall it.
RECALL_SCOPES = (
    "mail.batch.create",
    "user.scheduled_sends.create",
    "user.scheduled_sends.read",
    "user.scheduled_sends.update",
)
_KEY = re.compile(r"SG\.[!-~]{66}")
_PAGE_SIZE, _MAX_PAGES = 50, 20
_TRACKING = "https://app.sendgrid.com/settings/tracking"
_MAIL = "https://app.sendgrid.com/settings/mail_settings"
_KEYS = "https://app.sendgrid.com/settings/api_keys"
_DOMAINS = "https://app.sendgrid.com/settings/sender_auth"

# Each request of ours overrides these settings (`payload.tracking_settings`).
OVERRIDDEN = {
    "click": "click tracking",
    "open": "open tracking",
    "subscription": "subscription tracking",
    "google_analytics": "Google Analytics",
    "ganalytics": "Google Analytics",
}
# No request of ours overrides these settings: the account's value applies to our mail.
_NOT_OVERRIDDEN: Mapping[str, tuple[Literal["warning", "note"], str]] = {
    "footer": (
        "warning",
        "adds a footer to every mail, which the preview does not show",
    ),
    "template": ("warning", "wraps every mail in a template of the account (Legacy Email Template)"),
    "bcc": ("warning", "sends a copy of every mail, with the reader's unsubscribe link, to another address"),
    "spam_check": ("warning", "drops mail that its spam checker rejects, after SendGrid has accepted it"),
    "plain_content": ("note", "converts plain-text mail to HTML; our mail always has an HTML part"),
    "forward_spam": ("note", "forwards spam reports, which name readers, to another address"),
}


class SendGridAccount:
    """Examine the account of an API key.

    `request` makes one call with SendGrid's client; it returns the response, or NotSent if there is none.
    """

    def __init__(self, request: Request, api_key: str) -> None:
        self._request = request
        self._looks_like_a_key = bool(_KEY.fullmatch(api_key))

    def examine(self, config: Config) -> ProviderReport:
        """Report on the account; make no further call if SendGrid cannot be reached or rejects the key."""
        response = self._request(lambda client: client.scopes.get())
        if isinstance(response, NotSent):
            return ProviderReport((not_reached(_NAME, response, "sendgrid.host"),))
        clock = clock_of(_NAME, response.headers)
        scopes = _scopes(response)
        if scopes is None:
            return ProviderReport((self._rejected(response),), clocks=clock)
        findings = [*_about_scopes(scopes, holds_mail=config.send.undo_window_seconds > 0)]
        findings += self._settings("tracking_settings", _about_tracking, config)
        findings += self._settings("mail_settings", _about_mail, config)
        about_domain, sender, return_path = self._domain(config.sender.domain)
        return ProviderReport((*findings, *about_domain), return_path, sender, clock)

    def _rejected(self, response: Response) -> Finding:
        what = f"SendGrid does not accept the key: {error_text(response)}"
        if response.status == 401:
            fix = f"create a new key at {_KEYS} and set {KEY_VARIABLE} to it"
            if not self._looks_like_a_key:
                fix += " (a key begins with SG. and has 69 characters; this one does not)"
            return Finding(KEY_VARIABLE, "error", what, fix)
        if response.status == 403:
            fix = "check that the account is not suspended, and that it allows your IP address (IP access)"
            return Finding(KEY_VARIABLE, "error", what, fix)
        return unusable(_NAME, error_text(response))

    def _settings(
        self, name: str, about: Callable[[dict[str, bool], Config], Iterator[Finding]], config: Config
    ) -> Iterator[Finding]:
        label = f"account's {name.replace('_', ' ')}"
        response = self._request(lambda client: getattr(client, name).get())
        enabled = None if isinstance(response, NotSent) else _enabled(response)
        if enabled is None:
            yield _not_examined(label, response, f"{name}.read")
        else:
            yield from about(enabled, config)

    def _domain(self, wanted: str) -> tuple[list[Finding], SenderDomain | None, str | None]:
        """Return the findings on the sender's authenticated domain, its DNS records and its return path."""
        domains: list[dict[str, Any]] = []
        for page in range(_MAX_PAGES):
            response = self._request(_page(page))
            listed = None if isinstance(response, NotSent) else _listed(response)
            if listed is None:
                return [_not_examined("authenticated domain", response, "whitelabel.read")], None, None
            domains += listed
            if len(listed) < _PAGE_SIZE:
                break
        chosen = _best_match(domains, wanted)
        if chosen is None:
            what = f"the account has none for {wanted}: sendgrid.net signs the mail, which then fails DMARC"
            fix = f"authenticate {wanted} at {_DOMAINS} (a subuser cannot see those of its parent account)"
            return [Finding("authenticated domain", "warning", what, fix)], None, "sendgrid.net"
        return [_about_domain(chosen, wanted)], _sender(chosen), _return_path(chosen)


def _page(number: int) -> Callable[[Any], Any]:
    query = {"limit": _PAGE_SIZE, "offset": number * _PAGE_SIZE}
    return lambda client: client.whitelabel.domains.get(query_params=query)


def _about_scopes(scopes: frozenset[str], *, holds_mail: bool) -> Iterator[Finding]:
    name = KEY_VARIABLE
    if SEND_SCOPE in scopes:
        yield Finding(name, "ok", "SendGrid accepts the key, which has the scope to send mail (mail.send)")
    else:
        fix = f"give it Mail Send at {_KEYS}"
        yield Finding(
            name, "error", "SendGrid accepts the key, which lacks the scope to send mail (mail.send)", fix
        )
    missing = [scope for scope in RECALL_SCOPES if scope not in scopes]
    if not missing:
        yield Finding(name, "ok", "has the scopes to hold mail back and to recall it (undo window)")
    elif holds_mail:
        fix = f"give it full Mail Send and Scheduled Sends access at {_KEYS}, or set send.undo_window to off"
        what = f"lacks scopes to hold mail back and to recall it: {', '.join(missing)}"
        yield Finding(name, "error", what, fix)
    else:
        what = f"lacks scopes to recall mail: {', '.join(missing)}; not needed, as send.undo_window is off"
        yield Finding(name, "note", what)


def _about_tracking(enabled: dict[str, bool], config: Config) -> Iterator[Finding]:
    ours = {"click": config.tracking.clicks, "open": config.tracking.opens}
    label = "account's tracking settings"
    overridden = sorted({OVERRIDDEN[name] for name in OVERRIDDEN if enabled.get(name) and not ours.get(name)})
    if overridden:
        verb, pronoun = ("is", "it") if len(overridden) == 1 else ("are", "them")
        what = f"{_and(overridden)} {verb} on; each request of news switches {pronoun} off for its mail"
        yield Finding(label, "note", what, f"to stop the tracking of the account's other mail: {_TRACKING}")
    if others := sorted(name for name, is_on in enabled.items() if is_on and name not in OVERRIDDEN):
        what = f"{printable(_and(others), 200)}: on, and unknown to news"
        yield Finding(label, "warning", what, f"check its effect on mail: {_TRACKING}")
    if not overridden and not others:
        yield Finding(label, "ok", "no setting is on that newsletter.yml does not ask for")


def _about_mail(enabled: dict[str, bool], config: Config) -> Iterator[Finding]:
    label = "account's mail settings"
    has_problem = False
    for name, (state, what) in _NOT_OVERRIDDEN.items():
        if enabled.get(name):
            has_problem = True
            yield Finding(label, state, f"`{name}` {what}", f"switch it off at {_MAIL}")
    if enabled.get("address_whitelist"):
        has_problem = True
        what = "`address_whitelist` makes SendGrid send to its addresses even if they bounced or unsubscribed"
        group = config.unsubscribe.sendgrid_group
        fix = f"remove readers' addresses from it: {_MAIL}"
        yield Finding(label, "warning" if group else "note", what, fix)
    if not has_problem:
        yield Finding(label, "ok", "no setting is on that changes or copies our mail")


def _about_domain(chosen: dict[str, Any], wanted: str) -> Finding:
    domain, label = str(chosen["domain"]), "authenticated domain"
    if not chosen.get("valid"):
        fix = f"publish its DNS records (below), then press Verify at {_DOMAINS}"
        return Finding(
            label, "error", f"SendGrid has not verified {domain} yet, and does not sign mail for it", fix
        )
    if domain.lower() == wanted:
        return Finding(label, "ok", f"SendGrid signs mail for {domain}")
    return Finding(label, "ok", f"SendGrid signs mail for {domain}, which it uses for {wanted}")


def _best_match(domains: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    """Return the entry of a domain, of its nearest parent, or the account's verified default; else None.

    If a domain has two entries, return the verified one.
    """

    def rank(entry: dict[str, Any]) -> tuple[bool, int, bool]:
        domain = str(entry["domain"]).lower()
        covers = wanted == domain or wanted.endswith(f".{domain}")
        return covers, len(domain) if covers else 0, bool(entry.get("valid"))

    fit = [entry for entry in domains if rank(entry)[0] or (entry.get("default") and entry.get("valid"))]
    return max(fit, key=rank, default=None)


def _return_path(chosen: dict[str, Any]) -> str | None:
    for key in ("mail_cname", "subdomain_spf", "mail_server"):
        record = chosen["dns"].get(key)
        if isinstance(record, dict) and isinstance(record.get("host"), str):
            return str(record["host"]).lower().rstrip(".")
    return None


def _sender(chosen: dict[str, Any]) -> SenderDomain:
    """Return a domain with its DNS records: CNAMEs for automated security, MX and TXT for manual security."""
    records = []
    for key, record in chosen["dns"].items():
        if not isinstance(record, dict):
            continue
        use = "DKIM key" if key.startswith("dkim") else "SPF" if key.endswith("_spf") else "return path"
        kind, host, data = (record.get(part) for part in ("type", "host", "data"))
        if kind in ("cname", "txt", "mx") and isinstance(host, str) and isinstance(data, str):
            kind = cast(Literal["cname", "txt", "mx"], kind)
            records.append(DnsRecord(use, kind, host.lower().rstrip("."), data))
    return SenderDomain(str(chosen["domain"]).lower(), tuple(records), chosen.get("valid") is True)


def _not_examined(label: str, response: Response | NotSent, scope: str) -> Finding:
    """Return the finding for settings that could not be read, with the reason."""
    if isinstance(response, Response) and response.status in (401, 403):
        fix = f"a send does not need this scope; to examine it, give the key {scope} at {_KEYS}"
        return Finding(
            label, "skipped", f"not examined: the key lacks the scope {scope} ({error_text(response)})", fix
        )
    return not_examined(label, response, error_text)


def _scopes(response: Response) -> frozenset[str] | None:
    content = _json(response)
    scopes = content.get("scopes") if isinstance(content, dict) else None
    return frozenset(map(str, scopes)) if isinstance(scopes, list) else None


def _enabled(response: Response) -> dict[str, bool] | None:
    content = _json(response)
    listed = content.get("result") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        return None
    return {str(item.get("name")): item.get("enabled") is True for item in listed if isinstance(item, dict)}


def _listed(response: Response) -> list[dict[str, Any]] | None:
    content = _json(response)
    if not isinstance(content, list):
        return None
    domains = [item for item in content if isinstance(item, dict) and isinstance(item.get("dns"), dict)]
    return [item for item in domains if isinstance(item.get("domain"), str)]


def _json(response: Response) -> object:
    if response.status != 200:
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
