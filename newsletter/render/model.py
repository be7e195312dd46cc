"""The data of the newsletter that rendering needs besides the issue, and the output of rendering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from newsletter.constants import CONFIG_FILE
from newsletter.issue.model import ContentsKind, Image
from newsletter.render.themes import ThemeName


@dataclass(frozen=True)
class Site:
    """The newsletter's data for rendering; templates in the folder `templates` replace built-in ones.

    `description` is a sentence for the web pages. `url` is the address of the archive's index, and `archive`
    is False for a newsletter without an archive. `logo_where` is `file:line` of the logo, for messages.
    `date_line` and `contents` are those of issues that have none of their own. `folder` is that of the
    newsletter, with its pictures. `colors` may have `accent` and `accent_dark`, and `fonts` the names of
    fonts of `text` and `titles`, in place of the theme's own.
    """

    name: str
    postal_address: str
    language: str = "en"
    description: str | None = None
    url: str | None = None
    archive: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    templates: str | None = None
    logo: Image | None = None
    logo_where: str = CONFIG_FILE
    date_line: str = "week"
    contents: ContentsKind | None = None
    folder: str | None = None
    theme: ThemeName = "digest"
    colors: Mapping[str, str] = field(default_factory=dict)
    fonts: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rendered:
    """A rendered issue, with `[[placeholders]]` for the recipients' data."""

    subject: str
    preheader: str
    html: str
    text: str
