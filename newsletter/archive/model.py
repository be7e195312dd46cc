"""The data of the archive: the newsletter as a channel, and its published issues as entries.

Ids are tag URIs (RFC 4151). They have the domain of the sender and dates, and never change with the address
of the archive, a title or the order of the issues.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from newsletter.network.web_address import ascii_address, ascii_host
from newsletter.render.page_address import page_path

FIXED_DATE = dt.date(2026, 1, 1)
"""The date in the id of every feed, and of the last change of a feed without entries.

An id needs a date that no issue changes: the first issue's would change with an older one that is added.
"""
FEED_ENTRIES = 20
"""The number of entries in a feed."""

GENERATOR = "news"
"""The name of this tool in feeds. It has no version: a new one would change every file."""


@dataclass(frozen=True)
class FeedEntry:
    """A published issue; `html` is its article with absolute addresses, `title` and `summary` are plain text.

    `name` is that of the issue, such as 2026-04-27. `updated` is the date of the last change of the content
    that the issue states, or that of the issue. `image` is an absolute address.
    """

    name: str
    date: dt.date
    updated: dt.date
    title: str
    summary: str
    html: str
    text: str | None = None
    image: str | None = None

    @property
    def published_at(self) -> dt.datetime:
        """Return the moment of publication for feeds: the date at 00:00 UTC."""
        return midnight(self.date)

    @property
    def updated_at(self) -> dt.datetime:
        """Return the moment of the last change for feeds: never before publication.

        It is as many seconds after 00:00 as the issue is days old: the feed validator of the W3C warns of
        entries with the same moment, and two issues may be corrected on one day.
        """
        changed = max(self.date, self.updated)
        return midnight(changed) + dt.timedelta(seconds=(changed - self.date).days)


@dataclass(frozen=True)
class Channel:
    """The newsletter; `url` is the address of the archive's root without a slash at its end.

    `domain` is that of the sender's address, and `author` the name of the newsletter's author.
    """

    name: str
    description: str | None
    language: str
    direction: Literal["ltr", "rtl"]
    url: str
    domain: str
    author: str

    @property
    def id(self) -> str:
        """Return the id of the feeds. Raise ValueError if the domain is not valid."""
        return f"tag:{self._authority},{FIXED_DATE:%Y}:archive"

    def entry_id(self, entry: FeedEntry) -> str:
        """Return the id of an entry, which is the same in all feeds. Raise ValueError as `id` does."""
        return f"tag:{self._authority},{entry.date.isoformat()}:{quote(entry.name, safe='')}"

    def address(self, path: str = "") -> str:
        """Return the address of a file or a folder of the archive, by its path from the root."""
        return ascii_address(f"{self.url}/{quote(path)}")

    def entry_url(self, entry: FeedEntry) -> str:
        """Return the address of an entry's page."""
        return self.address(page_path(entry.name))

    @property
    def _authority(self) -> str:
        return ascii_host(self.domain).lower()


def midnight(date: dt.date) -> dt.datetime:
    """Return the beginning of a day in UTC."""
    return dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC)


def newest_first(entries: Iterable[FeedEntry]) -> list[FeedEntry]:
    """Return all entries by their dates, the newest first."""
    return sorted(entries, key=lambda entry: (entry.date, entry.name), reverse=True)


def last_update(entries: Iterable[FeedEntry]) -> dt.datetime:
    """Return the moment of the last change of any entry, or that of FIXED_DATE if there is none."""
    return max((entry.updated_at for entry in entries), default=midnight(FIXED_DATE))
