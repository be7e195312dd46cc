"""Check that the text part is complete, without HTML and without long lines."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.network.web_address import ADDRESS, ascii_address, with_ascii_addresses
from newsletter.render.east_asian import columns
from newsletter.render.markdown import inline_text, to_text_with_every_note

# RFC 5322, 2.1.1: lines should have at most 78 characters.
MAX_LINE_COLUMNS = 78
_TAG = re.compile(
    r"</?(?:a|b|br|div|em|font|h[1-6]|hr|i|img|li|mj-[a-z]+|p|span|strong|table|t[dhr]|[uo]l)\b[^<>]*>"
)
_ENTITY = re.compile(r"&(?:amp|lt|gt|nbsp|quot|apos|#\d+|#x[0-9a-f]+);", re.IGNORECASE)


def text_part(proof: Proof) -> Iterator[Problem]:
    """A text part without a story or a link that the HTML has, with HTML in it, or with long lines."""
    text = proof.rendered.text
    if not text.strip():
        yield Problem(proof.issue.path, "the text part is empty", "correct the template layout.txt.j2")
        return
    yield from _missing(proof, text)
    for html in _left_over_html(proof, text):
        what = f"HTML is left in the text part: {printable(html)}"
        yield Problem(proof.where_in_text(html), what, _PLAIN_FIX)
    as_written = {line.strip() for part in _converted(proof) for line in part.split("\n")}
    for line in text.split("\n"):
        # A line of code is as long as the editor wrote it, and no address is broken.
        if (
            columns(line) > MAX_LINE_COLUMNS
            and not any(part in line for part in ("://", "mailto:", "[["))
            and line.strip() not in as_written
        ):
            what = f'a line of {columns(line)} columns in the text part ("{printable(line.strip(), 40)}")'
            fix = f"use at most {MAX_LINE_COLUMNS}: the filter `wrapped` in the template breaks lines"
            yield Problem(proof.where_in_text(line), what, fix, "warning")


_PLAIN_FIX = "use the filter `plain` for Markdown: a .txt.j2 template does not convert text"


def _left_over_html(proof: Proof, text: str) -> Iterator[str]:
    """Return the first occurrence of each HTML tag and entity that the editor did not write, even escaped."""
    sources = [*(source.content for source in proof.texts), *_converted(proof)]
    written = {without_spaces(html) for source in sources for html in _html(source)}
    by_name: dict[str, str] = {}
    for html in _html(text):
        if without_spaces(html) not in written:
            by_name.setdefault(html.strip("</>").split()[0], html)
    return iter(by_name.values())


def _converted(proof: Proof) -> Iterator[str]:
    """Yield the plain text of each Markdown text, as the filter `plain` writes it."""
    return (to_text_with_every_note(source.content) for source in proof.texts if source.markdown)


def _html(text: str) -> Iterator[str]:
    return (match[0] for pattern in (_TAG, _ENTITY) for match in pattern.finditer(text))


def _missing(proof: Proof, text: str) -> Iterator[Problem]:
    flat = without_spaces(text).casefold()
    for loc, story in proof.issue.located_stories():
        # Wrapping breaks a title also inside a word that is longer than a line.
        if without_spaces(inline_text(story.title)).casefold() not in flat:
            where = files.where(proof.issue, (*loc, "title"))
            what = f'the text part does not contain the story "{printable(story.title)}"'
            yield Problem(where, what, "correct the template story.txt.j2")
    spelled_alike = with_ascii_addresses(text)
    addresses = set(ADDRESS.findall(spelled_alike))
    for target, link in proof.document.targets.items():
        address = ascii_address(target)
        is_address = re.match(r"https?:|mailto:", target) and not PLACEHOLDER.search(target)
        # A search of the whole text for each link would take long; most addresses are found without it.
        if is_address and address not in addresses and address.removeprefix("mailto:") not in spelled_alike:
            what = f"the text part does not contain the link {printable(target)}"
            yield Problem(proof.where(link), what, "add it to the text template")


def without_spaces(text: str) -> str:
    """Return a text without its white space, which templates, wrapping and headings change."""
    return "".join(text.split())
