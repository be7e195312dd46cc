"""`Issue` and its parts, as an editor writes them; pydantic validates them and makes their JSON Schema."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from newsletter.yamlfile.fields import (
    Line,
    Markdown,
    StrictModel,
    WebAddress,
    invalid,
    one_line,
    suggesting,
    web_address,
)
from newsletter.yamlfile.values import Loc

ContentsKind = Literal[
    "off",  # no list
    "stories",  # the title of each story
    "sections",  # the heading of each section, with the titles of its stories
]
NO_BUTTON = "off"
# The week (Monday to Sunday), day or month of the issue's date, or no date; other words are shown.
DateLine = Annotated[Line, suggesting("week", "day", "month", "none")]
Button = Annotated[Line, suggesting(NO_BUTTON)]


def _number(value: object) -> int | str:
    """Return a whole number, or words in one line; else raise `invalid`."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise invalid("is neither a number nor words", "write a whole number such as 12, or words in quotes")


Number = Annotated[
    int | str, PlainValidator(_number), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]


_ISO_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _date(value: object) -> object:
    """Return the date of text such as 2026-04-29; raise `invalid` for other text and values."""
    if isinstance(value, dt.date):
        return value
    with suppress(ValueError):
        if _ISO_DATE.fullmatch(str(value)):
            return dt.date.fromisoformat(str(value))
    raise invalid(f'is not a date ("{str(value)[:40]}")', "write it as 2026-04-29")


Date = Annotated[dt.date, BeforeValidator(_date)]

PICTURES = "pictures"
"""The folder of a newsletter's own pictures."""


def _picture_source(text: str) -> str:
    """Return the address of a picture on the web, or of a file in `pictures/`; else raise `invalid`."""
    text = text.strip()
    if text.startswith(f"{PICTURES}/"):
        return one_line(text)
    if "://" not in text:
        what = f'is neither a web address nor a file in {PICTURES}/ ("{text[:80]}")'
        raise invalid(what, f"write the whole address: https://…, or {PICTURES}/FILE")
    return web_address(text)


class Image(StrictModel):
    """A picture with a place of its own in the layout."""

    src: Annotated[str, AfterValidator(_picture_source)] = Field(
        description="The address of the picture, https://…, or pictures/FILE."
    )
    alt: Line = Field(description="A description of the picture, for readers who cannot see it.")
    width: int | None = Field(
        None, ge=16, le=528, description="The width of the picture in the mail, in pixels; 528 at most."
    )
    caption: Line | None = Field(None, description="A line below the picture; optional.")
    link: WebAddress | None = Field(None, description="The address that the picture links to; optional.")


class Passage(StrictModel):
    """A piece of running text under a heading."""

    heading: Line | None = Field(None, description="A short heading; optional.")
    text: Markdown = Field(description="Markdown; raw HTML is shown as text, not interpreted.")
    image: Image | None = Field(None, description="A picture above the text; optional.")


class Link(StrictModel):
    """A further link of a story."""

    text: Line = Field(description="The text of the link.")
    link: WebAddress = Field(description="The address of the link.")


