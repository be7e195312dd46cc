"""Build the archive: the pages and feeds of the published issues, in a folder that any web server can serve.

The files depend on the issues, newsletter.yml, the templates and the pictures alone: the same ones give the
same bytes. The date only decides which issues are due.
"""

import datetime as dt
import os
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from newsletter.archive import atom, json_feed, pages, rss, sitemap
from newsletter.archive.issue_lists import render_lists
from newsletter.archive.issue_page import TEXT, RenderedIssue, render_issue
from newsletter.archive.issue_summary import IssueSummary, Neighbours
from newsletter.archive.model import FEED_ENTRIES, Channel, FeedEntry
from newsletter.archive.page_frame import INDEX
from newsletter.archive.page_pictures import PagePicture, card
from newsletter.archive.sign_up import SignUpWay
from newsletter.config.loader import Newsletter
from newsletter.config.sign_up_way import sign_up_way
from newsletter.constants import CONFIG_FILE
from newsletter.disk.boundary import every_entry, is_inside, leads_out
from newsletter.display import display_path
from newsletter.errors import ConfigError, Problem, Unavailable
from newsletter.issue import files
from newsletter.issue.model import PICTURES
from newsletter.limits.process import MAX_SECONDS, LimitedProcess, Limiter
from newsletter.render.language_tags import direction
from newsletter.render.model import Site
from newsletter.render.picture_size import SUFFIXES
from newsletter.services.archive_cards import LISTS, Cards, put_cards
from newsletter.services.archive_folder import NO_JEKYLL, ArchiveFolder, Changes
from newsletter.services.archive_issues import Published, select, sends
from newsletter.services.archive_leaks import LeakCheck


class Built(NamedTuple):
    """A built archive: the number of published issues, the changed files, and what a person should know.

    `drafts` and `later` count the issues that are not marked ready, and those with a later date.
    """

    issues: int
    drafts: int
    later: int
    changes: Changes
    problems: tuple[Problem, ...]


def build_archive(
    newsletter: Newsletter, folder: Path, root: Path | None, today: dt.date, *, draw: bool = True
) -> Built:
    """Build the archive of a newsletter into a folder; symbolic links must not lead from it out of `root`.

    With `draw`, an issue without a picture of its own gets one for OpenGraph, if Chromium is installed; else
    only pictures of the last build are kept. Nothing has changed if this raises ConfigError for a newsletter
    without an archive, IssueError, TemplateError, LimitReached, StoreError, ArchiveRefused for personal data,
    or Unavailable for a file that cannot be read or written.
    """
    _refuse(newsletter, folder)
    with closing(LimitedProcess(MAX_SECONDS)) as process:
        selection = select(newsletter, sends(newsletter), today, process.run)
        with ArchiveFolder.open(folder, root) as target:
            build = _Build(newsletter, target, process.run, selection.issues)
            problems = [*selection.problems, *build.put_all(draw=draw)]
            changes = target.publish(LeakCheck(newsletter, folder))
    counts = len(selection.issues), selection.drafts, selection.later
    return Built(*counts, changes, tuple(problems))


def _refuse(newsletter: Newsletter, folder: Path) -> None:
    if not newsletter.config.archive.exists:
        fix = "delete this line, to have an archive"
        raise ConfigError.of(newsletter.where("archive"), "`archive: false` says there is none", fix)
    place, fix = folder.resolve(), "choose a folder for the archive alone: --output site"
    if newsletter.folder.resolve().is_relative_to(place):
        what = "is the folder of the newsletter itself, or one above it"
        raise Unavailable(what, fix, where=display_path(folder))
    own = newsletter.issues, newsletter.templates, newsletter.folder / PICTURES, newsletter.outbox
    is_own = any(place.is_relative_to(source.resolve()) for source in (*own, newsletter.state))
    if is_own or ".git" in place.parts:
        raise Unavailable("is for other files of the newsletter", fix, where=display_path(folder))


def _channel(newsletter: Newsletter, site_url: str) -> Channel:
    """Return the newsletter as the channel of its feeds."""
    config = newsletter.config
    return Channel(
        name=config.name,
        description=config.description,
        language=config.language,
        direction=direction(config.language),
        url=site_url,
        domain=config.sender.email.rpartition("@")[2],
        author=config.sender.name,
    )


