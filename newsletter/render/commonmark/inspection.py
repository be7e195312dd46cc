"""Find what Markdown may not read as the editor meant it: each with its line in the text, from 0."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from markdown_it.rules_block.table import escapedSplit

from newsletter.network.web_address import EAST_ASIAN_MARKS
from newsletter.render.commonmark.parser import parse
from newsletter.render.commonmark.table_width import tables_in
from newsletter.render.east_asian import is_unspaced


class Found(NamedTuple):
    """A part of a text that an inspection found: its first line, from 0, and its words or a number."""

    line: int
    words: str = ""
    number: int = 0


def code_lines(source: str) -> frozenset[int]:
    """Return the numbers of the lines of code blocks, from 0, with those of their fences."""
    blocks = [token.map for token in parse(source).everything if token.type in ("fence", "code_block")]
    return frozenset(line for lines in blocks if lines for line in range(*lines))


def table_widths(source: str) -> Iterator[Found]:
    """Yield each table, with the width in pixels below which a phone breaks its words."""
    for table in tables_in(parse(source).everything):
        if table.opening.map:
            yield Found(table.opening.map[0], number=table.phone_width)


def long_rows(source: str) -> Iterator[Found]:
    """Yield each row with more cells than its table's head, with their number; the last are left out."""
    lines = source.split("\n")
    for token in parse(source).everything:
        if token.type == "table_open" and token.map:
            first, end = token.map
            head = _cells(lines[first])
            for number in range(first + 2, min(end, len(lines))):
                if _cells(lines[number]) > head:
                    yield Found(number, lines[number], _cells(lines[number]) - head)


def unread_tables(source: str) -> Iterator[Found]:
    """Yield the head of what looks like a table, and is a paragraph."""
    for token in parse(source).everything:
        if token.type == "inline" and token.map and "|" in token.content:
            lines = token.content.split("\n")
            for number, (head, rule) in enumerate(pairwise(lines)):
                if "|" in head and _is_rule(rule):
                    yield Found(token.map[0] + number, head)


def texts(source: str) -> Iterator[Found]:
    """Yield the plain words of each paragraph, without code, each with the line in which it begins."""
    for token in parse(source).everything:
        if token.type == "inline" and token.map:
            words = "".join(child.content for child in token.children or [] if child.type == "text")
            yield Found(token.map[0], words)


def long_addresses(source: str) -> Iterator[Found]:
    """Yield each bare address that seems to include the Chinese or Japanese text behind it."""
    for token in parse(source).everything:
        for opening, words in pairwise(token.children or []):
            if opening.type == "link_open" and opening.markup == "linkify" and _has_text(words.content):
                line = token.content.count("\n", 0, opening.map[0]) if opening.map else 0
                yield Found((token.map or [0])[0] + line, words.content)


def _has_text(address: str) -> bool:
    """Return True for East Asian punctuation in an address, and for an ideograph right after a word."""
    return any(
        after in EAST_ASIAN_MARKS or (is_unspaced(after) and before.isascii() and before.isalnum())
        for before, after in pairwise(address)
    )


def _cells(row: str) -> int:
    row = row.strip()
    return len(escapedSplit(row)) - row.startswith("|") - (row.endswith("|") and not row.endswith("\\|"))


def _is_rule(line: str) -> bool:
    return "-" in line and "|" in line and not line.strip("|-: \t")
