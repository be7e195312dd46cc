"""Whether the page behind unsubscribe links answers as mail programs need it (RFC 8058).

It is asked with the token that belongs to nobody, so that nobody is unsubscribed by it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from newsletter import __version__
from newsletter.display import printable
from newsletter.findings import ClockReading, Finding, clock_of
from newsletter.mail.unsubscribe_tokens import TEST
from newsletter.providers.http import NoResponse, NotConnected, Response, Transport

ONE_CLICK = b"List-Unsubscribe=One-Click"
_REFUSED = (400, 404, 410, 422)
_POST, _GET = "one-click POST", "GET, as link scanners do"
_FORM = re.compile(rb"<form\b[^>]*\bmethod\s*=\s*[\"']?post\b", re.IGNORECASE)
_DONE = re.compile(
    rb"(?:have|has|were|are|was)\s+(?:now\s+|been\s+|successfully\s+)*(?:unsubscribed|removed)\b"
    rb"|unsubscribed\s+successfully|successfully\s+unsubscribed",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PageReport:
    """What was found, and what time it was there."""

    findings: tuple[Finding, ...]
    heard: tuple[ClockReading, ...] = ()


def unsubscribe(url: str, timeout: float) -> PageReport:
    """Asks an `unsubscribe.url` by POST, as a mail program does, and by GET."""
    parts = urlsplit(url.replace("{token}", TEST))
    transport = Transport(f"{parts.scheme}://{parts.netloc}", 1, timeout)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    agent = {"User-Agent": f"news/{__version__} (news doctor)", "Accept": "text/html, */*"}
    form = {**agent, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        posted = transport.ask("POST", path, form, [ONE_CLICK])
        by_get = _by_get(transport, path, agent)
    except NotConnected as failure:
        return PageReport((_unreached(parts.netloc, str(failure)),))
    except NoResponse as failure:
        what = f"{parts.netloc} takes the connection and gives no answer: {failure}"
        return PageReport((Finding(_POST, "error", what, "look at its log; readers cannot leave"),))
    finally:
        transport.close()
    return PageReport((about_post(posted), *by_get), clock_of(parts.netloc, posted.headers))


def _by_get(transport: Transport, path: str, headers: dict[str, str]) -> list[Finding]:
    try:
        return list(about_get(transport.ask("GET", path, headers)))
    except (NotConnected, NoResponse) as failure:
        return [Finding(_GET, "skipped", f"no answer: {failure}", "try again")]


def about_post(answer: Response) -> Finding:
    """What the answer to a one-click POST means; mail programs follow no redirect and log in nowhere."""
    status = answer.status
    if 200 <= status < 300:
        return Finding(_POST, "ok", f"is answered with {status}, without a redirect or a login")
    if status in _REFUSED:
        what = f"is answered with {status} for a token that is nobody's: cannot tell what a real one gets"
        return Finding(_POST, "note", what, "try the link of a test subscriber of yours by hand")
    if status == 405:
        what = (
            "is refused (405): the page takes no POST, so that the unsubscribe button of mail programs fails"
        )
        return Finding(_POST, "error", what, "let it take POST with List-Unsubscribe=One-Click (RFC 8058)")
    if 300 <= status < 400:
        to = printable(answer.headers.get("Location", ""), 100)
        what = f"is sent elsewhere ({status} to {to}), which mail programs do not follow"
        return Finding(_POST, "error", what, "let the very address in the mail answer with 200")
    if status in (401, 403):
        what = f"is refused ({status}): mail programs bring no login, no cookie and no form token"
        return Finding(_POST, "error", what, "let POST in without a login, a CSRF token or a bot check")
    if status == 429:
        return Finding(_POST, "skipped", "is asked too often (429)", "try again later")
    what = f"fails ({status})"
    return Finding(_POST, "error", what, "look at the server's log; readers cannot leave")


def about_get(answer: Response) -> Iterator[Finding]:
    """Whether a GET seems to act: scanners and previews open every link in a mail."""
    status, page = answer.status, answer.content
    acts = "let GET show a page with a button that sends POST, and let only POST act"
    if status == 405:
        yield Finding(_GET, "ok", "is refused (405), and so unsubscribes nobody")
    elif 200 <= status < 300 and _DONE.search(page):
        what = "is answered with a page that says that somebody was unsubscribed"
        yield Finding(_GET, "warning", what, acts)
    elif 200 <= status < 300 and _FORM.search(page):
        yield Finding(_GET, "ok", "shows a page with a form that sends POST, and does not act by itself")
    elif 200 <= status < 300:
        what = f"is answered with {status} and no form that sends POST: perhaps it unsubscribes at once"
        yield Finding(_GET, "warning", what, acts)
    elif status in _REFUSED:
        what = f"is answered with {status} for a token that is nobody's: cannot tell what a real one gets"
        yield Finding(_GET, "note", what, acts)
    elif 300 <= status < 400:
        to = printable(answer.headers.get("Location", ""), 100)
        yield Finding(_GET, "note", f"leads on to {to} ({status}): cannot tell whether it acted before", acts)
    else:
        fix = "readers who click the link in the mail see this: look at the server's log"
        yield Finding(
            _GET, "warning", f"is answered with {status}, so that the link in the mail is broken", fix
        )


def _unreached(host: str, why: str) -> Finding:
    reasons = (
        ("expired", "its certificate has expired", "renew the certificate"),
        (
            "ostname mismatch",
            "its certificate is for another name",
            "get one for the host in unsubscribe.url",
        ),
        ("IP address mismatch", "its certificate is for another name", "get one for that host"),
        ("self-signed", "its certificate is one that nobody trusts", "get one from a certificate authority"),
        ("unable to get local issuer", "its certificate's chain is not whole", "serve the whole chain"),
        ("CERTIFICATE", "its certificate is not trusted", "renew the certificate"),
        ("SSL", "it does not speak TLS as it should", "serve https on that port"),
        ("refused", "nobody answers there", "start the server, or correct unsubscribe.url"),
        ("not known", "there is no such host", "correct unsubscribe.url, or publish the host in the DNS"),
        ("resolution", "the host cannot be found in the DNS", "check the network and unsubscribe.url"),
        ("No address", "the host has no address in the DNS", "publish one, or correct unsubscribe.url"),
        ("timed out", "it does not answer in time", "check the server, and a firewall in between"),
    )
    for sign, what, fix in reasons:
        if sign in why:
            return Finding(host, "error", f"cannot be reached, {what} ({why})", fix)
    return Finding(host, "error", f"cannot be reached: {why}", "check unsubscribe.url and the server")
