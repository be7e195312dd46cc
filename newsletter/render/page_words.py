"""Read the words of a web page."""

from html.parser import HTMLParser


def visible_text(page: str) -> str:
    """Return the words of the body of a page, in one line."""
    parser = _Body()
    parser.feed(page)
    parser.close()
    return " ".join("".join(parser.parts).split())


class _Body(HTMLParser):
    """Collect the texts of a page's body; an element separates words, except those within a line."""

    _INLINE = ("a", "b", "bdi", "em", "i", "span", "strong")

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._is_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_body = self._is_body or tag == "body"
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if self._is_body:
            self.parts.append(data)

    def _separate(self, tag: str) -> None:
        if tag not in self._INLINE:
            self.parts.append(" ")
