"""Render a mail as one reader sees it: with the reader's values, in a light or dark colour scheme."""

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

_STYLE = re.compile(r"(<style\b[^<>]*>)(.*?)(</style>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(
    r"""<(?:style|link|source|meta|html|body|div|table)\b(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(media|style|content)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_COLOR_SCHEME_META = re.compile(r"""\bname\s*=\s*["']?color-scheme\b""", re.IGNORECASE)
_PREFERS = re.compile(r"\(\s*prefers-color-scheme\s*(?::\s*(\w+)\s*)?\)", re.IGNORECASE)
_DECLARED = re.compile(r"(?<![\w-])(color-scheme\s*:)([^;}]*)", re.IGNORECASE)
_LINK = re.compile(r"<(?=link[\s/>])", re.IGNORECASE)
# The attribute of an SVG animation that names the attribute it changes, such as the target of a link.
_ANIMATED = re.compile(r"(?=attributeName[\s=])", re.IGNORECASE)


def in_scheme(html: str, scheme: Scheme) -> str:
    """Return the HTML with its own rules for one colour scheme, independent of the browser's setting."""

    def tag(match: re.Match[str]) -> str:
        is_scheme_meta = _COLOR_SCHEME_META.search(match[0])

        def attribute(pair: re.Match[str]) -> str:
            value = pair[2] or pair[3] or pair[4] or ""
            if pair[1].lower() != "content":
                value = css_in_scheme(value, scheme)
            elif is_scheme_meta:
                value = _chosen(value, scheme)
            quote = "'" if pair[3] else '"'
            return f"{pair[1]}={quote}{value}{quote}"

        return _ATTRIBUTE.sub(attribute, match[0])

    html = _STYLE.sub(lambda block: block[1] + css_in_scheme(block[2], scheme) + block[3], html)
    return _TAG.sub(tag, html)


def css_in_scheme(css: str, scheme: Scheme) -> str:
    """Return a style sheet with its own rules for one colour scheme, like `in_scheme`."""
    css = _PREFERS.sub(lambda query: _condition((query[1] or scheme).lower() == scheme), css)
    return _DECLARED.sub(lambda declared: declared[1] + _chosen(declared[2], scheme), css)


def without_links(html: str) -> str:
    """Return the HTML with `x-link` in place of each `link`, and without animations of attributes.

    A Content-Security-Policy blocks all that a `link` loads, but not the connection of rel="preconnect". An
    animation could give a link another target.
    """
    return _ANIMATED.sub("x-", _LINK.sub("<x-", html))


def _condition(true: bool) -> str:
    return "(min-width: 0)" if true else "(max-width: 0)"


def _chosen(schemes: str, scheme: Scheme) -> str:
    """Return `scheme` if it is in `schemes`, a list separated by spaces; else return the list unchanged."""
    return scheme if scheme in schemes.lower().split() else schemes


def reader(address: str = "", name: str = "") -> Subscriber:
    """Return the subscriber to render a mail for; without an address, the sample reader.

    Raise SubscriberError for an invalid address.
    """
    if not address:
        return READER
    mailbox, parsed_name = parse_subscriber(address, name)
    return Subscriber(0, mailbox.given, parsed_name, number=1)


def addressed(proof: Proof, subscriber: Subscriber = READER) -> tuple[Mailing, Recipient]:
    """Return an issue's mailing and its recipient, whose unsubscribe link unsubscribes nobody."""
    return sample.sample_mailing(proof.issue, proof.rendered, proof.newsletter, subscriber)


def html_for(mailing: Mailing, recipient: Recipient) -> str:
    """Return the HTML part with a recipient's values and an unsubscribe link that has no effect."""
    return _filled(mailing.rendered.html, mailing, recipient, escape, inert=True)


def text_for(mailing: Mailing, recipient: Recipient) -> str:
    """Return the text part with a recipient's values."""
    return _filled(mailing.rendered.text, mailing, recipient, str, inert=False)


def _filled(
    part: str, mailing: Mailing, recipient: Recipient, encode: Callable[[str], str], *, inert: bool
) -> str:
    def value(placeholder: re.Match[str]) -> str:
        if inert and placeholder[1] == "unsubscribe_url":
            return "#unsubscribe"
        return encode(mailing.value(placeholder[1])(recipient))

    return PLACEHOLDER.sub(value, part)
