"""What a SendGrid account says of itself: the key's scopes, settings that touch our mail, its domains.

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
from newsletter.providers.http import Response
from newsletter.providers.sendgrid.responses import error_text
from newsletter.sending.outcomes import NotSent

Ask = Callable[[Callable[[Any], Any]], Response | NotSent]

WHO = "SendGrid"
SEND = "mail.send"
UNDO = (
    "mail.batch.create",
    "user.scheduled_sends.create",
    "user.scheduled_sends.read",
    "user.scheduled_sends.update",
)
_KEY = re.compile(r"SG\.[!-~]{66}")
_PAGE, _PAGES = 50, 20
_TRACKING = "https://app.sendgrid.com/settings/tracking"
_MAIL = "https://app.sendgrid.com/settings/mail_settings"
_KEYS = "https://app.sendgrid.com/settings/api_keys"
_DOMAINS = "https://app.sendgrid.com/settings/sender_auth"

# Each request says for itself what becomes of these (`payload.tracking_settings`).
OVERRIDDEN = {
    "click": "click tracking",
    "open": "open tracking",
    "subscription": "subscription tracking",
    "google_analytics": "Google Analytics",
    "ganalytics": "Google Analytics",
}
# No request of ours says anything about these: the account's word stands.
_TOUCHES: Mapping[str, tuple[Literal["warning", "note"], str]] = {
    "footer": (
        "warning",
        "adds a footer of its own to every mail, so that readers get what nobody previewed",
    ),
    "template": ("warning", "wraps every mail in a template of its own (Legacy Email Template)"),
    "bcc": ("warning", "sends a copy of every mail to another address, with its reader's unsubscribe link"),
    "spam_check": ("warning", "drops mail that its spam checker does not like, after it was accepted"),
    "plain_content": ("note", "makes HTML of mail that is plain text; ours always has an HTML part"),
    "forward_spam": ("note", "forwards spam reports, which name readers, to another address"),
}


class SendGridAccount:
    """The account of a key. `ask` makes one call with SendGrid's client, or says why it cannot."""

    def __init__(self, ask: Ask, api_key: str) -> None:
        self._ask = ask
        self._looks_like_a_key = bool(_KEY.fullmatch(api_key))

    def examine(self, config: Config) -> ProviderReport:
        """What there is to say; asks no further when SendGrid cannot be reached, or does not know the key."""
        answer = self._ask(lambda client: client.scopes.get())
        if isinstance(answer, NotSent):
            fix = "check the network, a proxy, and `sendgrid.host`"
            return ProviderReport((Finding(WHO, "error", f"cannot be asked: {answer.reason}", fix),))
        heard = clock_of(WHO, answer.headers)
        scopes = _scopes(answer)
        if scopes is None:
            return ProviderReport((self._refused(answer),), heard=heard)
        findings = [*_about_scopes(scopes, undo=config.send.undo_window_seconds > 0)]
        findings += self._settings("tracking_settings", _about_tracking, config)
        findings += self._settings("mail_settings", _about_mail, config)
        about_domain, sender, return_path = self._domain(config.sender.email.rpartition("@")[2].lower())
        return ProviderReport((*findings, *about_domain), return_path, sender, heard)

    def _refused(self, answer: Response) -> Finding:
        what = f"does not accept the key: {error_text(answer)}"
        if answer.status == 401:
            fix = f"make a new key at {_KEYS} and set SENDGRID_API_KEY to it"
            if not self._looks_like_a_key:
                fix += " (a key begins with SG. and has 69 characters; this one does not)"
            return Finding("SENDGRID_API_KEY", "error", what, fix)
        if answer.status == 403:
            fix = "see whether the account is suspended, or lets only some IP addresses in (IP access)"
            return Finding("SENDGRID_API_KEY", "error", what, fix)
        return Finding(WHO, "skipped", f"gives no answer to go by: {error_text(answer)}", "try again later")

    def _settings(
        self, name: str, about: Callable[[dict[str, bool], Config], Iterator[Finding]], config: Config
    ) -> Iterator[Finding]:
        label = f"account's {name.replace('_', ' ')}"
        answer = self._ask(lambda client: getattr(client, name).get())
        found = None if isinstance(answer, NotSent) else _enabled(answer)
        if found is None:
            yield _unseen(label, answer, f"{name}.read")
        else:
            yield from about(found, config)

    def _domain(self, wanted: str) -> tuple[list[Finding], SenderDomain | None, str | None]:
        """The authenticated domain that SendGrid will use for mail from one."""
        domains: list[dict[str, Any]] = []
        for page in range(_PAGES):
            answer = self._ask(_page(page))
            found = None if isinstance(answer, NotSent) else _listed(answer)
            if found is None:
                return [_unseen("authenticated domain", answer, "whitelabel.read")], None, None
            domains += found
            if len(found) < _PAGE:
                break
        chosen = _for(domains, wanted)
        if chosen is None:
            what = f"there is none for {wanted}: mail is signed by sendgrid.net, and fails DMARC"
            fix = f"authenticate {wanted} at {_DOMAINS} (a subuser may use one of its parent account unseen)"
            return [Finding("authenticated domain", "warning", what, fix)], None, "sendgrid.net"
        return [_about_domain(chosen, wanted)], _sender(chosen), _return_path(chosen)


def _page(number: int) -> Callable[[Any], Any]:
    query = {"limit": _PAGE, "offset": number * _PAGE}
    return lambda client: client.whitelabel.domains.get(query_params=query)


