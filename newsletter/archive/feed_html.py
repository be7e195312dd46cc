"""Make the HTML of a feed's entry from the article of an issue.

A feed reader has its own style, shows the entry outside of its page and removes what it does not trust. So
only elements of text, with the attributes that they need, are left, and all addresses are absolute.
"""

import re
from collections import Counter
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin

from newsletter.archive.model import Channel, FeedEntry
from newsletter.network.web_address import ascii_address


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_KEPT = _names(
    "a abbr address article aside b bdi blockquote br caption cite code col colgroup dd del details dfn "
    "div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark ol p pre q "
    "rp rt ruby s samp section small span strong sub summary sup table tbody td tfoot th thead time tr "
    "u ul var wbr"
)
# Elements that are removed with their content; of all others that are not kept, the text stays.
_REMOVED = _names(
    "audio button canvas datalist head iframe math noscript object script select style svg template "
    "textarea title video"
)
_COMMON = frozenset(("dir", "lang", "title"))
_ATTRIBUTES = {
    "a": {"href"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"cite", "datetime"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "q": {"cite"},
    "td": {"colspan", "rowspan"},
    "th": {"abbr", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_ADDRESSES = frozenset(("cite", "href", "src"))
_WEB = re.compile("https?://", re.IGNORECASE)
_LINKED = re.compile("https?://|mailto:|tel:", re.IGNORECASE)
_IGNORED = re.compile("[\t\r\n]")  # browsers remove them from an address


def entry_html(channel: Channel, entry: FeedEntry) -> str:
    """Return the HTML of an entry for all feeds; it states its direction if that is right to left."""
    html = feed_html(entry.html, channel.entry_url(entry))
    return f'<div dir="rtl">{html}</div>' if channel.direction == "rtl" else html


def feed_html(article: str, page: str) -> str:
    """Return an article, in which each element has its end tag, as a feed may have it: its text is the same.

    Relative addresses and links within the article, such as those to notes, lead to `page`, its address.
    """
    parser = _Article(page)
    parser.feed(article)
    parser.close()
    return parser.html()


class _Article(HTMLParser):
    """Write the elements, attributes and text that a feed may have."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self._page = page
        self._parts: list[str] = []
        self._open: list[tuple[str, str]] = []  # the names of open elements, and the end tags to be written
        self._open_names: Counter[str] = Counter()
        self._removed = 0  # the number of open elements that are removed

    def html(self) -> str:
        """Return what was written, with the end tags that were missing."""
        self._close(len(self._open))
        return "".join(self._parts).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        written = "" if self._removed or tag not in _KEPT else self._start_tag(tag, attrs)
        self._parts.append(written)
        if tag not in _VOID:
            self._removed += tag in _REMOVED
            self._open.append((tag, f"</{tag}>" if written else ""))
            self._open_names[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open_names[tag]:
            is_last = self._open[-1][0] == tag
            self._close(1)
            if is_last:
                break

    def handle_data(self, data: str) -> None:
        if not self._removed:
            self._parts.append(escape(data, quote=False))

    def _close(self, number: int) -> None:
        for _ in range(number):
            name, end_tag = self._open.pop()
            self._open_names[name] -= 1
            self._removed -= name in _REMOVED
            self._parts.append(end_tag)

    def _start_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> str:
        """Return the start tag; "" for a link without an address, the description of such a picture."""
        allowed = _COMMON | _ATTRIBUTES.get(tag, set())
        kept: dict[str, str] = {}
        for name, value in attrs:
            if name in allowed and name not in kept:  # browsers take the first attribute of a name
                text = self._address(value or "", tag) if name in _ADDRESSES else value or ""
                if text is not None:
                    kept[name] = text
        if tag == "a" and "href" not in kept:
            return ""
        if tag == "img" and "src" not in kept:
            return escape(kept.get("alt", ""), quote=False)
        return f"<{tag}{''.join(_attribute(*pair) for pair in kept.items())}>"

    def _address(self, text: str, tag: str) -> str | None:
        """Return an absolute address; None for one that is not on the web."""
        try:
            address = ascii_address(urljoin(self._page, _IGNORED.sub("", text).strip()))
        except ValueError:
            return None
        return address if (_LINKED if tag == "a" else _WEB).match(address) else None


def _attribute(name: str, value: str) -> str:
    return f' {name}="{escape(value)}"'
