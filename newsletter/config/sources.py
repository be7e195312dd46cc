"""The part of newsletter.yml about the places whose entries begin an issue."""

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from newsletter.display import printable
from newsletter.yamlfile.fields import Line, StrictModel, invalid, web_address


def iso_week(day: datetime.date) -> str:
    """Return the week of a date in the notation of ISO 8601: 2026-W18."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


FIELDS: Mapping[str, Callable[[datetime.date], str]] = {
    "week": iso_week,
    "date": str,
    "month": lambda monday: f"{monday:%Y-%m}",
}
"""The fields of a source's address, with their values for the Monday of the week that the issue presents."""
EXPRESSIONS = ("entries", "title", "link", "authors", "date", "text", "rating")
"""The keys of a source in JSON that are JMESPath expressions."""
_FIELD = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def _source_address(text: str) -> str:
    """Return a web address that may have fields such as `{week}` behind its host; else raise `invalid`."""
    if "{" in re.split("[/?#]", text.partition("://")[2])[0]:
        raise invalid("has a field in its host", "write the host itself, and the field behind it")
    for name in _FIELD.findall(text):
        if name not in FIELDS:
            fields = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise invalid(f"has the unknown field {{{printable(name)}}}", f"the fields are {fields}")
    text = web_address(text)  # it encodes the braces
    for name in FIELDS:
        text = text.replace(f"%7B{name}%7D", f"{{{name}}}")
    return text


SourceAddress = Annotated[str, AfterValidator(_source_address)]


class Source(StrictModel):
    """A place with entries: a feed, or JSON that JMESPath expressions read."""

    feed: SourceAddress | None = None
    json_address: SourceAddress | None = Field(None, alias="json")
    limit: int = Field(5, ge=1, le=50)
    entries: Line = "@"
    title: Line | None = None
    link: Line | None = None
    authors: Line | None = None
    date: Line | None = None
    text: Line | None = None
    rating: Line | None = None

    @property
    def address(self) -> str:
        """Return the address, with its fields."""
        return self.feed or self.json_address or ""

    @property
    def address_key(self) -> str:
        """Return the key of newsletter.yml that has the address."""
        return "feed" if self.feed else "json"

    @model_validator(mode="after")
    def _check_one_kind(self) -> Self:
        if (self.feed is None) == (self.json_address is None):
            if self.feed is None:
                raise invalid("has no address", "add `feed:`, or `json:` with JMESPath expressions")
            raise invalid("has both `feed` and `json`", "delete one of them")
        written = [key for key in EXPRESSIONS if key in self.model_fields_set]
        if self.feed and written:
            raise invalid(f"has `{written[0]}`, which is for JSON", "delete it: a feed names its own parts")
        if self.json_address and self.title is None:
            raise invalid("has no `title`", "add the JMESPath expression for the title of an entry")
        return self


def _check_names(sources: dict[str, Source]) -> dict[str, Source]:
    for name in sources:
        if not _NAME.fullmatch(name):
            what = f'has the name "{printable(name)}"'
            raise invalid(what, "write 1 to 40 letters, digits, - and _, as in `--from papers`")
    return sources


Sources = Annotated[dict[str, Source], AfterValidator(_check_names)]
