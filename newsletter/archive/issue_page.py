"""Render an issue for the archive: its page, its text, and its article for feeds.

A newsletter replaces a template by a file of the same name in its own `templates/archive/`.
"""

from typing import NamedTuple

from newsletter.archive.issue_summary import IssueSummary, Neighbours, day_line, summarize
from newsletter.archive.page_frame import PageFrame, head_of, picture_fields
from newsletter.archive.page_pictures import PagePicture, card, placed_picture, story_pictures
from newsletter.archive.personal import impersonal
from newsletter.archive.sign_up import SignUpWay
from newsletter.issue.model import PICTURES, Issue
from newsletter.render.model import Site
from newsletter.render.pipeline import to_text
from newsletter.render.template_data import Fields, TemplateInput
from newsletter.render.templates import render_text

TEXT = "issue.txt"
"""The name of the file with the text of an issue, beside its page."""


class RenderedIssue(NamedTuple):
    """The page of an issue, its text, its article with absolute addresses for feeds, and its picture."""

    page: str
    text: str
    article: str
    picture: PagePicture | None


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
    frame = PageFrame(site, sign_up)
    context = given.markdown.context
    article = render_text("archive/article.html.j2", site, frame.variables(given.variables, {}), context)
    article = frame.impersonal(article)
    drawn = card(site, about.link, about.title) if has_card else None
    picture = placed_picture(fields["image"]) or drawn or next(story_pictures(fields), None)
    page = {
        "name": "issue",
        "root": "../",
        "article": _with_relative_pictures(article, site),
        "picture": picture_fields(picture),
        "type": "article",
        "date_line": fields["date_line"] or about.date_line,
        "older": _neighbour(neighbours.older),
        "newer": _neighbour(neighbours.newer),
        **head_of(about.title, about.description, site, about.link),
        "updated": issue.updated and issue.updated.isoformat(),
        "updated_line": issue.updated and day_line(issue.updated, site),
    }
    shown = render_text("archive/issue.html.j2", site, frame.variables(given.variables, page), context)
    text = impersonal(to_text(given, "archive/issue"), site.labels["reader"], frame.leave)
    return RenderedIssue(frame.impersonal(shown), text, article, picture)


def _neighbour(about: IssueSummary | None) -> Fields | None:
    if about is None:
        return None
    fields = {"link": f"../{about.link}", "title": about.title, "date_line": about.date_line}
    return Fields("Issue", fields)


def _with_relative_pictures(article: str, site: Site) -> str:
    """Return an article of a page with the addresses of the archive's own pictures relative to the page.

    A browser then loads them from where it loaded the page. Only attributes have this form: in a text, a
    quotation mark is escaped.
    """
    return article.replace(f'src="{site.url}/{PICTURES}/', f'src="../{PICTURES}/') if site.url else article
