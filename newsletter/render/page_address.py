"""The address of an issue's page in the archive."""

from newsletter.issue.model import Issue
from newsletter.render.model import Site


def page_path(issue_name: str) -> str:
    """Return the path of an issue's page, from the root of the archive."""
    return f"{issue_name}/"


def page_address(site_url: str, issue_name: str) -> str:
    """Return the address of an issue's page in the archive at `site_url`, which has no slash at the end."""
    return f"{site_url}/{page_path(issue_name)}"


def page_of(issue: Issue, site: Site) -> str | None:
    """Return the address of an issue's page; None if the newsletter or the issue has no page."""
    return page_address(site.url, issue.name) if site.url and site.archive and issue.archive else None
