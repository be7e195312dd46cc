"""The address of an issue's page in the archive."""

from newsletter.issue.model import Issue
from newsletter.render.model import Site


def page_address(site_url: str, issue_name: str) -> str:
    """Return the address of an issue's page in the archive at `site_url`, which has no slash at the end."""
    return f"{site_url}/{issue_name}/"


def page_of(issue: Issue, site: Site) -> str | None:
    """Return the address of an issue's page; None if the newsletter or the issue has no page."""
    return page_address(site.url, issue.name) if site.url and site.archive and issue.archive else None
