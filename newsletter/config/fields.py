"""Types for the values of newsletter.yml, and their validators, which raise the error of `invalid`."""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from newsletter.config import units
from newsletter.display import counted, printable
from newsletter.errors import StateError
from newsletter.network.hosts import is_loopback
from newsletter.state.remote_url import refuse_unsafe_remote
from newsletter.subscribers import address
from newsletter.yamlfile.fields import Line, invalid, web_address


def _mailbox(text: str) -> str:
    try:
        return address.parse(text).given
    except address.BadAddress as problem:
        what = f'"{printable(text)}" is not an email address ({problem})'
        raise invalid(what, "write it as name@example.com") from problem


def unsubscribe_link(text: str) -> str:
    """Return an https address that has `{token}` once and fits a mail header; else raise `invalid`.

    An address of this machine may be http, to try the pages of `news serve`.
    """
    misplaced = invalid(
        "needs {token} exactly once, after the host", "put {token} where each subscriber's token goes"
    )
    if "{token}" in re.split("[/?#]", text.partition("://")[2])[0]:
        raise misplaced
    text = web_address(text).replace("%7Btoken%7D", "{token}")
    parts = urlsplit(text)
    if text.count("{token}") != 1 or "{token}" not in parts.path + parts.query:
        raise misplaced
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise invalid("is not https", "write https://…: mail programs unsubscribe over https only (RFC 8058)")
    if len(text) > 500:
        raise invalid(
            f"is {len(text)} characters long", "write at most 500 characters: a header line of mail holds 998"
        )
    return text


def key_safe_host(url: str) -> str:
    """Return an address to which the API key may be sent: https, or a loopback host; else raise `invalid`."""
    url = web_address(url)
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise invalid("would send the API key without encryption", "write https://…")
    return url.rstrip("/")


def state_remote(url: str) -> str:
    """Return the address of a Git remote over https or ssh; else raise `invalid`.

    Git runs programs that other kinds of addresses name.
    """
    try:
        refuse_unsafe_remote(url)
    except StateError as failure:
        raise invalid(failure.problems[0].what, failure.problems[0].fix) from failure
    return url


def site_root(url: str) -> str:
    """Return the address of a site without slashes at its end; raise `invalid` for one without room below."""
    if "?" in url or "#" in url:
        raise invalid("has a ? or #, behind which no page can be", "write the address of the site without it")
    return url.rstrip("/")


def month_names(text: str) -> str:
    """Return text of twelve words without commas; else raise `invalid`."""
    if len(text.split()) != 12 or "," in text:
        fix = 'write the twelve months with spaces between: "January February …"'
        raise invalid(f"has {counted(len(text.split()), 'word')}" if "," not in text else "has commas", fix)
    return text


def label_fields(*fields: str) -> AfterValidator:
    """Return a validator of labels; it allows no other fields than these, such as `{count}`."""

    def check_fields(text: str) -> str:
        for field in re.findall(r"\{[^}]*\}?", text):
            if field not in fields:
                fix = f"the only field of this label is {fields[0]}" if fields else "write it without braces"
                raise invalid(f"has the unknown field {field}", fix)
        return text

    return AfterValidator(check_fields)


def _matching(pattern: str, what: str, fix: str) -> AfterValidator:
    def match(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise invalid(what, fix)
        return text

    return AfterValidator(match)


# A host name, with labels of at most 63 characters, or an IPv6 address.
_HOST = r"(?=.{1,253}$)[^\s/@.:\[\]]{1,63}(\.[^\s/@.:\[\]]{1,63})*|[0-9a-fA-F]*:[0-9a-fA-F:.]+"
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Host = Annotated[
    str, _matching(_HOST, "is not a host name", "write only the host name, such as mail.example.com")
]
ListId = Annotated[
    str, _matching(r"[A-Za-z0-9._-]+", "is not a list id", "write one such as papers.example.com")
]
# The first part of every registered code has two or three letters: `german` is no code.
_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*"
Language = Annotated[str, _matching(_LANGUAGE, "is not a language code", "write one such as en or pt-BR")]
Label = Annotated[Line, label_fields()]


def parsed_by(parse: Callable[[str], object], example: str) -> AfterValidator:
    """Return a validator that accepts the text that `parse` accepts; `example` is the fix in its error."""

    def check(text: str) -> str:
        try:
            parse(text)
        except ValueError as failure:
            raise invalid(
                f'has the value "{printable(text, 40)}", which cannot be read', f"write {example}"
            ) from failure
        return text

    return AfterValidator(check)


def network(text: str) -> str:
    """Return an IP address or network, such as 10.0.0.0/8; else raise `invalid`."""
    try:
        return str(ip_network(text)) if "/" in text else str(ip_address(text))
    except ValueError as failure:
        what = f'is "{printable(text, 60)}", and no IP address or network'
        raise invalid(what, "write one such as 127.0.0.1 or 10.0.0.0/8") from failure


def allowed_undo_window(text: str) -> str:
    """Return an undo window of 15 minutes to 24 hours, or off; else raise `invalid`."""
    seconds = units.parse_duration(text).total_seconds()
    if seconds and not 15 * 60 <= seconds <= 24 * 3600:
        fix = "write 15m to 24h, or off: a send can be cancelled until 10 minutes before the mail leaves"
        raise invalid(f"is {text}", fix)
    return text
