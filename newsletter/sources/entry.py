"""The entries of a source, and the request for them, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from newsletter.config.sources import Source
from newsletter.errors import ConfigError, Problem, Unavailable
from newsletter.sources.window import Week


@dataclass(frozen=True)
class SourceEntry:
    """An entry of a source; all its texts are plain, and `title` and `authors` are lines.

    `link` is a web address, or "" if the entry has none that can be used. `text` has the paragraphs of the
    entry, divided by line breaks.
    """

    title: str
    link: str = ""
    authors: tuple[str, ...] = ()
    date: datetime | None = None
    text: str = ""
    rating: float | None = None


@dataclass(frozen=True)
class Entries:
    """The entries that a source gave, with notes for the editor."""

    entries: tuple[SourceEntry, ...]
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class SourceRequest:
    """A source with all that is needed to ask it; `lines` has `newsletter.yml:LINE` of each key."""

    name: str
    source: Source
    week: Week
    user_agent: str
    lines: Mapping[str, str]

    @property
    def address(self) -> str:
        """Return the address to ask."""
        return self.week.fill(self.source.address)

    def unavailable(self, what: str, hint: str) -> Unavailable:
        """Return the error for a source that gives no entries; it names the address and the line."""
        where = self.lines[self.source.address_key]
        return Unavailable(f"source {self.name}: {what} ({self.address})", hint, where=where)

    def invalid(self, key: str, what: str, fix: str) -> ConfigError:
        """Return the error for a key of the source, such as an expression."""
        return ConfigError.of(self.lines[key], f"sources.{self.name}.{key}: {what}", fix)

    def note(self, what: str, fix: str = "", *, key: str = "", warning: bool = False) -> Problem:
        """Return a note about the source for the editor."""
        where = self.lines[key or self.source.address_key]
        return Problem(where, f"source {self.name}: {what}", fix, "warning" if warning else "note")