@dataclass(frozen=True)
class _Build:
    """Put all files of an archive into its folder."""

    newsletter: Newsletter
    target: ArchiveFolder
    limited: Limiter
    issues: Sequence[Published]  # the newest first

    @property
    def site(self) -> Site:
        return self.newsletter.site

    @property
    def sign_up(self) -> SignUpWay:
        return sign_up_way(self.newsletter.config)

    def put_all(self, *, draw: bool) -> list[Problem]:
        """Put all files, the lists after the pages; return what a person should know."""
        self._put_pictures()
        self._put_text(pages.STYLE, self.limited(pages.render_style, self.site))
        self.target.put(NO_JEKYLL, b"")
        cards = Cards(frozenset())
        if self.site.url:
            cards = put_cards(self.target, self.site, self.issues, self.limited, draw=draw)
        entries = [self._put_issue(number, cards.names) for number in range(len(self.issues))]
        summaries = [one.summary for one in self.issues]
        picture = card(self.site, "", self.site.name) if LISTS in cards.names else None
        for path, page in self.limited(_lists, summaries, self.site, self.sign_up, picture):
            self._put_text(path, page)
        self._put_text(pages.NOT_FOUND, self.limited(pages.render_not_found, self.site, self.sign_up))
        if self.site.url:
            self._put_feeds(_channel(self.newsletter, self.site.url), entries)
            return [cards.problem] if cards.problem else []
        return [_no_site()]

    def _put_text(self, path: str, text: str) -> None:
        self.target.put(path, text.encode("utf-8"))

    def _put_pictures(self) -> None:
        folder = self.newsletter.folder
        if not is_inside(os.path.realpath(folder / PICTURES), folder):
            raise Unavailable.unwritable(folder / PICTURES, leads_out(folder / PICTURES))
        for entry in sorted(every_entry(folder / PICTURES), key=lambda entry: entry.path):
            if entry.is_dir(follow_symlinks=False):
                continue
            path = Path(entry.path)
            relative = PurePosixPath(path.relative_to(os.path.abspath(folder)).as_posix())
            if relative.suffix.lower() in SUFFIXES and not any(part[0] == "." for part in relative.parts):
                self.target.put_copy(str(relative), path, folder, tuple({relative.suffix, *SUFFIXES}))

    def _put_issue(self, number: int, with_card: Collection[str]) -> FeedEntry:
        """Put the page and the text of an issue; return its entry, with its content if a feed may have it."""
        path, about = self.issues[number]
        neighbours = Neighbours(
            older=self.issues[number + 1].summary if number + 1 < len(self.issues) else None,
            newer=self.issues[number - 1].summary if number else None,
        )
        has_card = about.name in with_card
        rendered = self.limited(_issue, self.newsletter, path, self.sign_up, neighbours, has_card=has_card)
        self._put_text(f"{about.link}{INDEX}", rendered.page)
        self._put_text(f"{about.link}{TEXT}", rendered.text)
        is_in_feeds = number < FEED_ENTRIES
        return FeedEntry(
            name=about.name,
            date=about.date,
            updated=about.updated or about.date,
            title=about.title,
            summary=about.description,
            html=rendered.article if is_in_feeds else "",
            text=rendered.text if is_in_feeds else None,
            image=rendered.picture.src if rendered.picture else None,
        )

    def _put_feeds(self, channel: Channel, entries: Sequence[FeedEntry]) -> None:
        for path, write in (
            (atom.FILE, atom.atom_feed),
            (rss.FILE, rss.rss_feed),
            (json_feed.FILE, json_feed.json_feed),
            (sitemap.FILE, sitemap.sitemap),
        ):
            self.target.put(path, self.limited(write, channel, entries))
        self.target.put(sitemap.ROBOTS_FILE, sitemap.robots(channel))


def _issue(
    newsletter: Newsletter, path: Path, sign_up: SignUpWay, neighbours: Neighbours, *, has_card: bool
) -> RenderedIssue:
    issue = files.load(path, newsletter.folder)
    return render_issue(issue, newsletter.site, sign_up, neighbours, has_card=has_card)


def _lists(
    summaries: Sequence[IssueSummary], site: Site, sign_up: SignUpWay, picture: PagePicture | None
) -> list[tuple[str, str]]:
    return list(render_lists(summaries, site, sign_up, picture))


def _no_site() -> Problem:
    what = "newsletter.yml has no `site`: there are pages, but no feeds, no sitemap and no pictures of links"
    return Problem(CONFIG_FILE, what, "write `site:`, the address of the archive on the web", "note")
