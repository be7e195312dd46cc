"""Texts on which a regular expression takes long, derived from the expression itself.

A backtracking matcher is slow where many beginnings of a match lead nowhere: the texts repeat what matches a
part of the pattern, alone and after what matches the parts before it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from re import _constants as sre  # the parser of `re`, which has no public name
from re import _parser
from typing import Any, NamedTuple

_COMMON = "a0 \t\n-_.,:;/@<>\"'=&#%|*!?()[]{}\\+~`é\u3040\u0301\x00Z"
_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
# Ways to choose a character of a class, and a number of repetitions.
_VARIANTS = [(choice, times) for choice in range(4) for times in (0, 1, 3)]
_MAX_STEPS = 60


class Attack(NamedTuple):
    """The text `start`, then `pump` as often as the length requires, then `end`."""

    start: str
    pump: str
    end: str = ""

    def text(self, length: int) -> str:
        """Return the text with about this many characters."""
        return self.start + self.pump * (length // len(self.pump)) + self.end


def attacks(pattern: str, flags: int) -> list[Attack]:
    """Return the texts for a pattern, without duplicates."""
    tree = _parser.parse(pattern, flags)
    pool = "".join(dict.fromkeys((*_literals(tree), *_COMMON)))
    found: dict[Attack, None] = {}
    for choice, times in _VARIANTS:
        writer = _Writer(pool, choice, times)
        for before, part in islice(writer.steps(tree, ""), _MAX_STEPS):
            for start, pump in ((before, part), ("", before + part), ("", part), ("", before)):
                if pump:
                    found[Attack(start, pump, "\x00")] = None
            found[Attack("", before + part)] = None
    for character in pool:
        found[Attack("", character, "\x00")] = None
    return list(found)


def _literals(tree: Any) -> Iterator[str]:
    for op, argument in tree:
        if op in (sre.LITERAL, sre.NOT_LITERAL):
            yield chr(argument)
        for child in _children(op, argument):
            yield from _literals(child)


def _children(op: Any, argument: Any) -> Iterable[Any]:
    if op in _REPEATS:
        return (argument[2],)
    if op == sre.SUBPATTERN:
        return (argument[3],)
    if op == sre.ATOMIC_GROUP:
        return (argument,)
    if op == sre.BRANCH:
        return tuple(argument[1])
    return (argument[1],) if op in (sre.ASSERT, sre.ASSERT_NOT) else ()


class _Writer:
    """Write a text that matches a pattern: the `choice`-th character of a class, few repetitions."""

    def __init__(self, pool: str, choice: int, times: int) -> None:
        self._pool, self._choice, self._times = pool, choice, times

    def steps(self, tree: Any, before: str) -> Iterator[tuple[str, str]]:
        """Yield each part of a pattern as a text, with the text of the parts before it."""
        for op, argument in tree:
            inner = [] if op == sre.ASSERT_NOT else _children(op, argument)
            for child in inner:
                yield from self.steps(child, before)
            text = self._text(op, argument)
            if text:
                yield before, text
            if op != sre.ASSERT:
                before += text

    def _sequence(self, tree: Any) -> str:
        return "".join(self._text(op, argument) for op, argument in tree)

    def _text(self, op: Any, argument: Any) -> str:
        if op == sre.LITERAL:
            return chr(argument)
        if op in _REPEATS:
            low, high, child = argument
            return self._sequence(child) * min(int(high), max(int(low), self._times))
        if op == sre.BRANCH:
            options = argument[1]
            return self._sequence(options[self._choice % len(options)])
        if op in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
            return self._sequence(argument[3] if op == sre.SUBPATTERN else argument)
        wanted = tuple(argument) if isinstance(argument, list) else argument
        fitting = _fitting(op, wanted, tuple(self._pool))
        return fitting[self._choice % len(fitting)] if fitting else ""


@cache
def _fitting(op: Any, argument: Any, pool: tuple[str, ...]) -> list[str]:
    return [character for character in pool if _fits(op, argument, character)]


def _fits(op: Any, argument: Any, character: str) -> bool:
    code = ord(character)
    if op == sre.ANY:
        return character != "\n"
    if op == sre.NOT_LITERAL:
        return code != argument
    if op != sre.IN:
        return False
    negated = argument[0][0] == sre.NEGATE
    return any(_has(kind, value, code) for kind, value in argument) != negated


def _has(kind: Any, value: Any, code: int) -> bool:
    if kind == sre.LITERAL:
        return bool(code == value)
    if kind == sre.RANGE:
        return bool(value[0] <= code <= value[1])
    return kind == sre.CATEGORY and bool(re.fullmatch(_CATEGORIES[value], chr(code)))
