"""What passes between the steps: plain frozen data, and what makes it valid.

`Issue` and its parts are what an editor writes; pydantic validates them and draws their JSON Schema.
The rest are dataclasses.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

MAX_LINE = 500


def refused(what: str, fix: str) -> PydanticCustomError:
    """What a validator raises: what is wrong with the value, and what to do about it."""
    return PydanticCustomError("refused", "{what}; {fix}", {"what": what, "fix": fix})


def one_line(text: str) -> str:
    """Text for one line of mail; a YAML block's closing newline is dropped.

    Control characters would end a header. Encoded words (RFC 2047) would be decoded by somebody on the way
    and may hold control characters themselves.
    """
    text = text.strip()
    if not text:
        raise refused("is empty", "fill it in, or delete the key if it is optional")
    if "\n" in text or "\r" in text:
        raise refused("is more than one line", "write it in one line; use `>-` to fold a long one")
    if bad := next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None):
        raise refused(f"has a control character (U+{ord(bad):04X})", "delete it")
    if "=?" in text and "?=" in text:
        raise refused("has an encoded word (=?…?=)", "write the text itself")
    if len(text) > MAX_LINE:
        raise refused(f"is {len(text)} characters long", f"at most {MAX_LINE} fit")
    return text


def not_blank(text: str) -> str:
    """Markdown with something in it, without the blank lines around it."""
    if not text.strip():
        raise refused("is empty", "write something, or delete the passage")
    return text.strip("\n").rstrip()


def web_address(text: str) -> str:
    """An absolute http(s) address without spaces, credentials or control characters."""
    if bad := next((c for c in text if not c.isprintable()), None):
        raise refused(f"has an invisible character (U+{ord(bad):04X})", "delete it")
    problem = refused(f'not a web address ("{text[:80]}")', "write all of it: https://…")
    if re.search(r"[ <>\"\\^`{|}]", text):
        raise problem
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise problem from None
    names = host.removesuffix(".").split(".")
    known = host == "localhost" or ":" in host or (len(names) > 1 and all(names) and "%" not in host)
    if parts.scheme not in ("http", "https") or not known:
        raise problem
    if "[" in text.removeprefix(f"{parts.scheme}://{parts.netloc}"):
        # A placeholder in it would be filled: `?to=[[address]]` hands the reader's address to that site.
        raise refused(f'a bracket in a web address ("{text[:80]}")', "write [ as %5B and ] as %5D")
    if parts.username is not None:
        raise refused(f'a user name in a web address ("{text[:80]}")', "delete what stands before the @")
    return text


Line = Annotated[str, AfterValidator(one_line)]
Markdown = Annotated[str, AfterValidator(not_blank)]
WebAddress = Annotated[str, AfterValidator(web_address)]


class Frozen(BaseModel):
    """Strict and closed: nothing is converted, nothing unknown is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Passage(Frozen):
    """A piece of running text under a heading."""

    heading: Line | None = Field(None, description="A short heading; optional.")
    text: Markdown = Field(description="CommonMark; raw HTML is shown as it stands, not interpreted.")


class Link(Frozen):
    """A further link of a story."""

    text: Line = Field(description="What the link says.")
    link: WebAddress = Field(description="Where it leads.")


class Image(Frozen):
    """A picture at the top of a story."""

    src: WebAddress = Field(description="Where the picture is, https://….")
    alt: Line = Field(description="What the picture shows, for those who do not see it.")
    width: int = Field(528, ge=16, le=528, description="Shown width in pixels, 528 at most.")


class Story(Frozen):
    """One thing that the issue presents."""

    title: Line = Field(description="The title, as its authors write it.")
    link: WebAddress = Field(description="Where the title leads.")
    authors: tuple[Line, ...] = Field((), description="The first authors.")
    more_authors: int = Field(0, ge=0, description="How many authors are left out of the list.")
    passages: tuple[Passage, ...] = Field(min_length=1, description="The story itself.")
    tags: tuple[Line, ...] = Field((), description="A few words to sort it by.")
    links: tuple[Link, ...] = Field((), description="Further links, shown below the story.")
    image: Image | None = Field(None, description="A picture; optional.")


class IssueFile(Frozen):
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


@dataclass(frozen=True)
class Site:
    """What rendering needs to know of the newsletter; `templates` are its own, before the built-in ones."""

    name: str
    postal_address: str
    language: str = "en"
    url: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    templates: str | None = None


@dataclass(frozen=True)
class Rendered:
    """An issue as its readers get it, with `[[placeholders]]` where recipients differ."""

    subject: str
    preheader: str
    html: str
    text: str


class Subscriber(NamedTuple):
    """Somebody who asked for the newsletter.

    `id` is the store's, 0 for nobody in it; `number` their place in a send.
    """

    id: int
    address: str
    name: str = ""
    number: int = 0
