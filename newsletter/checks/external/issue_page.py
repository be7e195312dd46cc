"""Check that the page of an issue, to which its mail links, is published."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

from newsletter.checks.external.url_checker import UrlResult, ask
from newsletter.checks.external.urls import link_problem
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem, Severity
from newsletter.render.page_address import page_of

_FIX = "publish the archive before the send: news archive -o site, then upload it; or write `archive: false`"


def _utc_date() -> date:
    """Return the date in UTC, by which an issue is due."""
    return datetime.now(UTC).date()


def page_answers(proof: Proof, today: Callable[[], date] = _utc_date) -> Iterator[Problem]:
    """The page in the archive, to which the mail links, does not respond; not for drafts.

    The page of a draft, or of an issue with a later date, cannot be there yet: it is not requested.
    """
    issue = proof.issue
    page = page_of(issue, proof.newsletter.site)
    if page is None or page not in proof.document.targets or not issue.ready or issue.date > today():
        return
    (result,) = ask([page])
    if problem := _problem(result):
        what, fix, severity = problem
        yield Problem(issue.path, f"the page of this issue {what} ({printable(page)})", fix, severity)


def _problem(result: UrlResult) -> tuple[str, str, Severity] | None:
    """Return the problem, the fix and the severity of the page's result; None if it has no problem."""
    if result.status in (404, 410):
        return f"is not published: {result.status}", _FIX, "warning"
    if not (problem := link_problem(result)):
        return None
    what, fix, severity = problem
    if result.good:  # after a redirect
        fix = "write the address to which the site has moved as `site` in newsletter.yml"
    return what, fix, "note" if severity == "note" else "warning"
