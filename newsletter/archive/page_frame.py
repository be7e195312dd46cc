"""Render the templates of pages with what all share: the newsletter, its labels, the way to sign up."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from newsletter.archive.page_pictures import PagePicture
from newsletter.archive.personal import impersonal
from newsletter.archive.sign_up import SignUpWay
from newsletter.constants import HONEYPOT_FIELD
from newsletter.errors import TemplateError
from newsletter.render.language_tags import direction
from newsletter.render.model import Site
from newsletter.render.pages import TEXTS
from newsletter.render.template_data import Fields, site_variable
from newsletter.render.template_functions import Function
from newsletter.render.templates import render_text
from newsletter.render.translation import translations, translator

INDEX = "index.html"
"""The name of the file of a page, in the folder of its address."""
MAX_PAGE_CHARACTERS = 2_000_000
FORM_NAME = "archive"
"""The name by which the forms of the archive tell `news serve` whose words the reader saw."""
_FIELDS = (
    *("name", "root", "title", "description", "address", "type", "picture"),  # of each page
    *("article", "date_line", "updated", "updated_line", "older", "newer"),  # of an issue
    *("year", "years", "year_links"),  # of a list
)


@dataclass(frozen=True)
class PageFrame:
    """The frame of all pages of a newsletter: it renders their templates with what they share."""

    site: Site
    sign_up: SignUpWay

    @property
    def leave(self) -> str:
        """Return the address for a link to leave: that of a page, of a mailbox, or of the archive."""
        mail = f"mailto:{self.sign_up.leave_mailbox}" if self.sign_up.leave_mailbox else None
        return self.sign_up.leave or mail or (f"{self.site.url}/" if self.site.url else "../")

    def impersonal(self, html: str) -> str:
        """Return HTML with its placeholders filled for a reader whom nobody knows.

        Raise TemplateError if it is too large: what follows has no limits of time.
        """
        if len(html) > MAX_PAGE_CHARACTERS:
            what = f"a page of the archive has more than {MAX_PAGE_CHARACTERS:,} characters"
            fix = "shorten the issue, or look for a repetition in the templates"
            raise TemplateError(what, fix, where="templates/archive")
        return impersonal(html, escape(self.site.labels["reader"]), escape(self.leave))

    def render(self, name: str, page: Mapping[str, Any]) -> str:
        """Render a page that belongs to no issue. Raise TemplateError with the template's file and line."""
        html = render_text(f"archive/{name}.html.j2", self.site, self.variables(self.shared(), page))
        return self.impersonal(html)

    def variables(self, shared: Mapping[str, Any], page: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables of a template: those of an issue or of every page, and those of this page."""
        language = self.site.language
        return {
            **shared,
            "page": Fields("Page", dict.fromkeys(_FIELDS) | dict(page)),
            "sign_up": Fields("SignUp", self._sign_up()),
            "language": language,
            "direction": direction(language),
            "t": Function(translator(translations(TEXTS, language), html=True), "t"),
            "form": FORM_NAME,
            "trap": HONEYPOT_FIELD,
            "problem": None,
            "address": None,
        }

    def _sign_up(self) -> dict[str, Any]:
        way = self.sign_up
        return {
            "kind": way.kind,
            "address": way.address,
            "link": way.link,
            "origin": way.origin,
            "leave": way.leave,
        }

    def shared(self) -> dict[str, Any]:
        """Return the variables of pages that belong to no issue."""
        return site_variable(self.site) | {"labels": Fields("Labels", self.site.labels)}


def head_of(title: str, description: str | None, site: Site, path: str | None) -> dict[str, Any]:
    """Return what the head of a page tells; a page without a path has no address of its own."""
    address = f"{site.url}/{path}" if site.url and path is not None else None
    return {"title": title, "description": description, "address": address}


def picture_fields(picture: PagePicture | None) -> Fields | None:
    """Return a picture as templates have it."""
    return Fields("Picture", picture._asdict()) if picture else None
