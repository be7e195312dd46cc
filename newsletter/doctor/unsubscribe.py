"""Examine the page of unsubscribe links, which must accept a mail program's one-click POST (RFC 8058).

The requests use the test token, which unsubscribes nobody. The address may be that of a stranger's branch, so
that only a public host is requested.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from newsletter import __version__
from newsletter.display import printable
from newsletter.findings import ClockReading, Finding, clock_of
from newsletter.mail.unsubscribe_tokens import TEST
from newsletter.network.connections import IsPublic, connect
from newsletter.network.hosts import is_loopback, is_public
from newsletter.providers.http import NoResponse, NotConnected, Response, Transport

ONE_CLICK = b"List-Unsubscribe=One-Click"
_REFUSED = (400, 404, 410, 422)
_POST, _GET = "one-click POST", "GET, as link scanners do"
_FORM = re.compile(rb"<form\b[^<>]*\bmethod\s*=\s*[\"']?post\b", re.IGNORECASE)
_DONE = re.compile(
    rb"(?:have|has|were|are|was)\s+(?:now\s+|been\s+|successfully\s+)*(?:unsubscribed|removed)\b"
    rb"|unsubscribed\s+successfully|successfully\s+unsubscribed",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PageReport:
    """The findings on the unsubscribe page, and the clock reading of its server, if it sent its time."""

    findings: tuple[Finding, ...]
    clock_readings: tuple[ClockReading, ...] = ()


def unsubscribe(url: str, timeout: float, is_public: IsPublic = is_public) -> PageReport:
    """Request `unsubscribe.url` by POST, as a mail program does, and by GET; return the findings.

    `is_public` decides to which hosts and IP addresses a connection is allowed.
    """
    parts = urlsplit(url.replace("{token}", TEST))
    if is_loopback(parts.hostname or "") and not is_public(parts.hostname or ""):
        what = "is for a trial on this machine: readers cannot open it, and it was not requested"
        fix = "before you send real mail, write a public address into unsubscribe.url"
        return PageReport((Finding(parts.netloc, "error", what, fix),))
    if not is_public(parts.hostname or ""):
        return PageReport((_connection_failure(parts.netloc, f"{parts.hostname} is not public"),))
    connect_public = partial(connect, is_public=is_public)
    transport = Transport(f"{parts.scheme}://{parts.netloc}", 1, timeout, connect=connect_public)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    agent = {"User-Agent": f"news/{__version__} (news doctor)", "Accept": "text/html, */*"}
    form = {**agent, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        response = transport.request("POST", path, form, [ONE_CLICK])
        by_get = _by_get(transport, path, agent)
    except NotConnected as failure:
        return PageReport((_connection_failure(parts.netloc, str(failure)),))
    except NoResponse as failure:
        what = f"{parts.netloc} accepts the connection but sends no response: {failure}"
        return PageReport((Finding(_POST, "error", what, "look at its log; readers cannot unsubscribe"),))
    finally:
        transport.close()
    return PageReport((post_finding(response), *by_get), clock_of(parts.netloc, response.headers))


def _by_get(transport: Transport, path: str, headers: dict[str, str]) -> list[Finding]:
    try:
        return list(get_findings(transport.request("GET", path, headers)))
    except (NotConnected, NoResponse) as failure:
        return [Finding(_GET, "skipped", f"no response: {failure}", "try again")]


def post_finding(response: Response) -> Finding:
    """Return the finding on the response to POST; mail programs neither follow redirects nor log in."""
    status = response.status
    if 200 <= status < 300:
        return Finding(_POST, "ok", f"is answered with {status}, without a redirect or a login")
    if status in _REFUSED:
        what = f"is answered with {status} for the test token: cannot tell the response for a real token"
        return Finding(_POST, "note", what, "open the link of a test subscriber by hand")
    if status == 405:
        what = "is refused (405): the page accepts no POST, so that mail programs' unsubscribe button fails"
        return Finding(_POST, "error", what, "accept POST with List-Unsubscribe=One-Click (RFC 8058)")
    if 300 <= status < 400:
        target = printable(response.headers.get("Location", ""), 100)
        what = f"is redirected ({status} to {target}), which mail programs do not follow"
        return Finding(_POST, "error", what, "answer with 200 at the address in the mail itself")
    if status in (401, 403):
        what = f"is refused ({status}): mail programs send no login, no cookie and no form token"
        return Finding(_POST, "error", what, "accept POST without a login, a CSRF token or a bot check")
    if status == 429:
        return Finding(_POST, "skipped", "is refused: too many requests (429)", "try again later")
    what = f"fails ({status})"
    return Finding(_POST, "error", what, "look at the server's log; readers cannot unsubscribe")


def get_findings(response: Response) -> Iterator[Finding]:
    """Yield the finding on the response to GET, which must not unsubscribe: link scanners open all links."""
    status, page = response.status, response.content
    fix_get = "let GET show a page with a button that sends POST, and let only POST unsubscribe"
    if status == 405:
        yield Finding(_GET, "ok", "is refused (405), so that it unsubscribes nobody")
    elif 200 <= status < 300 and _DONE.search(page):
        what = "is answered with a page that confirms an unsubscription"
        yield Finding(_GET, "warning", what, fix_get)
    elif 200 <= status < 300 and _FORM.search(page):
        yield Finding(_GET, "ok", "shows a page with a form that sends POST; opening it unsubscribes nobody")
    elif 200 <= status < 300:
        what = f"is answered with {status} and no form that sends POST: it may unsubscribe at once"
        yield Finding(_GET, "warning", what, fix_get)
    elif status in _REFUSED:
        what = f"is answered with {status} for the test token: cannot tell the response for a real token"
        yield Finding(_GET, "note", what, fix_get)
    elif 300 <= status < 400:
        target = printable(response.headers.get("Location", ""), 100)
        yield Finding(
            _GET,
            "note",
            f"is redirected to {target} ({status}): cannot tell if it unsubscribes first",
            fix_get,
        )
    else:
        fix = "look at the server's log; readers who click the link in the mail see this response"
        yield Finding(
            _GET, "warning", f"is answered with {status}, so that the link in the mail is broken", fix
        )


def _connection_failure(host: str, reason: str) -> Finding:
    reasons = (
        (
            "is not public",
            "readers cannot open it, and it was not requested",
            "write a public address; if only your own network finds it there, run news doctor elsewhere",
        ),
        ("expired", "its certificate has expired", "renew the certificate"),
        (
            "ostname mismatch",
            "its certificate is for another name",
            "get one for the host in unsubscribe.url",
        ),
        ("IP address mismatch", "its certificate is for another name", "get one for that host"),
        (
            "self-signed",
            "its certificate is self-signed, and mail programs do not trust it",
            "get one from a certificate authority",
        ),
        ("unable to get local issuer", "its certificate chain is incomplete", "serve the complete chain"),
        ("CERTIFICATE", "its certificate is not trusted", "renew the certificate"),
        ("SSL", "it does not speak TLS", "serve https on that port"),
        ("refused", "no server listens there", "start the server, or correct unsubscribe.url"),
        ("not known", "the host does not exist", "correct unsubscribe.url, or publish the host in the DNS"),
        ("resolution", "the host cannot be found in the DNS", "check the network and unsubscribe.url"),
        ("No address", "the host has no address in the DNS", "publish one, or correct unsubscribe.url"),
        ("timed out", "it does not answer in time", "check the server, and a firewall in between"),
    )
    for pattern, what, fix in reasons:
        if pattern in reason:
            return Finding(host, "error", f"cannot be reached, {what} ({reason})", fix)
    return Finding(host, "error", f"cannot be reached: {reason}", "check unsubscribe.url and the server")
