"""Judge the HTML in a feed by the rules of the W3C's feed validator: what is HTML, safe and absolute."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple


class Problem(NamedTuple):
    """A broken rule, by the validator's name for it: https://validator.w3.org/feed/docs/"""

    rule: str
    where: str


def words(text: str) -> set[str]:
    return set(text.split())


VOID = words("br col hr img wbr")
# Elements and attributes of text. The validator accepts some more, which an article does not need.
SAFE_ELEMENTS = VOID | words(
    "a abbr address article aside b bdi blockquote caption cite code colgroup dd del details dfn div dl dt "
    "em figcaption figure footer h1 h2 h3 h4 h5 h6 header i ins kbd li mark ol p pre q rp rt ruby s samp "
    "section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var"
)
OTHER_ELEMENTS = words(
    "base body button embed form head html iframe input link meta object script style title"
)
SAFE_ATTRIBUTES = words(
    "abbr alt cite colspan datetime dir height href lang open reversed rowspan scope span src start title "
    "type value width"
)
# These start tags end an open paragraph, so its end tag is left over.
ENDS_PARAGRAPH = words(
    "address article aside blockquote details div dl figcaption figure footer h1 h2 h3 h4 h5 h6 header hr "
    "ol p pre section table ul"
)


def html_problems(html: str, where: str) -> Iterator[Problem]:
    """Yield the broken rules of a piece of HTML."""
    parser = _Reader()
    parser.feed(html)
    parser.close()
    for rule, detail in parser.found + [("NotHtml", f"<{tag}> has no end") for tag in parser.open]:
        yield Problem(rule, f"{where}: {detail}")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in OTHER_ELEMENTS:
            self.found.append(("SecurityRisk", tag))
        elif tag not in SAFE_ELEMENTS:
            self.found.append(("NotHtml", f"<{tag}> is no element of HTML"))
        if tag in ENDS_PARAGRAPH and "p" in self.open:
            self.found.append(("NotHtml", f"<{tag}> in a paragraph"))
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            self._attribute(name, value or "")

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.found.append(("NotHtml", f"</{tag}> ends no open element"))

    def handle_comment(self, data: str) -> None:
        self.found.append(("SecurityRisk", f"<!--{data}-->"))

    def _attribute(self, name: str, value: str) -> None:
        if name == "style":
            self.found.append(("DangerousStyleAttr", value))
        elif name not in SAFE_ATTRIBUTES:
            self.found.append(("SecurityRiskAttr", name))
        elif name in ("href", "src", "cite"):
            if not re.match(r"\w+:", value):
                self.found.append(("ContainsRelRef", value))
            elif not re.fullmatch(r"(https?://|mailto:|tel:)[!#-;=?-\[\]_a-z~]+", value, re.IGNORECASE):
                self.found.append(("InvalidUriChar", value))
