"""Convert an issue and its site to the data of templates: plain values without methods of our own.

Templates are input that nobody may have reviewed. A model, whose methods can read files and run code, must
not be reachable from them.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from newsletter.issue.model import Issue, IssueFile
from newsletter.render.model import Site
from newsletter.yamlfile.fields import StrictModel


class Fields(dict[str, Any]):
    """The fields of a part of an issue or site; `part` names that part in messages."""

    def __init__(self, part: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.part = part


class Date(NamedTuple):
    """A date, printed as `2026-04-27`."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}-{self.day:02}"


def template_data(issue: Issue, site: Site, elements: Sequence[str] = ()) -> dict[str, Any]:
    """Return the variables of every template: `issue`, `site`, `labels` and `elements`.

    The last are the names of the HTML elements that the Markdown of the issue becomes.
    """
    content = {name: _plain(getattr(issue, name)) for name in IssueFile.model_fields}
    content |= {"name": issue.name, "date": _plain(issue.date), "week": _plain(issue.week)}
    described = {
        "name": site.name,
        "postal_address": site.postal_address,
        "language": site.language,
        "url": site.url,
    }
    return {
        "issue": Fields("Issue", content),
        "site": Fields("Site", described),
        "labels": Fields("Labels", site.labels),
        "elements": tuple(elements),
    }


def _plain(value: Any) -> Any:
    """Return a value as text, number, boolean, None, tuple, mapping or `Date`; raise TypeError for others."""
    match value:
        case None | str() | bool() | int() | float():
            return value
        case dt.date():
            return Date(value.year, value.month, value.day)
        case StrictModel():
            fields = {name: _plain(getattr(value, name)) for name in type(value).model_fields}
            return Fields(type(value).__name__, fields)
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case tuple() | list():
            return tuple(_plain(part) for part in value)
    raise TypeError(f"templates cannot have a value of the type {type(value).__name__}")
