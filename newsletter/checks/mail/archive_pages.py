"""Check that the pages of the archive can be rendered: the mail links to one, which comes before the mail."""

from collections.abc import Callable, Iterator

from newsletter.archive import pages
from newsletter.archive.card import render_card
from newsletter.archive.issue_lists import render_lists
from newsletter.archive.issue_page import render_issue
from newsletter.archive.issue_summary import Neighbours, summarize
from newsletter.checks.proof import Proof
from newsletter.config.sign_up_way import sign_up_way
from newsletter.errors import Problem, TemplateError
from newsletter.render.page_address import page_of


def archive_pages(proof: Proof) -> Iterator[Problem]:
    """A page of the archive whose template has a mistake."""
    issue, site = proof.issue, proof.newsletter.site
    if page_of(issue, site) is None:
        return
    sign_up, about = sign_up_way(proof.newsletter.config), summarize(issue, site)
    renderings: tuple[Callable[[], object], ...] = (
        lambda: render_issue(issue, site, sign_up, Neighbours(about, about)),
        lambda: list(render_lists([about], site, sign_up)),
        lambda: pages.render_not_found(site, sign_up),
        lambda: pages.render_style(site),
        lambda: render_card(site, about.title, about.date_line),
    )
    mistakes = {}
    for render in renderings:
        try:
            render()
        except TemplateError as mistake:
            mistakes[mistake.where, mistake.what] = mistake.hint
    for (where, what), fix in mistakes.items():
        yield Problem(where, what, fix)
