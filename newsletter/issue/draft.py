"""A story that is still to be written: its title, link and authors, and a text to write it from."""

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsletter.issue.model import Section

NAMED_AUTHORS = 4
"""The authors that a draft names; `more_authors` is the number of the others."""
_NOTE = "What the source says. Write the story in your own words, then delete this comment:"
_WIDTH = 98
# Seven of these in a row look like a conflict marker of Git.
_MARKER = re.compile(r"([<>|=%+-])\1{6}")


@dataclass(frozen=True)
class StoryDraft:
    """A story to write: lines that an issue accepts, and the text of its source, as plain paragraphs."""

    title: str
    link: str = ""
    all_authors: tuple[str, ...] = ()
    source_text: str = ""

    @property
    def authors(self) -> tuple[str, ...]:
        """Return the first authors."""
        return self.all_authors[:NAMED_AUTHORS]

    @property
    def more_authors(self) -> int:
        """Return the number of authors left out."""
        return len(self.all_authors) - len(self.authors)


@dataclass(frozen=True)
class DraftGroup:
    """The stories of one source; `heading` is for a section of its own."""

    heading: str
    stories: Sequence[StoryDraft]


def assign_drafts(
    sections: Sequence[Section], groups: Sequence[DraftGroup]
) -> Iterator[tuple[Section, Sequence[StoryDraft]]]:
    """Yield each section of an earlier issue with the stories that it gets; further groups get their own.

    A section gets stories if it had some. An only section without a heading gets the stories of all groups.
    """
    waiting = [group for group in groups if group.stories]
    if waiting and len(sections) == 1 and sections[0].stories and not sections[0].heading:
        waiting = [DraftGroup("", [story for group in waiting for story in group.stories])]
    for section in sections:
        yield section, waiting.pop(0).stories if section.stories and waiting else ()
    for group in waiting:
        yield Section(heading=group.heading, text="-"), group.stories


def source_comment(text: str) -> list[str]:
    """Return the lines of a comment with the text of a source, below a line that says what it is.

    Nothing in them can end a comment of YAML or Markdown. The text has no control characters but line breaks.
    """
    return [_NOTE, *(f"  {line}" for line in _comment_lines(text))] if text else []


def _comment_lines(text: str) -> list[str]:
    lines = [
        line
        for paragraph in text.split("\n")
        for line in textwrap.wrap(paragraph, _width(paragraph), break_on_hyphens=False)
    ]
    return [_MARKER.sub(lambda found: f"{found[0][:6]} {found[0][6:]}", _unclosing(line)) for line in lines]


def _width(text: str) -> int:
    """Return the characters of a line: half as many for a text of Chinese, Japanese or Korean."""
    wide = sum(unicodedata.east_asian_width(character) in "FW" for character in text)
    return _WIDTH // 2 if 2 * wide > len(text) else _WIDTH


def _unclosing(line: str) -> str:
    """Return a line without the end of a comment of HTML."""
    return line.replace("->", "- >").replace("-!>", "- !>")
