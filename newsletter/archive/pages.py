"""Render the pages of the archive: the list of the issues, a page an issue, and one for wrong addresses.

A newsletter replaces a template by a file of the same name in its own `templates/archive/`.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any, NamedTuple

from newsletter.archive.card import CARD_SIZE
from newsletter.archive.personal import impersonal
from newsletter.archive.sign_up import SignUpWay
from newsletter.constants import HONEYPOT_FIELD
from newsletter.issue.model import PICTURES, Issue
from newsletter.render.date_line import date_line
from newsletter.render.language_tags import direction
from newsletter.render.model import Site
from newsletter.render.page_words import visible_text
from newsletter.render.pages import TEXTS
from newsletter.render.pipeline import to_text
from newsletter.render.template_data import Fields, TemplateInput, site_fields
from newsletter.render.template_functions import Function
from newsletter.render.templates import render_text
from newsletter.render.translation import translations, translator

MAX_ON_FIRST_PAGE = 60
"""The number of issues on the first page; those of an archive of more have a page for each year."""
INDEX, NOT_FOUND, STYLE = "index.html", "404.html", "style.css"
CARD, TEXT = "card.png", "issue.txt"
FORM_NAME = "archive"
"""The name by which the forms of the archive tell `news serve` whose words the reader saw."""

_PAGE_FIELDS = (
    *("name", "root", "title", "description", "address", "type", "picture"),  # of each page
    *("article", "date_line", "updated", "older", "newer"),  # of an issue
    *("year", "years", "year_links"),  # of a list
)


class PagePicture(NamedTuple):
    """The picture of a page for other sites that show it; sizes are in pixels, None if not known."""

    src: str
    alt: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class IssueSummary:
    """What other pages show of an issue; `title` and `description` are plain text.

    `updated` is the date of a change after it was published. `has_picture`: it has a picture of its own.
    """

    name: str
    date: dt.date
    title: str
    description: str
    date_line: str
    updated: dt.date | None = None
    has_picture: bool = False

    @property
    def link(self) -> str:
        """Return the link to the page of the issue from the root of the archive."""
        return f"{self.name}/"


class RenderedIssue(NamedTuple):
    """The page of an issue, its text, its article with absolute addresses for feeds, and its picture."""

    page: str
    text: str
    article: str
    picture: PagePicture | None


@dataclass(frozen=True)
class Neighbours:
    """The summaries of the issues before and after an issue, None where it is the first or the last."""

    older: IssueSummary | None = None
    newer: IssueSummary | None = None


def summarize(issue: Issue, site: Site) -> IssueSummary:
    """Return the summary of an issue, for a reader whom nobody knows."""
    day = date_line("day", issue.date, site.language, site.labels.get("months"))
    title, description = (
        impersonal(text, site.labels["reader"], site.url or "") for text in (issue.subject, issue.preheader)
    )
    parts = issue.name, issue.date, title, description, day
    return IssueSummary(*parts, issue.updated, issue.image is not None)


def render_issue(
    issue: Issue,
    site: Site,
    sign_up: SignUpWay,
    neighbours: Neighbours,
    *,
    has_card: bool = False,
) -> RenderedIssue:
    """Render an issue. Raise TemplateError with the template's file and line, IssueError for bad pictures.

    `has_card`: the archive has a drawn picture of this issue.
    """
    given, about = TemplateInput(issue, site), summarize(issue, site)
    fields = given.variables["issue"]
    pages = _Pages(site, sign_up)
    context = given.markdown.context
    article = render_text("archive/article.html.j2", site, pages.variables(given.variables, {}), context)
    article = pages.impersonal(article)
    drawn = card(site, about.link, about.title) if has_card else None
    picture = _picture(fields["image"]) or drawn or next(_story_pictures(fields), None)
    page = {
        "name": "issue",
        "root": "../",
        "article": _near(article, site),
        "picture": _fields("Picture", picture),
        "type": "article",
        "date_line": fields["date_line"] or about.date_line,
        "older": _neighbour(neighbours.older),
        "newer": _neighbour(neighbours.newer),
        **_head(about.title, about.description, site, about.link),
        "updated": issue.updated and issue.updated.isoformat(),
    }
    shown = render_text("archive/issue.html.j2", site, pages.variables(given.variables, page), context)
    text = impersonal(to_text(given, "archive/issue"), site.labels["reader"], pages.leave)
    return RenderedIssue(pages.impersonal(shown), text, article, picture)


def render_lists(
    summaries: Sequence[IssueSummary], site: Site, sign_up: SignUpWay, picture: PagePicture | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the path and the HTML of each list of issues; `summaries` have the newest first.

    The first page has the newest MAX_ON_FIRST_PAGE issues. In an archive of more, each year has a page.
    """
    pages = _Pages(site, sign_up)
    years = [(year, list(issues)) for year, issues in groupby(summaries, key=lambda one: one.date.year)]
    has_years = len(summaries) > MAX_ON_FIRST_PAGE
    on_first = _years(summaries[:MAX_ON_FIRST_PAGE], "")
    head = _head(site.name, site.description, site, "")
    links = _year_links(years, "") if has_years else ()
    yield INDEX, pages.list(head, on_first, links, picture)
    for year, issues in years if has_years else ():
        path = f"{year}/"
        head = _head(f"{site.name}: {year}", None, site, path)
        links = _year_links(years, "../")
        yield f"{path}{INDEX}", pages.list(head, _years(issues, "../"), links, picture, year=year)