def _about_scopes(scopes: frozenset[str], *, undo: bool) -> Iterator[Finding]:
    name = "SENDGRID_API_KEY"
    if SEND in scopes:
        yield Finding(name, "ok", "SendGrid knows the key, and it may send mail (mail.send)")
    else:
        fix = f"give it Mail Send at {_KEYS}"
        yield Finding(name, "error", "SendGrid knows the key, but it may not send mail (mail.send)", fix)
    missing = [one for one in UNDO if one not in scopes]
    if not missing:
        yield Finding(name, "ok", "may hold mail back, and call it back (undo)")
    elif undo:
        fix = f"give it full Mail Send and Scheduled Sends access at {_KEYS}, or set send.undo_window to off"
        what = f"may not hold mail back and call it back: it lacks {', '.join(missing)}"
        yield Finding(name, "error", what, fix)
    else:
        what = f"could not undo a send (lacks {', '.join(missing)}); send.undo_window is off anyway"
        yield Finding(name, "note", what)


def _about_tracking(enabled: dict[str, bool], config: Config) -> Iterator[Finding]:
    ours = {"click": config.tracking.clicks, "open": config.tracking.opens}
    label = "account's tracking settings"
    on = sorted({OVERRIDDEN[name] for name in OVERRIDDEN if enabled.get(name) and not ours.get(name)})
    if on:
        what = f"{_and(on)} {'is' if len(on) == 1 else 'are'} on; each of our requests switches "
        what += f"{'it' if len(on) == 1 else 'them'} off for its mail"
        yield Finding(
            label, "note", what, f"other mail of this account may be tracked; to end that: {_TRACKING}"
        )
    if others := sorted(name for name, is_on in enabled.items() if is_on and name not in OVERRIDDEN):
        what = f"{printable(_and(others), 200)}: on, and unknown here"
        yield Finding(label, "warning", what, f"see what it does to mail: {_TRACKING}")
    if not on and not others:
        yield Finding(label, "ok", "nothing is on that newsletter.yml does not ask for")


def _about_mail(enabled: dict[str, bool], config: Config) -> Iterator[Finding]:
    label = "account's mail settings"
    found = False
    for name, (state, what) in _TOUCHES.items():
        if enabled.get(name):
            found = True
            yield Finding(label, state, f"`{name}` {what}", f"switch it off at {_MAIL}")
    if enabled.get("address_whitelist"):
        found = True
        what = "`address_whitelist` sends to the addresses in it even if they bounced or unsubscribed"
        group = config.unsubscribe.sendgrid_group
        fix = f"see that no readers are in it: {_MAIL}"
        yield Finding(label, "warning" if group else "note", what, fix)
    if not found:
        yield Finding(label, "ok", "nothing is on that would change or copy our mail")


def _about_domain(chosen: dict[str, Any], wanted: str) -> Finding:
    domain, label = str(chosen["domain"]), "authenticated domain"
    if not chosen.get("valid"):
        fix = f"publish its records (below), then press Verify at {_DOMAINS}"
        return Finding(
            label, "error", f"SendGrid has not verified {domain} yet, and does not sign for it", fix
        )
    if domain.lower() == wanted:
        return Finding(label, "ok", f"SendGrid signs for {domain}")
    return Finding(label, "ok", f"SendGrid signs for {domain}, which it uses for {wanted}")


def _for(domains: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    """The one for a domain: its own, the nearest above it, or the account's default; verified ones first."""

    def rank(one: dict[str, Any]) -> tuple[bool, int, bool]:
        domain = str(one["domain"]).lower()
        covers = wanted == domain or wanted.endswith(f".{domain}")
        return covers, len(domain) if covers else 0, bool(one.get("valid"))

    fit = [one for one in domains if rank(one)[0] or (one.get("default") and one.get("valid"))]
    return max(fit, key=rank, default=None)


def _return_path(chosen: dict[str, Any]) -> str | None:
    for key in ("mail_cname", "subdomain_spf", "mail_server"):
        record = chosen["dns"].get(key)
        if isinstance(record, dict) and isinstance(record.get("host"), str):
            return str(record["host"]).lower().rstrip(".")
    return None


def _sender(chosen: dict[str, Any]) -> SenderDomain:
    """Its records, as automated security (CNAMEs) and manual security (MX and TXT) have them."""
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


def _unseen(label: str, answer: Response | NotSent, scope: str) -> Finding:
    """What could not be looked at, and why."""
    if isinstance(answer, NotSent):
        return Finding(label, "skipped", f"not looked at: {answer.reason}", "try again later")
    if answer.status in (401, 403):
        fix = f"sending does not need it; to see it here give the key {scope} at {_KEYS}"
        return Finding(
            label, "skipped", f"not looked at: the key may not read it ({error_text(answer)})", fix
        )
    return Finding(label, "skipped", f"not looked at: {error_text(answer)}", "try again later")


def _scopes(answer: Response) -> frozenset[str] | None:
    found = _json(answer)
    scopes = found.get("scopes") if isinstance(found, dict) else None
    return frozenset(map(str, scopes)) if isinstance(scopes, list) else None


def _enabled(answer: Response) -> dict[str, bool] | None:
    found = _json(answer)
    listed = found.get("result") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        return None
    return {str(one.get("name")): one.get("enabled") is True for one in listed if isinstance(one, dict)}


def _listed(answer: Response) -> list[dict[str, Any]] | None:
    found = _json(answer)
    if not isinstance(found, list):
        return None
    fit = [one for one in found if isinstance(one, dict) and isinstance(one.get("dns"), dict)]
    return [one for one in fit if isinstance(one.get("domain"), str)]


def _json(answer: Response) -> object:
    if answer.status != 200:
        return None
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        return None


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
