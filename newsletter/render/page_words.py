"""Read the words of a web page."""

from html.parser import HTMLParser


def visible_text(page: str, element: str = "body") -> str:
    """Return the words of the body of a page, or of another element, in one line; "" without the element."""
    parser = _Part(element)
    parser.feed(page)
    parser.close()
    return " ".join("".join(parser.parts).split())


class _Part(HTMLParser):
    """Collect the texts of one element of a page; elements in it separate words, except within a line."""

    _INLINE = ("a", "b", "bdi", "em", "i", "span", "strong")

    def __init__(self, element: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._element, self._is_inside = element, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_inside = self._is_inside or tag == self._element
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        self._is_inside = self._is_inside and tag != self._element
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.parts.append(data)

    def _separate(self, tag: str) -> None:
        if tag not in self._INLINE:
            self.parts.append(" ")
