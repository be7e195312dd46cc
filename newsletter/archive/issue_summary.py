"""Summarize an issue for the pages that lead to it."""

import datetime as dt
from dataclasses import dataclass

from newsletter.archive.personal import impersonal
from newsletter.issue.model import Issue
from newsletter.render.date_line import date_line
from newsletter.render.model import Site
from newsletter.render.page_address import page_path


@dataclass(frozen=True)
class IssueSummary:
    """The title, the description and the dates of an issue for pages that lead to it; texts are plain.

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
        return page_path(self.name)


@dataclass(frozen=True)
class Neighbours:
    """The summaries of the issues before and after an issue, None where it is the first or the last."""

    older: IssueSummary | None = None
    newer: IssueSummary | None = None


def summarize(issue: Issue, site: Site) -> IssueSummary:
    """Return the summary of an issue, for a reader whom nobody knows."""
    title, description = (
        impersonal(text, site.labels["reader"], site.url or "") for text in (issue.subject, issue.preheader)
    )
    parts = issue.name, issue.date, title, description, day_line(issue.date, site)
    return IssueSummary(*parts, issue.updated, issue.image is not None)


def day_line(date: dt.date, site: Site) -> str:
    """Return a date in the language and with the months of the newsletter."""
    return date_line("day", date, site.language, site.labels.get("months"))
