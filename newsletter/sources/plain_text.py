"""Make plain text of the titles and texts of a stranger: HTML is read, and hidden characters are left out."""

import re
import unicodedata
from html.parser import HTMLParser

from newsletter.hidden_characters import find_hidden, is_visible
from newsletter.network.web_address import ascii_address
from newsletter.yamlfile.fields import MAX_LINE, web_address

MAX_TEXT_CHARACTERS = 3_000
"""The characters of an entry's text that are kept; an editor writes from them."""
_MAX_READ_CHARACTERS = 200_000
# A text is HTML if it has an end tag, a line break or an entity: `a < b` and `x <y` are none.
_HTML = re.compile(
    r"</[a-z][a-z0-9]{0,20}>|<(?:br|hr|p|img)[\s/>]|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,30});", re.IGNORECASE
)
_SILENT = {"script", "style", "template", "noscript", "iframe", "object", "head"}
_BLOCKS = {
    *("address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "h1", "h2", "h3", "h4"),
    *("h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"),
}
_HIDDEN_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
# Code points that no text has; YAML refuses two of them.
_NON_CHARACTERS = re.compile(
    "[\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def one_line(text: str, html: bool | None = None) -> str:
    """Return a text as a line that an issue accepts, of at most 500 characters; "" if nothing is visible.

    `html` is True for HTML, False for plain text, and None for a guess by the marks in the text.
    """
    words = " ".join(paragraphs(text, html, _MAX_READ_CHARACTERS).split())
    if "?=" in words:  # a mail program would decode an encoded word (RFC 2047)
        words = words.replace("=?", "= ?")
    words = _without_links(words)
    words = words if len(words) <= MAX_LINE else f"{words[: MAX_LINE - 1].rstrip()}…"
    return words if is_visible(words) else ""


def _without_links(line: str) -> str:
    """Return a line without placeholders and links of Markdown: it may become a title, where they work."""
    line = re.sub(r"\[{2,}", "[", re.sub(r"\]{2,}", "]", line))
    return re.sub(r"<(?=[A-Za-z][A-Za-z0-9+.-]*:)", "< ", line.replace("](", "] ("))


def paragraphs(text: str, html: bool | None = None, max_characters: int = MAX_TEXT_CHARACTERS) -> str:
    """Return a text as plain paragraphs with one line break between them; `html` is that of `one_line`."""
    text = text[:_MAX_READ_CHARACTERS]
    blocks = _text_of(text) if (_is_html(text) if html is None else html) else [text]
    lines = (" ".join(_visible(part).split()) for block in blocks for part in re.split(r"\n\s*\n", block))
    text = "\n".join(filter(None, lines))
    return text if len(text) <= max_characters else f"{text[:max_characters].rstrip()} …"


def address(link: object, base: str = "") -> str:
    """Return a link of an entry as a web address; "" for other text, such as `javascript:`."""
    from urllib.parse import urljoin

    if not isinstance(link, str) or not link.strip():
        return ""
    try:
        absolute = urljoin(base, ascii_address(link.strip()))
        scheme, _, rest = absolute.partition("://")
        host, slash, path = rest.partition("/")
        path = path.replace("[", "%5B").replace("]", "%5D")
        return web_address(f"{scheme}://{host}{slash}{path}")
    except ValueError:  # pydantic's error for a wrong value is one
        return ""


def _is_html(text: str) -> bool:
    return _HTML.search(text) is not None


def _visible(text: str) -> str:
    """Return a text without control characters, and without those that reorder or hide other text."""
    text = re.sub(r"[\s\x1c-\x1f\x85\u2028\u2029]+", " ", text)
    text = _NON_CHARACTERS.sub("", text)
    if text.isascii() and text.isprintable():
        return text
    text = "".join(c for c in text if unicodedata.category(c) not in _HIDDEN_CATEGORIES)
    if find_hidden(text):
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    while hidden := find_hidden(text):
        for found in hidden:
            text = text.replace(found.character, "")
    return text


def _text_of(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts).split("\0")


class _Reader(HTMLParser):
    """Collect the text of HTML; NUL divides its blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.parts.append("\0")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        if tag in _BLOCKS:
            self.parts.append("\0")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag in _BLOCKS:
            self.parts.append("\0")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\0", ""))
