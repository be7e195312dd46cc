"""What rendering needs to know of the newsletter, and what it makes of an issue."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