def card(site: Site, link: str, title: str) -> PagePicture:
    """Return the drawn picture of the page at a link from the root; `title` is the text in it."""
    return PagePicture(f"{site.url}/{link}{CARD}", title, *CARD_SIZE)


def render_not_found(site: Site, sign_up: SignUpWay) -> str:
    """Render the page that a server shows for an address that does not exist, at any depth."""
    root = f"{site.url}/" if site.url else "/"
    page = {"name": "not_found", "root": root, "type": "website"} | _head(site.name, None, site, None)
    return _Pages(site, sign_up).render("not_found", page)


def archive_wording(site: Site, server: str) -> str:
    """Return the words of the sign-up form of the archive, in one line; `server` is that of `news serve`.

    The field that catches robots is left out: nobody sees it.
    """
    pages = _Pages(site, SignUpWay("form", server))
    variables = pages.variables(pages.shared(), {}) | {"heading": 2, "trap": None}
    return visible_text(render_text("archive/sign_up.html.j2", site, variables), "section")


def render_style(site: Site) -> str:
    """Render the style sheet of all pages, in the theme, the colours and the fonts of the newsletter."""
    return render_text("archive/style.css.j2", site, {"site": Fields("Site", site_fields(site))})


@dataclass(frozen=True)
class _Pages:
    """Render the pages of one newsletter."""

    site: Site
    sign_up: SignUpWay

    @property
    def leave(self) -> str:
        """Return the address for a link to leave: that of a page, else that of the archive."""
        return self.sign_up.leave or (f"{self.site.url}/" if self.site.url else "../")

    def impersonal(self, html: str) -> str:
        return impersonal(html, escape(self.site.labels["reader"]), escape(self.leave))

    def list(
        self,
        head: Mapping[str, Any],
        years: Sequence[Fields],
        links: Sequence[Fields],
        picture: PagePicture | None,
        *,
        year: int | None = None,
    ) -> str:
        page = {
            "name": "year" if year else "index",
            "root": "../" if year else "./",
            "type": "website",
            "picture": _fields("Picture", picture),
            "year": year,
            "years": years,
            "year_links": links,
        }
        return self.render("index", {**page, **head})

    def render(self, name: str, page: Mapping[str, Any]) -> str:
        return render_text(f"archive/{name}.html.j2", self.site, self.variables(self.shared(), page))

    def variables(self, shared: Mapping[str, Any], page: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables of a template: those of an issue or of every page, and those of this page."""
        language = self.site.language
        return {
            **shared,
            "page": Fields("Page", dict.fromkeys(_PAGE_FIELDS) | dict(page)),
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
        return {
            "site": Fields("Site", site_fields(self.site)),
            "labels": Fields("Labels", self.site.labels),
        }


def _head(title: str, description: str | None, site: Site, path: str | None) -> dict[str, Any]:
    """Return what the head of a page tells; a page without a path has no address of its own."""
    address = f"{site.url}/{path}" if site.url and path is not None else None
    return {"title": title, "description": description, "address": address}


def _years(summaries: Iterable[IssueSummary], root: str) -> tuple[Fields, ...]:
    newest = True
    years = []
    for year, issues in groupby(summaries, key=lambda one: one.date.year):
        listed = []
        for one in issues:
            about = {
                "link": root + one.link,
                "title": one.title,
                "description": one.description,
                "date": one.date.isoformat(),
                "date_line": one.date_line,
                "is_newest": newest and not root,
            }
            listed.append(Fields("Issue", about))
            newest = False
        years.append(Fields("Year", {"name": year, "issues": tuple(listed)}))
    return tuple(years)


def _year_links(years: Iterable[tuple[int, Any]], root: str) -> tuple[Fields, ...]:
    return tuple(Fields("Year", {"name": year, "link": f"{root}{year}/"}) for year, _ in years)


def _neighbour(about: IssueSummary | None) -> Fields | None:
    if about is None:
        return None
    fields = {"link": f"../{about.link}", "title": about.title, "date_line": about.date_line}
    return Fields("Issue", fields)


def _picture(image: Mapping[str, Any] | None) -> PagePicture | None:
    if not image:
        return None
    return PagePicture(image["src"], image["alt"])


def _story_pictures(issue: Mapping[str, Any]) -> Iterator[PagePicture]:
    """Yield the pictures of sections and stories in their order; not those of advertisements."""
    for section in issue["sections"]:
        stories = [story for story in section["stories"] if not story["sponsor"]]
        for image in (section["image"], *(story["image"] for story in stories)):
            if picture := _picture(image):
                yield picture


def _fields(part: str, picture: PagePicture | None) -> Fields | None:
    return Fields(part, picture._asdict()) if picture else None


def _near(article: str, site: Site) -> str:
    """Return an article of a page with the addresses of the archive's own pictures relative to the page.

    A browser then loads them from where it loaded the page. Only attributes have this form: in a text, a
    quotation mark is escaped.
    """
    return article.replace(f'src="{site.url}/{PICTURES}/', f'src="../{PICTURES}/') if site.url else article
