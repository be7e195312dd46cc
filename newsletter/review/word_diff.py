"""Compare two texts word by word, in bounded time: difflib takes the third power of the number of words."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal, NamedTuple

Kind = Literal["same", "out", "in"]

MAX_PAIRS = 40_000
"""The product of the numbers of two sequences that are compared; at worst they take half a second."""
_SHORT_WORD = 3


class Change(NamedTuple):
    """A range of two sequences: `kind` is "same", or the ranges of `before` and `after` differ."""

    is_same: bool
    before: slice
    after: slice


class Words(NamedTuple):
    """Some words that both texts have, or that are out or in."""

    kind: Kind
    words: tuple[str, ...]


def changes(before: Sequence[str], after: Sequence[str], max_pairs: int = MAX_PAIRS) -> list[Change]:
    """Return the ranges of two sequences in order; a part that is too long to compare is one difference."""
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    middle_before, middle_after = before[start : len(before) - end], after[start : len(after) - end]
    found = [Change(True, slice(0, start), slice(0, start))] if start else []
    if len(middle_before) * len(middle_after) > max_pairs:
        found.append(Change(False, *(slice(start, len(words) - end) for words in (before, after))))
    else:
        matcher = SequenceMatcher(None, middle_before, middle_after, autojunk=False)
        for code, *ranges in matcher.get_opcodes():
            first, last, first_after, last_after = (start + number for number in ranges)
            found.append(Change(code == "equal", slice(first, last), slice(first_after, last_after)))
    if end:
        ends = (slice(len(words) - end, len(words)) for words in (before, after))
        found.append(Change(True, *ends))
    return found


def compare_words(before: str, after: str) -> list[Words]:
    """Return the words of two texts in order; a short word between two differences belongs to them."""
    old, new = before.split(), after.split()
    found = changes(old, new)
    for number, change in enumerate(found[1:-1], 1):
        words = new[change.after]
        if change.is_same and len(words) == 1 and len(words[0]) <= _SHORT_WORD:
            found[number] = change._replace(is_same=False)
    return list(_joined(old, new, found))


def _joined(old: Sequence[str], new: Sequence[str], found: Sequence[Change]) -> Iterator[Words]:
    """Yield the words of the changes, with neighbours that differ as one difference."""
    starts = [n for n, (last, one) in enumerate(pairwise(found), 1) if last.is_same or one.is_same]
    for first, end in pairwise([0, *starts, len(found)]):
        part = found[first:end]
        if not part:
            continue
        out = tuple(old[part[0].before.start : part[-1].before.stop])
        come = tuple(new[part[0].after.start : part[-1].after.stop])
        if part[0].is_same:
            yield Words("same", come)
            continue
        if out:
            yield Words("out", out)
        if come:
            yield Words("in", come)


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    """Return the number of equal items at the start of two sequences."""
    number = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        number += 1
    return number