class Story(StrictModel):
    """A story: one item that the issue presents."""

    title: Line = Field(description="The title of the story.")
    link: WebAddress | None = Field(None, description="The address that the title links to; optional.")
    text: Markdown | None = Field(None, description="The story in one piece, in Markdown; optional.")
    button: Button | None = Field(
        None, description="The words of the button below the story; off: no button."
    )
    sponsor: bool = Field(False, description="true: an advertisement, which the mail marks as one.")
    authors: tuple[Line, ...] = Field((), description="The first authors.")
    more_authors: int = Field(0, ge=0, description="The number of authors that the list leaves out.")
    passages: tuple[Passage, ...] = Field((), description="The story in passages, with headings.")
    tags: tuple[Line, ...] = Field((), description="A few keywords.")
    links: tuple[Link, ...] = Field((), description="Further links, shown below the story.")
    image: Image | None = Field(None, description="A picture; optional.")

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if not (self.text or self.passages or self.link or self.image):
            raise invalid("has only a title", "add `text:`, `passages:`, `link:` or `image:`")
        return self

    @field_validator("button")
    @classmethod
    def _check_button(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value not in (None, NO_BUTTON) and info.data.get("link", "") is None:
            raise invalid("has no address to lead to", "add `link:` to the story, or delete the button")
        return value


class Section(StrictModel):
    """A part of an issue: a heading, a text and stories, each optional."""

    heading: Line | None = Field(None, description="The heading of the section; optional.")
    text: Markdown | None = Field(None, description="A text below the heading, in Markdown; optional.")
    image: Image | None = Field(None, description="A picture below the heading; optional.")
    stories: tuple[Story, ...] = Field((), description="The stories of the section, in their order.")

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if not (self.text or self.image or self.stories):
            raise invalid("has no content", "add `text:`, `image:` or `stories:`, or delete the section")
        return self


class IssueFile(StrictModel):
    """The content of an issue file."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [key]} for key in ("stories", "sections", "opening")]}
    )

    subject: Line = Field(description="The subject line; phones show about 40 characters.")
    preheader: Line = Field(description="The text that inboxes show after the subject; 40 to 100 characters.")
    ready: bool = Field(False, description="true: automation may send this issue.")
    archive: bool = Field(True, description="false: the archive on the web leaves this issue out.")
    updated: Date | None = Field(
        None, description="The date of a change after the issue was published, such as 2026-04-29; optional."
    )
    number: Number | None = Field(
        None, description="The number of the issue, or words such as Letter 31; optional."
    )
    date_line: DateLine | None = Field(
        None, description="The date in the mail: week, day, month or none; or words of your own."
    )
    contents: ContentsKind | None = Field(
        None, description='The list "In this issue": its stories, its sections, or off.'
    )
    image: Image | None = Field(None, description="A picture at the top of the mail; optional.")
    opening: tuple[Passage, ...] = Field((), description="Passages before the stories.")
    stories: tuple[Story, ...] = Field((), description="The stories, in the order they appear.")
    sections: tuple[Section, ...] = Field((), description="The parts of the issue, in place of `stories`.")
    closing: tuple[Passage, ...] = Field((), description="Passages after the stories.")
    extra: dict[str, Any] = Field(
        default_factory=dict, description="Free fields for the newsletter's own templates."
    )

    @field_validator("updated")
    @classmethod
    def _check_updated(cls, value: dt.date | None, info: ValidationInfo) -> dt.date | None:
        issue_date = (info.context or {}).get("date")
        if value and issue_date and value < issue_date:
            raise invalid(f"is before the date of the issue ({value})", f"write {issue_date} or a later date")
        return value

    @field_validator("sections")
    @classmethod
    def _check_one_way(cls, value: tuple[Section, ...], info: ValidationInfo) -> tuple[Section, ...]:
        if value and info.data.get("stories"):
            raise invalid("is beside `stories`", "move the stories into a section: `- stories:`")
        return value

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if not (self.stories or self.sections or self.opening):
            raise invalid("has no content", "add `stories:`, `sections:` or `opening:`")
        return self


class Issue(IssueFile):
    """A valid issue with the date of its file's name, the file's text, and the line of each part."""

    date: dt.date
    path: str = ""
    lines: Mapping[Loc, int] = Field(default_factory=dict, repr=False)
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

    def located_sections(self) -> Iterator[tuple[Loc, Section]]:
        """Yield each section with its location; `stories` of the file are a section at the location ()."""
        if self.stories:
            yield (), Section(stories=self.stories)
        for n, section in enumerate(self.sections):
            yield ("sections", n), section

    def located_stories(self) -> Iterator[tuple[Loc, Story]]:
        """Yield each story of the issue with its location, in the order of the mail."""
        for loc, section in self.located_sections():
            for n, story in enumerate(section.stories):
                yield (*loc, "stories", n), story
