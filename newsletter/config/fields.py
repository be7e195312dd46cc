"""What makes a value of newsletter.yml valid."""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from newsletter.config import units
from newsletter.display import counted, printable
from newsletter.hosts import is_loopback
from newsletter.subscribers import address
from newsletter.yamlfile.fields import Line, invalid, web_address


def _mailbox(text: str) -> str:
    try:
        return address.parse(text).given
    except address.BadAddress as problem:
        what = f'"{printable(text)}" is not an email address ({problem})'
        raise invalid(what, "write it as name@example.com") from problem


def unsubscribe_link(text: str) -> str:
    web_address(text.replace("{token}", "token"))
    parts = urlsplit(text)
    if text.count("{token}") != 1 or "{token}" not in parts.path + parts.query:
        raise invalid("needs {token} once, behind the host", "put {token} where the reader's own part goes")
    if parts.scheme != "https":
        raise invalid("is not https", "write https://…: mail programs unsubscribe over https only (RFC 8058)")
    if len(text) > 500:
        raise invalid(f"is {len(text)} characters long", "a mail's header lines end at 998: at most 500 fit")
    if not text.isascii():
        raise invalid("is not ASCII, as a mail's header must be", "write the host as xn--…, the rest as %…")
    return text


def key_safe_host(url: str) -> str:
    parts = urlsplit(web_address(url))
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise invalid("would show the API key to everybody on the way", "write https://…")
    return url.rstrip("/")


def month_names(text: str) -> str:
    if len(text.split()) != 12 or "," in text:
        fix = 'write the twelve months with spaces between: "January February …"'
        raise invalid(f"has {counted(len(text.split()), 'word')}" if "," not in text else "has commas", fix)
    return text


def label_fields(*fields: str) -> AfterValidator:
    """A label in which only these fields, {count} and the like, may stand."""

    def filled(text: str) -> str:
        for field_ in re.findall(r"\{[^}]*\}?", text):
            if field_ not in fields:
                known = f"the field here is {fields[0]}" if fields else "write it without braces"
                raise invalid(f"has {field_}, which nothing fills", known)
        return text

    return AfterValidator(filled)


def _shaped(pattern: str, what: str, fix: str) -> AfterValidator:
    def shaped(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise invalid(what, fix)
        return text

    return AfterValidator(shaped)


# Labels of at most 63 characters, or an address in brackets or not.
_HOST = r"(?=.{1,253}$)[^\s/@.:\[\]]{1,63}(\.[^\s/@.:\[\]]{1,63})*|[0-9a-fA-F:]*:[0-9a-fA-F:.]+"
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Host = Annotated[str, _shaped(_HOST, "is not the name of a host", "write it alone, such as mail.example.com")]
ListId = Annotated[
    str, _shaped(r"[A-Za-z0-9._-]+", "is not the name of a list", "write it like papers.example.com")
]
_LANGUAGE = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"
Language = Annotated[str, _shaped(_LANGUAGE, "is not a language code", "write one such as en or pt-BR")]
Label = Annotated[Line, label_fields()]


def parsed_by(parse: Callable[[str], object], example: str) -> AfterValidator:
    """A text that `parse` understands."""

    def read(text: str) -> str:
        try:
            parse(text)
        except ValueError as failure:
            raise invalid(f'"{printable(text, 40)}" is not understood', f"write it as {example}") from failure
        return text

    return AfterValidator(read)


def allowed_undo_window(text: str) -> str:
    seconds = units.parse_duration(text).total_seconds()
    if seconds and not 15 * 60 <= seconds <= 24 * 3600:
        fix = "write 15m to 24h, or off: mail can be called back until 10 minutes before it leaves"
        raise invalid(f"is {text}", fix)
    return text
