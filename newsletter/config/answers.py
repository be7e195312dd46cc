"""Validate single values of newsletter.yml, such as answers to questions, with the types of its model."""

import re
from collections.abc import Mapping
from typing import Annotated, get_args

from pydantic import AfterValidator, TypeAdapter, ValidationError

from newsletter.config.fields import Language, Mailbox, unsubscribe_link
from newsletter.display import printable
from newsletter.errors import ConfigError
from newsletter.render.themes import ThemeName
from newsletter.yamlfile.fields import Line, invalid
from newsletter.yamlfile.reader import sentence
from newsletter.yamlfile.values import CONTROL

THEMES = get_args(ThemeName)
_SENDGRID_GROUP = re.compile(r"sendgrid:([1-9][0-9]{0,8})")


def _way_to_unsubscribe(text: str) -> str:
    """Return an https address with `{token}`, or `sendgrid:12345`; else raise `invalid`."""
    if _SENDGRID_GROUP.fullmatch(text):
        return text
    if text.startswith("sendgrid"):
        raise invalid(
            "has no number of a group", "write sendgrid:12345; SendGrid shows the number of each group"
        )
    if "://" not in text and "@" in text:
        what = "is an email address, and mail programs unsubscribe on a page only"
        raise invalid(what, "write an https address with {token}, or sendgrid:12345 for a group of SendGrid")
    return unsubscribe_link(text)


def _theme(text: str) -> str:
    if text.lower() not in THEMES:
        raise invalid(f'is "{printable(text)}"', f"write one of {', '.join(THEMES)}")
    return text.lower()


_TYPES: Mapping[str, TypeAdapter[str]] = {
    "name": TypeAdapter(Line),
    "sender.name": TypeAdapter(Line),
    "sender.email": TypeAdapter(Mailbox),
    "postal_address": TypeAdapter(Line),
    "unsubscribe": TypeAdapter(Annotated[str, AfterValidator(_way_to_unsubscribe)]),
    "language": TypeAdapter(Language),
    "theme": TypeAdapter(Annotated[str, AfterValidator(_theme)]),
}
"""The type of each key; `unsubscribe` is one line here."""


def valid_answer(key: str, text: str) -> str:
    """Return the value of a key, such as `sender.email`; raise ConfigError with the problem and its fix."""
    loc = tuple(key.split("."))
    if control := CONTROL.search(text):
        raise ConfigError.of(
            "", sentence(loc, f"has a control character (U+{ord(control[0]):04X})"), "delete it"
        )
    try:
        return _TYPES[key].validate_python(text.strip())
    except ValidationError as failure:
        (details,) = failure.errors(include_url=False)
        what, fix = details["ctx"]["what"], details["ctx"]["fix"]
        raise ConfigError.of("", sentence(loc, what), fix) from failure
