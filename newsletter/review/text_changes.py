"""Find what changed in the text of an issue since an earlier version of its file."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal, NamedTuple

from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.issue.model import Issue, Story
from newsletter.review.word_diff import MAX_PAIRS, Words, changes, compare_words

MAX_PASSAGES = 300
# The sum of the products of `word_diff.MAX_PAIRS`: what is above it is shown without a comparison.
_MAX_TOTAL_PAIRS = 25 * MAX_PAIRS
_SEARCHED_WORDS = 8
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_URL = re.compile(r"https?://[^\s<>()\[\]\"'`\\]+")
_TARGETS = ("link", "src")
_SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "


class Block(NamedTuple):
    """A paragraph, or another text of an issue that is shown as one; `names` are those of its keys."""

    names: tuple[str, ...]
    content: str
    text: Text

    @property
    def key(self) -> tuple[str, ...]:
        """Return the part that is equal for a text that did not change."""
        return (*self.names, " ".join(self.content.split()))


@dataclass(frozen=True)
class ChangedPassage:
    """A passage that changed: its heading, `file:line` in the issue of now, and its words.

    `where` is "" for a passage that is gone.
    """

    heading: str
    where: str
    state: Literal["changed", "new", "gone"]
    words: tuple[Words, ...]


@dataclass(frozen=True)
class TextChanges:
    """The differences between two versions of an issue.

    The words are those of the listed passages; `left_out` is the number of the others. `moved` passages are
    not listed.
    """

    passages: tuple[ChangedPassage, ...]
    words_out: int
    words_in: int
    moved: int
    new_links: tuple[str, ...]
    gone_links: tuple[str, ...]
    left_out: int = 0


def compare_with(content: bytes, path: Path, issue: Issue) -> TextChanges:
    """Return the changes since the content of a file; raise IssueError if that was no valid issue."""
    return compare(files.parse(content, path), issue)


def compare(before: Issue, after: Issue) -> TextChanges:
    """Return the changes between two versions of an issue, in the order of the later one."""
    old, new = list(_blocks(before)), list(_blocks(after))
    pairs = list(_pairs(old, new))
    moved = Counter(one.key for one, other in pairs if one and not other)
    moved &= Counter(other.key for one, other in pairs if other and not one)
    budget = _Budget()
    changed = list(_without_moved(pairs, moved))
    passages = [_passage(before, after, one, other, budget) for one, other in changed[:MAX_PASSAGES]]
    links = [dict.fromkeys(_links(version)) for version in (before, after)]
    return TextChanges(
        tuple(passages),
        _count(passages, "out"),
        _count(passages, "in"),
        moved.total(),
        tuple(link for link in links[1] if link not in links[0]),
        tuple(link for link in links[0] if link not in links[1]),
        len(changed) - len(passages),
    )


def _blocks(issue: Issue) -> Iterator[Block]:
    for text in files.texts(issue):
        names = tuple(part for part in text.loc if isinstance(part, str))
        if names[-1] in _TARGETS and names[0] != "extra":
            continue
        for content in _BLANK_LINE.split(text.content) if text.markdown else [text.content]:
            if content.strip():
                yield Block(names, content, text)


def _pairs(old: Sequence[Block], new: Sequence[Block]) -> Iterator[tuple[Block | None, Block | None]]:
    """Yield the blocks that differ: changed ones as pairs, gone and new ones alone."""
    before, after = (["\0".join(block.key) for block in blocks] for blocks in (old, new))
    for change in changes(before, after):
        if change.is_same:
            continue
        gone, come = list(old[change.before]), list(new[change.after])
        if len(gone) == len(come) or len(gone) * len(come) > MAX_PAIRS:
            for one, other in zip_longest(gone, come):
                alike = one and other and one.names == other.names
                yield from [(one, other)] if alike else [(one, None), (None, other)]
        else:
            yield from _most_alike(gone, come)


def _most_alike(gone: Sequence[Block], come: Sequence[Block]) -> Iterator[tuple[Block | None, Block | None]]:
    """Yield each new block with the next gone one that shares most of its words, if any does."""
    first = 0
    words = [set(block.content.split()) for block in gone]
    for block in come:
        own = set(block.content.split())
        shared = [
            len(own & words[n]) / max(len(own), len(words[n])) if gone[n].names == block.names else 0
            for n in range(first, len(gone))
        ]
        best = max(range(len(shared)), key=shared.__getitem__, default=None)
        if best is None or shared[best] < 0.4:
            yield None, block
            continue
        yield from ((one, None) for one in gone[first : first + best])
        yield gone[first + best], block
        first += best + 1
    yield from ((one, None) for one in gone[first:])


def _without_moved(
    pairs: Sequence[tuple[Block | None, Block | None]], moved: Counter[tuple[str, ...]]
) -> Iterator[tuple[Block | None, Block | None]]:
    """Yield the pairs without the blocks that are gone at one place and new at another."""
    skipped = (Counter(moved), Counter(moved))
    for one, other in pairs:
        alone = one or other
        if alone and not (one and other):
            left = skipped[0 if one else 1]
            if left[alone.key] > 0:
                left[alone.key] -= 1
                continue
        if alone:
            yield one, other


class _Budget:
    """The number of pairs of words that are still compared."""

    def __init__(self) -> None:
        self._left = _MAX_TOTAL_PAIRS

    def allows(self, before: str, after: str) -> bool:
        """Return True, and take the pairs, if there are enough of them."""
        self._left -= min(MAX_PAIRS, len(before.split()) * len(after.split()))
        return self._left >= 0


def _passage(
    before: Issue, after: Issue, one: Block | None, other: Block | None, budget: _Budget
) -> ChangedPassage:
    if one and other:
        words: tuple[Words, ...]
        if budget.allows(one.content, other.content):
            words = tuple(compare_words(one.content, other.content))
        else:
            words = (Words("out", tuple(one.content.split())), Words("in", tuple(other.content.split())))
        return ChangedPassage(_heading(after, other), _where(after, other), "changed", words)
    if other:
        come = Words("in", tuple(other.content.split()))
        return ChangedPassage(_heading(after, other), _where(after, other), "new", (come,))
    assert one is not None
    out = Words("out", tuple(one.content.split()))
    return ChangedPassage(_heading(before, one), "", "gone", (out,))


def _where(issue: Issue, block: Block) -> str:
    return files.where(issue, block.text.loc, " ".join(block.content.split()[:_SEARCHED_WORDS]))


def _heading(issue: Issue, block: Block) -> str:
    """Return where a block is in the mail: the title of its story, and the heading of its passage."""
    match block.text.loc:
        case ("sections", int(number), "stories", int(story), *rest):
            section = issue.sections[number]
            return _SEPARATOR.join(filter(None, (section.heading, _story_part(section.stories[story], rest))))
        case ("sections", int(number), *rest):
            return _SEPARATOR.join(filter(None, (issue.sections[number].heading, str(rest[0]))))
        case ("stories", int(number), *rest):
            return _story_part(issue.stories[number], rest)
        case ("opening" | "closing" as part, int(passage), *_):
            passages = issue.opening if part == "opening" else issue.closing
            return _SEPARATOR.join(filter(None, (part.capitalize(), passages[passage].heading)))
        case (name, *_):
            return str(name).capitalize()
    return ""


def _story_part(story: Story, rest: Sequence[str | int]) -> str:
    """Return the title of a story, and the heading of the passage, or the key, that `rest` leads to."""
    match rest:
        case ("passages", int(passage), *_):
            return _SEPARATOR.join(filter(None, (story.title, story.passages[passage].heading)))
    return _SEPARATOR.join((story.title, str(rest[0])))


def _links(issue: Issue) -> Iterator[str]:
    for text in files.texts(issue):
        if text.loc[-1] in _TARGETS and text.loc[0] != "extra":
            yield text.content
        elif text.markdown:
            yield from (found.rstrip(".,;:!?*_~") for found in _URL.findall(text.content))


def _count(passages: Sequence[ChangedPassage], kind: str) -> int:
    return sum(len(part.words) for passage in passages for part in passage.words if part.kind == kind)
