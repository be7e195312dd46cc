"""What an editor writes: an `Issue` and its parts; pydantic validates them and draws their JSON Schema."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from newsletter.yamlfile.fields import Line, Markdown, StrictModel, WebAddress


class Passage(StrictModel):
    """A piece of running text under a heading."""

    heading: Line | None = Field(None, description="A short heading; optional.")
    text: Markdown = Field(description="CommonMark; raw HTML is shown as it stands, not interpreted.")


class Link(StrictModel):
    """A further link of a story."""

    text: Line = Field(description="What the link says.")
    link: WebAddress = Field(description="Where it leads.")


class Image(StrictModel):
    """A picture at the top of a story."""

    src: WebAddress = Field(description="Where the picture is, https://….")
    alt: Line = Field(description="What the picture shows, for those who do not see it.")
    width: int = Field(528, ge=16, le=528, description="Shown width in pixels, 528 at most.")


class Story(StrictModel):
    """One thing that the issue presents."""

    title: Line = Field(description="The title, as its authors write it.")
    link: WebAddress = Field(description="Where the title leads.")
    authors: tuple[Line, ...] = Field((), description="The first authors.")
    more_authors: int = Field(0, ge=0, description="How many authors are left out of the list.")
    passages: tuple[Passage, ...] = Field(min_length=1, description="The story itself.")
    tags: tuple[Line, ...] = Field((), description="A few words to sort it by.")
    links: tuple[Link, ...] = Field((), description="Further links, shown below the story.")
    image: Image | None = Field(None, description="A picture; optional.")


class IssueFile(StrictModel):
    """An issue of a newsletter, as its file holds it."""

    subject: Line = Field(description="The subject line; phones show about 40 characters.")
    preheader: Line = Field(description="What inboxes show behind the subject; 40 to 100 characters.")
    ready: bool = Field(False, description="true: automation may send this issue.")
    opening: tuple[Passage, ...] = Field((), description="Passages before the stories.")
    stories: tuple[Story, ...] = Field(min_length=1, description="The stories, in the order they appear.")
    closing: tuple[Passage, ...] = Field((), description="Passages after the stories.")
    extra: dict[str, Any] = Field(
        default_factory=dict, description="Free fields for the newsletter's own templates."
    )


class Issue(IssueFile):
    """A valid issue with the date of its file's name, that file's text, and where in it each part stands."""

    date: dt.date
    path: str = ""
    lines: Mapping[tuple[str | int, ...], int] = Field(default_factory=dict, repr=False)
    source: str = Field("", repr=False)

    @property
    def name(self) -> str:
        """`2026-04-27`: the name that commands, the ledger and Message-IDs know the issue by."""
        return self.date.isoformat()

    @property
    def week(self) -> tuple[dt.date, dt.date]:
        """Monday and Sunday of the week that the date falls in."""
        monday = self.date - dt.timedelta(days=self.date.weekday())
        return monday, monday + dt.timedelta(days=6)
