"""Render the public web pages of `news serve`, and their style sheet.

A newsletter replaces a page by a file of the same name in its own `templates/web/`.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from newsletter.render.date_line import date_line
from newsletter.render.language_tags import direction
from newsletter.render.model import Site
from newsletter.render.page_words import visible_text
from newsletter.render.template_data import Fields, site_variable
from newsletter.render.template_functions import Function
from newsletter.render.templates import render_text
from newsletter.render.translation import text_language, translations, translator

TEXTS = Path(__file__).with_name("page_texts")
MOMENT = "{date}, {time} UTC"

_FORM = ("address", "problem", "trap")

PAGES: Mapping[str, tuple[str, ...]] = {
    "sign_up": _FORM,
    "check_mail": ("address",),
    "confirm": ("address", "expires"),
    "confirmed": ("address", "sender"),
    "confirm_gone": _FORM,
    "unsubscribe": ("address",),
    "unsubscribed": ("address", "token", "undo_until"),
    "returned": ("address",),
    "lost": _FORM,
    "lost_sent": ("address",),
    "your_data": (
        *("address", "name", "asked", "confirmed", "state", "can_leave", "issues", "last_issue"),
        *("history", "closes", "token", "is_unsure"),
    ),
    "erased": ("is_incomplete",),
    "data_gone": _FORM,
    "test_link": ("is_pressed",),
    "error": ("is_request", "reference"),
    "not_found": (),
    "busy": (),
    "too_many": (),
}
"""The pages, each with the names of its values; docs/templates.md describes them."""


def render_page(name: str, site: Site, values: Mapping[str, object], *, base: str = "") -> str:
    """Return a page of PAGES as HTML. Raise TemplateError with the template's file and line.

    `base` is the prefix of all links, without a slash at its end. Values are texts, numbers, booleans, dates,
    None, and lists and mappings of them; times of day need a time zone. A value that is not given is None.
    """
    if unknown := values.keys() - set(PAGES[name]):
        raise ValueError(f"the page {name} has no values {', '.join(sorted(unknown))}")
    values = {**dict.fromkeys(PAGES[name]), **values}
    language = text_language(TEXTS, site.language)
    translate = translator(translations(TEXTS, language), html=True)
    variables = site_variable(site) | {
        "base": base,
        "page": name,
        "language": language,
        "direction": direction(language),
        "labels": Fields("Labels", site.labels),
        "t": Function(translate, "t"),
    }
    months = site.labels.get("months") if language == site.language else None
    plain = {key: _plain(value, language, months, translate) for key, value in values.items()}
    return render_text(f"web/{name}.html.j2", site, variables | plain)


def render_all(site: Site) -> None:
    """Render each page and the style sheet. Raise TemplateError for the first mistake in one."""
    for name in PAGES:
        render_page(name, site, {value: () if value == "history" else "text" for value in PAGES[name]})
    render_style(site)


def render_style(site: Site) -> str:
    """Return the style sheet of all pages, in the theme, the colours and the fonts of the newsletter."""
    return render_text("web/site.css.j2", site, site_variable(site))


def sign_up_wording(site: Site) -> str:
    """Return the words of the sign-up form and the texts below it, in one line: they belong to a consent."""
    page = render_page("sign_up", site, dict.fromkeys(PAGES["sign_up"], ""))
    return visible_text(page, "main") or visible_text(page)  # a template of its own may have no <main>


def _plain(value: object, language: str, months: str | None, translate: Callable[..., str]) -> Any:
    """Return a value as templates may have it, with dates as text; raise TypeError for other types."""
    match value:
        case dt.datetime():
            if value.tzinfo is None:
                raise TypeError("a time of a page needs its time zone")
            moment = value.astimezone(dt.UTC)
            day = date_line("day", moment.date(), language, months)
            return translate(MOMENT, date=day, time=f"{moment:%H:%M}")
        case dt.date():
            return date_line("day", value, language, months)
        case None | str() | int():
            return value
        case Mapping():
            return {key: _plain(part, language, months, translate) for key, part in value.items()}
        case tuple() | list():
            return tuple(_plain(part, language, months, translate) for part in value)
    raise TypeError(f"pages cannot have a value of the type {type(value).__name__}")
