"""Parse the tags of the HTML part as they were written; a parser of elements would correct them silently."""

from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass(frozen=True)
class Tag:
    """An opening or closing tag, with its attributes as they were written, duplicates included."""

    name: str
    attributes: tuple[tuple[str, str | None], ...] = ()
    closes: bool = False


class Tags(HTMLParser):
    """The tags of a mail in order; tags in comments, which are for Outlook, are left out."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, tuple(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Browsers ignore the slash in HTML tags, but not in tags with a namespace such as VML.
        self.handle_starttag(tag, attrs)
        if ":" in tag:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(Tag(tag, closes=True))
