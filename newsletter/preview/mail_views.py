"""A mail as one reader has it before them: their own values in it, in the light or in the dark."""

import re
from collections.abc import Callable
from html import escape
from typing import Literal

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.mail import sample
from newsletter.mail.message import Mailing, Recipient
from newsletter.mail.sample import READER
from newsletter.subscribers.model import Subscriber
from newsletter.subscribers.parsing import parse_subscriber

Scheme = Literal["light", "dark"]

_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(
    r"""<(?:style|link|source|meta|html|body|div|table)\b(?:[^>"']|"[^"]*"|'[^']*')*>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(media|style|content)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_OF_SCHEMES = re.compile(r"""\bname\s*=\s*["']?color-scheme\b""", re.IGNORECASE)
_PREFERS = re.compile(r"\(\s*prefers-color-scheme\s*(?::\s*(\w+)\s*)?\)", re.IGNORECASE)
_DECLARED = re.compile(r"(?<![\w-])(color-scheme\s*:)([^;}]*)", re.IGNORECASE)
_HINT = re.compile(
    r"<link\b[^>]*\brel=[\"']?[^\"'>]*\b(?:preconnect|dns-prefetch|prefetch|preload|prerender)\b[^>]*>",
    re.IGNORECASE,
)


def in_scheme(html: str, scheme: Scheme) -> str:
    """A mail as its own rules design it for a scheme, whatever the machine is set to."""

    def settled(css: str) -> str:
        css = _PREFERS.sub(lambda asked: _holds((asked[1] or scheme).lower() == scheme), css)
        return _DECLARED.sub(lambda said: said[1] + _chosen(said[2], scheme), css)

    def tag(found: re.Match[str]) -> str:
        of_schemes = _OF_SCHEMES.search(found[0])

        def attribute(given: re.Match[str]) -> str:
            value = given[2] or given[3] or given[4] or ""
            if given[1].lower() != "content":
                value = settled(value)
            elif of_schemes:
                value = _chosen(value, scheme)
            quote = "'" if given[3] else '"'
            return f"{given[1]}={quote}{value}{quote}"

        return _ATTRIBUTE.sub(attribute, found[0])

    html = _STYLE.sub(lambda block: block[1] + settled(block[2]) + block[3], html)
    return _TAG.sub(tag, html)


def unhinted(html: str) -> str:
    """A mail without links that have a browser connect somewhere ahead of time, which no policy prevents."""
    return _HINT.sub("", html)


def _holds(true: bool) -> str:
    return "(min-width: 0)" if true else "(max-width: 0)"


def _chosen(schemes: str, scheme: Scheme) -> str:
    """Of several colour schemes that a mail is made for, the one that it is looked at in."""
    return scheme if scheme in schemes.lower().split() else schemes


def reader(address: str = "", name: str = "") -> Subscriber:
    """Somebody to read a mail as; nobody in particular without an address. Raises SubscriberError."""
    if not address:
        return READER
    mailbox, called = parse_subscriber(address, name)
    return Subscriber(0, mailbox.given, called, number=1)


def addressed(proof: Proof, subscriber: Subscriber = READER) -> tuple[Mailing, Recipient]:
    """An issue's mailing, and somebody whose link unsubscribes nobody."""
    return sample.sample_mailing(proof.issue, proof.rendered, proof.newsletter, subscriber)


def html_for(mailing: Mailing, recipient: Recipient) -> str:
    """The HTML part with a recipient's values; the link that would unsubscribe them leads nowhere."""
    return _filled(mailing.rendered.html, mailing, recipient, escape, inert=True)


def text_for(mailing: Mailing, recipient: Recipient) -> str:
    """The text part with a recipient's values."""
    return _filled(mailing.rendered.text, mailing, recipient, str, inert=False)


def _filled(
    part: str, mailing: Mailing, recipient: Recipient, encode: Callable[[str], str], *, inert: bool
) -> str:
    def value(found: re.Match[str]) -> str:
        if inert and found[1] == "unsubscribe_url":
            return "#unsubscribe"
        return encode(mailing.value(found[1])(recipient))

    return PLACEHOLDER.sub(value, part)
