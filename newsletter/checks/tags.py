"""The HTML part tag by tag, as it was written: a parser of elements mends what it can, in silence."""

from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass(frozen=True)
class Tag:
    """A tag that opens or closes; attributes as they were written, one twice where it is there twice."""

    name: str
    attributes: tuple[tuple[str, str | None], ...] = ()
    closes: bool = False


class Tags(HTMLParser):
    """The tags of a mail in order, without those in comments, which are Outlook's."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, tuple(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Browsers pass over the slash, but not in VML and the like.
        self.handle_starttag(tag, attrs)
        if ":" in tag:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(Tag(tag, closes=True))
