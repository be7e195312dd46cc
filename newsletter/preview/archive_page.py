"""Render the page of an issue on the web as `news archive` writes it, also that of a draft."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Self
from urllib.parse import urljoin

from newsletter.archive.issue_page import render_issue
from newsletter.archive.issue_summary import IssueSummary, Neighbours, summarize
from newsletter.archive.pages import STYLE, render_style
from newsletter.config.loader import Newsletter
from newsletter.config.sign_up_way import sign_up_way
from newsletter.errors import IssueError, NewsError, Problem
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.preview import local_pictures
from newsletter.preview.builder import Page
from newsletter.preview.mail_views import without_links
from newsletter.render.model import Site
from newsletter.render.page_address import page_address

# The root of an archive whose newsletter names no `site`.
_NO_SITE = "https://archive.invalid"
# A `link` after `without_links`, and its target.
_LINK = re.compile(r"""<x-link(?=[\s/])(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""", re.IGNORECASE)
_TARGET = re.compile(r"""(?<=[\s"'/])href\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))""", re.IGNORECASE)


@dataclass(frozen=True)
class ArchivePage:
    """The page of an issue with its style sheet and its text; or why it has none (`absence`, `problems`).

    `base` is the address of the page, "" without a `site`; `pictures` changes with the files of its pictures.
    """

    html: str = ""
    style: str = ""
    text: str = ""
    base: str = ""
    pictures: local_pictures.Stamp = ()
    absence: Problem | None = None
    problems: Sequence[Problem] = ()

    @property
    def root(self) -> str:
        """Return the address of the archive's root, to which those in the style sheet are relative."""
        return urljoin(self.base, "../") if self.base else ""

    @property
    def is_shown(self) -> bool:
        """Return True if there is a page."""
        return not self.absence and not self.problems

    @property
    def version(self) -> str:
        """Return a hash of the content."""
        shown = (self.html, self.style, self.text, self.pictures)
        return sha256(repr(shown).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class PageHistory:
    """The latest page of an issue, and the last one that can be shown (`last_valid`).

    `source` is the build that it was rendered from, after as many `changes` of files.
    """

    source: Page
    changes: int
    site: Site
    latest: ArchivePage
    last_valid: ArchivePage | None

    @classmethod
    def with_render(
        cls, before: Self | None, source: Page, changes: int, site: Site, latest: ArchivePage
    ) -> Self:
        """Return the next one; a page with problems leaves the last valid one of its issue to be shown."""
        if latest.problems:
            last_valid = before.last_valid if before and before.source.issue == source.issue else None
        else:
            last_valid = latest if latest.is_shown else None
        return cls(source, changes, site, latest, last_valid)


def build(newsletter: Newsletter, issue: Issue, published: Collection[str]) -> ArchivePage:
    """Render the page of an issue as if it was published, beside the `published` ones.

    A NewsError is not raised: its problems are in the result.
    """
    if absence := _absence(newsletter, issue):
        return ArchivePage(absence=absence)
    site = newsletter.site
    base = page_address(site.url, issue.name) if site.url else ""
    try:
        rendered = render_issue(
            issue, site, sign_up_way(newsletter.config), _neighbours(newsletter, issue, published)
        )
        style = render_style(site)
    except NewsError as error:
        return ArchivePage(problems=tuple(error.problems))
    page = ArchivePage(rendered.page, style, rendered.text, base)
    in_style = local_pictures.stamp(f"<style>{style}</style>", site, page.root)
    return replace(page, pictures=local_pictures.stamp(page.html, site, base) + in_style)


def with_style(html: str, issue: str, site: Site, address: str) -> str:
    """Return the HTML of a page with its style sheet at an address of the preview, and no other `link`."""
    root = site.url or _NO_SITE

    def link(tag: re.Match[str]) -> str:
        found = _TARGET.search(tag[0])
        target = unescape(found[1] or found[2] or found[3] or "") if found else ""
        is_style = _joined(page_address(root, issue), target) == f"{root}/{STYLE}"
        return f'<link rel="stylesheet" href="{address}">' if is_style else tag[0]

    return _LINK.sub(link, without_links(html))


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def _absence(newsletter: Newsletter, issue: Issue) -> Problem | None:
    """Return the reason why the archive leaves an issue out."""
    if not newsletter.config.archive.exists:
        what = "No issue has a page on the web: `archive: false` in newsletter.yml switches the archive off."
        return Problem(newsletter.where("archive"), what, "Delete this line, to have an archive.", "note")
    if not issue.archive:
        what = "This issue has no page on the web: `archive: false` leaves it out of the archive."
        where = files.where(issue, ("archive",))
        return Problem(where, what, "Delete this line, and the archive has the issue.", "note")
    return None


def _neighbours(newsletter: Newsletter, issue: Issue, published: Collection[str]) -> Neighbours:
    """Return the published issues before and after an issue."""
    paths = [path for path in files.issue_files(newsletter.issues) if path.stem in published]
    return Neighbours(
        older=_first(newsletter, [path for path in reversed(paths) if path.stem < issue.name]),
        newer=_first(newsletter, [path for path in paths if path.stem > issue.name]),
    )


def _first(newsletter: Newsletter, paths: Sequence[Path]) -> IssueSummary | None:
    """Return the summary of the first issue that the archive has."""
    for path in paths:
        try:
            issue = files.load(path, newsletter.folder)
        except IssueError:
            continue  # it is listed as broken, and has its own problems
        if issue.archive:
            return summarize(issue, newsletter.site)
    return None
