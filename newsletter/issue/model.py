"""`Issue` and its parts, as an editor writes them; pydantic validates them and makes their JSON Schema."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from newsletter.yamlfile.fields import Line, Markdown, StrictModel, WebAddress


class Passage(StrictModel):
    """A piece of running text under a heading."""

    heading: Line | None = Field(None, description="A short heading; optional.")
    text: Markdown = Field(description="CommonMark; raw HTML is shown as text, not interpreted.")


class Link(StrictModel):
    """A further link of a story."""

    text: Line = Field(description="The text of the link.")
    link: WebAddress = Field(description="The address of the link.")


class Image(StrictModel):
    """A picture at the top of a story."""

    src: WebAddress = Field(description="The address of the picture, https://….")
    alt: Line = Field(description="A description of the picture, for readers who cannot see it.")
    width: int = Field(
        528, ge=16, le=528, description="The width of the picture in the mail, in pixels; 528 at most."
    )


class Story(StrictModel):
    """A story: one item that the issue presents."""

    title: Line = Field(description="The title of the story.")
    link: WebAddress = Field(description="The address that the title links to.")
    authors: tuple[Line, ...] = Field((), description="The first authors.")
    more_authors: int = Field(0, ge=0, description="The number of authors that the list leaves out.")
    passages: tuple[Passage, ...] = Field(min_length=1, description="The story itself.")
    tags: tuple[Line, ...] = Field((), description="A few keywords.")
    links: tuple[Link, ...] = Field((), description="Further links, shown below the story.")
    image: Image | None = Field(None, description="A picture; optional.")


class IssueFile(StrictModel):
    """The content of an issue file."""

    subject: Line = Field(description="The subject line; phones show about 40 characters.")
    preheader: Line = Field(description="The text that inboxes show after the subject; 40 to 100 characters.")
    ready: bool = Field(False, description="true: automation may send this issue.")
    opening: tuple[Passage, ...] = Field((), description="Passages before the stories.")
    stories: tuple[Story, ...] = Field(min_length=1, description="The stories, in the order they appear.")
    closing: tuple[Passage, ...] = Field((), description="Passages after the stories.")
    extra: dict[str, Any] = Field(
        default_factory=dict, description="Free fields for the newsletter's own templates."
    )


class Issue(IssueFile):
    """A valid issue with the date of its file's name, the file's text, and the line of each part."""

    date: dt.date
    path: str = ""
    lines: Mapping[tuple[str | int, ...], int] = Field(default_factory=dict, repr=False)
    source: str = Field("", repr=False)

    @property
    def name(self) -> str:
        """Return the name of the issue in commands, the ledger and Message-IDs, such as `2026-04-27`."""
        return self.date.isoformat()

    @property
    def week(self) -> tuple[dt.date, dt.date]:
        """Return the Monday and the Sunday of the week of the issue's date."""
        monday = self.date - dt.timedelta(days=self.date.weekday())
        return monday, monday + dt.timedelta(days=6)
