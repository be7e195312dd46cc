"""Find the marks of headings, lists and quotations that Markdown did not take for such."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from newsletter.checks.code import without_code

# White space that Markdown does not take for a space after a mark.
_WIDE = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000"
_PREFIX = re.compile(r"[ \t]*+(?:>[ ]?+)*+[ \t]*+")
_WIDE_QUOTE = re.compile(rf"[ \t>]*?>([{_WIDE}])(?P<mark>[-*+#]|\d{{1,9}}[.)])?")
_WIDE_MARK = re.compile(rf"(?:#{{1,6}}|[-*+])([{_WIDE}])")
_WIDE_NUMBER = re.compile(rf"(?P<number>\d{{1,9}})[.)]([{_WIDE}]+)(?P<word>\w*)")
_HYPHEN = re.compile(r"[-+](?=[^\W\d_]|\[[ xX]\])")
_NUMBER = re.compile(r"\d{1,2}[.)](?=[^\W\d_])|[\uff10-\uff19]{1,2}[.)\uff0e\uff09\u3001]")
# Nobody writes the first kind but for a list; the second kind is one from two lines on.
_BULLET = re.compile(r"([\u2022\u2023\u2043\u25e6\u25aa\u25ab])(?=[\s\w])")
_OTHER_BULLET = re.compile(
    r"([\u00b7\u2013\u2014\u2192\u2219\u25a0\u25a1\u25b6\u25ba\u25cb\u25cf\u2713\u2714\u27a4\u30fb\uff0d])[^\n]"
)
_FULL_WIDTH = re.compile(r"([\uff03]{1,6}|\uff1e)(?=[\s\u3000])")
_HEADING = re.compile(r"(#{1,6})(?=[^\W\d_])")
_HARD_BREAK = ("  ", "\\")
_MAX_HEADING_WORDS = 8


class Line(NamedTuple):
    """A line of a paragraph: its number in the text, its text after quotation marks, and as it is written."""

    number: int
    body: str
    written: str


class StrayMark(NamedTuple):
    """A line whose mark readers would see: its number in the text, from 0, its words, and how to write it."""

    number: int
    words: str
    fix: str


def stray_block_marks(source: str, months: Sequence[str]) -> Iterator[StrayMark]:
    """Yield the first line of each heading, list or quotation of a text that Markdown does not take for one.

    `months` are the names of the months: `1.\\u00a0May` is a date.
    """
    for paragraph in _paragraphs(without_code(source)):
        yield from _quotations(paragraph)
        yield from _with_wide_spaces(paragraph, months)
        yield from _lists(paragraph)
        yield from _headings(paragraph)


def _paragraphs(source: str) -> Iterator[list[Line]]:
    lines = [
        Line(number, _PREFIX.sub("", line, count=1), line) for number, line in enumerate(source.split("\n"))
    ]
    for has_words, group in groupby(lines, key=lambda line: bool(line.body.strip())):
        if has_words:
            yield list(group)


def _quotations(paragraph: Sequence[Line]) -> Iterator[StrayMark]:
    marks = [(line, match) for line in paragraph if (match := _WIDE_QUOTE.match(line.written))]
    # Markdown takes the quotation, and leaves the wide space: between two lines, or before another mark.
    for line, match in marks if len(marks) > 1 else [found for found in marks if found[1]["mark"]]:
        yield StrayMark(line.number, line.written.strip(), _space_fix(">", match[1]))
        return


def _with_wide_spaces(paragraph: Sequence[Line], months: Sequence[str]) -> Iterator[StrayMark]:
    for line in paragraph:
        if match := _WIDE_MARK.match(line.body):
            yield StrayMark(line.number, line.body, _space_fix(match[0][:-1], match[1]))
            return
    numbers = [(line, match) for line in paragraph if (match := _WIDE_NUMBER.match(line.body))]
    if not numbers:
        return
    line, match = numbers[0]
    is_date = match["word"].casefold() in {month.casefold() for month in months}
    if len(numbers) > 1 or (match["number"] == "1" and not is_date and line is paragraph[0]):
        yield StrayMark(line.number, line.body, _space_fix(f"{match['number']}.", match[2][0]))


def _space_fix(mark: str, space: str) -> str:
    name = unicodedata.name(space).lower()
    return f"write an ordinary space after {mark}: here is a {name} (U+{ord(space):04X})"


def _lists(paragraph: Sequence[Line]) -> Iterator[StrayMark]:
    if line := _run(paragraph, _HYPHEN.match) or _single_hyphen(paragraph):
        fix = f'write a space after "{line.body[0]}", and a blank line before the list'
        yield StrayMark(line.number, line.body, fix)
    if line := _run(paragraph, _NUMBER.match):
        yield StrayMark(line.number, line.body, 'write "1. " with a space, and a blank line before the list')
    bullet = next((line for line in paragraph if _BULLET.match(line.body)), None)
    if line := bullet or _run(paragraph, _OTHER_BULLET.match):
        fix = f'write "- " in the place of "{line.body[0]}", and a blank line before the list'
        yield StrayMark(line.number, line.body, fix)


def _run(paragraph: Sequence[Line], match: Callable[[str], re.Match[str] | None]) -> Line | None:
    """Return the first of two lines that follow each other with the same kind of mark, or None.

    Lines that end in a hard break stay apart, also in the mail.
    """
    for line, following in pairwise(paragraph):
        is_same = line.body[0] == following.body[0] or line.body[0].isdigit()
        if is_same and match(line.body) and match(following.body) and not line.written.endswith(_HARD_BREAK):
            return line
    return None


def _single_hyphen(paragraph: Sequence[Line]) -> Line | None:
    """Return a line such as `-one`, if it begins a paragraph in small letters or follows a colon.

    `-Ada` at the end of a letter is a signature.
    """
    for before, line in zip((None, *paragraph), paragraph, strict=False):
        if match := _HYPHEN.match(line.body):
            first = line.body[match.end()]
            begins = before is None and len(paragraph) == 1 and (first.islower() or first == "[")
            if begins or (before and before.body.rstrip().endswith(":")):
                return line
    return None


def _headings(paragraph: Sequence[Line]) -> Iterator[StrayMark]:
    for line in paragraph:
        if match := _FULL_WIDTH.match(line.body):
            plain = "#" * len(match[1]) if match[1][0] == "\uff03" else ">"
            yield StrayMark(line.number, line.body, f'write "{plain} " in the place of "{match[1]}"')
        elif (match := _HEADING.match(line.body)) and (
            len(match[1]) > 1 or (len(paragraph) == 1 and _is_title(line.body[1:]))
        ):
            yield StrayMark(line.number, line.body, "put a space after the #; for a hashtag, write \\#")


def _is_title(words: str) -> bool:
    """Return True for the words of a heading, and False for a hashtag with text after it."""
    first, *rest = words.split()
    is_cased = first[0].isupper() or first[0].islower()
    is_word = first[0].isupper() and first[1:].islower() if is_cased else not rest
    ends = words.rstrip().endswith((".", "!", "?", "\u2026", ",", ";"))
    return is_word and not ends and "#" not in words and len(rest) < _MAX_HEADING_WORDS
