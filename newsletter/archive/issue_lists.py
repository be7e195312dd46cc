"""Render the lists of the issues: the first page of the archive, and a page for each year of a large one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from newsletter.archive.issue_summary import IssueSummary
from newsletter.archive.page_frame import INDEX, PageFrame, head_of, picture_fields
from newsletter.archive.page_pictures import PagePicture
from newsletter.archive.sign_up import SignUpWay
from newsletter.render.model import Site
from newsletter.render.template_data import Fields

MAX_ON_FIRST_PAGE = 60
"""The number of issues on the first page; those of an archive of more have a page for each year."""


def render_lists(
    summaries: Sequence[IssueSummary], site: Site, sign_up: SignUpWay, picture: PagePicture | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the path and the HTML of each list of issues; `summaries` have the newest first.

    The first page has the newest MAX_ON_FIRST_PAGE issues. In an archive of more, each year has a page.
    """
    frame = PageFrame(site, sign_up)
    years = [(year, list(issues)) for year, issues in groupby(summaries, key=_year_of)]
    has_years = len(summaries) > MAX_ON_FIRST_PAGE
    on_first = _years(summaries[:MAX_ON_FIRST_PAGE], "")
    head = head_of(site.name, site.description, site, "")
    links = _year_links(years, "") if has_years else ()
    yield INDEX, _render(frame, head, on_first, links, picture)
    for year, issues in years if has_years else ():
        path = f"{year}/"
        head = head_of(f"{site.name}: {year}", None, site, path)
        links = _year_links(years, "../")
        yield f"{path}{INDEX}", _render(frame, head, _years(issues, "../"), links, picture, year=year)


def _render(
    frame: PageFrame,
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
        "picture": picture_fields(picture),
        "year": year,
        "years": years,
        "year_links": links,
    }
    return frame.render("index", {**page, **head})


def _years(summaries: Iterable[IssueSummary], root: str) -> tuple[Fields, ...]:
    newest = True
    years = []
    for year, issues in groupby(summaries, key=_year_of):
        listed = []
        for issue in issues:
            about = {
                "link": root + issue.link,
                "title": issue.title,
                "description": issue.description,
                "date": issue.date.isoformat(),
                "date_line": issue.date_line,
                "is_newest": newest and not root,
            }
            listed.append(Fields("Issue", about))
            newest = False
        years.append(Fields("Year", {"name": year, "issues": tuple(listed)}))
    return tuple(years)


def _year_links(years: Iterable[tuple[int, Any]], root: str) -> tuple[Fields, ...]:
    return tuple(Fields("Year", {"name": year, "link": f"{root}{year}/"}) for year, _ in years)


def _year_of(about: IssueSummary) -> int:
    return about.date.year
