"""Find characters that look like YAML's spaces, colons and dashes, and `key:value` without a space.

YAML reads such a line as running text. libyaml then stops at a later line, or the file seems to lack a key.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

import yaml

# The white space of Unicode that is none of YAML's: no-break, em, thin and ideographic spaces.
SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
COLONS = "\uff1a\ufe55\ufe13\u2236\ua789\u02d0"
_DASHES = "\uff0d\ufe63\u2010-\u2015\u2212\u2022\u2023\u25e6\u00b7\u30fb"
# libyaml reads the text some ten times; files of people are shorter.
_MAX_CHARACTERS = 200_000
_MAX_LINES = 1000
_SPACE, _COLON = re.compile(f"[{SPACES}]"), re.compile(f"[{COLONS}]")
_KEY = r"(?P<key>[A-Za-z_][\w-]*)"
_BEGINS_WITH_KEY = re.compile(rf"\A(?:- +)?{_KEY}\s*[:{COLONS}]")


class Lookalike(NamedTuple):
    """A line with a lookalike of a character: the problem, the fix, the repaired line, and its key."""

    what: str
    fix: str
    repaired: str
    key: str | None


class _Kind(NamedTuple):
    pattern: str  # the groups: before, wrong, after
    what: str
    fix: str
    right: str


_KINDS = (
    _Kind(
        rf"\A(?P<before> *)(?P<wrong>[{SPACES}][ {SPACES}]*)(?P<after>\S.*)",
        "the line is indented with {name}",
        "indent it with spaces",
        "",  # as many spaces
    ),
    _Kind(
        rf"\A(?P<before> *-)(?P<wrong> *[{SPACES}][ {SPACES}]*)(?P<after>\S.*)",
        "after the dash is {name}",
        "write a space after the dash",
        " ",
    ),
    _Kind(
        rf"\A(?P<before> *)(?P<wrong>[{_DASHES}] *)(?P<after>{_KEY}:(?: .*)?)",
        "the line begins with {name}, which YAML does not read as a dash",
        "begin the entry with a hyphen and a space: `- `",
        "- ",
    ),
    _Kind(
        rf"\A(?P<before> *)(?P<wrong>-)(?P<after>{_KEY}:(?: .*)?)",
        "there is no space after the dash",
        "begin the entry with a hyphen and a space: `- `",
        "- ",
    ),
    _Kind(
        rf"\A(?P<before> *(?:- +)?{_KEY} ?)(?P<wrong>[{COLONS}=;] *)(?P<after>.*)",
        "after `{key}` is {name}, which YAML does not read as a colon",
        "write a colon and a space: `{key}: `",
        ": ",
    ),
    _Kind(
        rf"\A(?P<before> *(?:- +)?{_KEY}:)(?P<wrong> *[{SPACES}][ {SPACES}]*)(?P<after>.*)",
        "after `{key}:` is {name}",
        "write a space after the colon",
        " ",
    ),
    _Kind(
        rf"\A(?P<before> *(?:- +)?{_KEY})(?P<wrong>:)(?P<after>(?!//)\S.*)",
        "there is no space after `{key}:`",
        "put a space after the colon",
        ": ",
    ),
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern on its first use, since most files have no mistake."""
    return re.compile(pattern)


def find_lookalike(line: str, *, wide: bool = False) -> Lookalike | None:
    """Return the first mistake of a line that may be meant as a key or an entry; None if it has none.

    `wide`: the ideographic space (U+3000) takes the place of two spaces, as it does in most editors.
    """
    for kind in _KINDS:
        if match := _compiled(kind.pattern).fullmatch(line):
            wrong, key = match["wrong"], match.groupdict().get("key")
            character = next((c for c in wrong if c not in " -:"), " ")
            words = {"name": character_name(character), "key": key}
            right = kind.right or " " * (len(wrong) + wide * wrong.count("\u3000"))
            repaired = match["before"] + right + match["after"]
            rest = find_lookalike(repaired, wide=wide)
            return Lookalike(
                kind.what.format(**words),
                kind.fix.format(**words),
                rest.repaired if rest else repaired,
                key or (rest.key if rest else _key(match["after"])),
            )
    return None


def character_name(character: str) -> str:
    """Return a character's code and its name: `U+FF1A (fullwidth colon)`."""
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'a character').lower()})"


def find_cause(text: str, stopped: int) -> tuple[int, Lookalike] | None:
    """Return the line (from 0) with the mistake that made libyaml stop at the line `stopped`, if any.

    The lines above it are repaired, from the last one up, until libyaml reads further.
    """
    lines = text.split("\n")[: stopped + 1]
    if sum(map(len, lines)) > _MAX_CHARACTERS:
        return None
    return _find_cause(lines, wide=False) or ("\u3000" in text and _find_cause(lines, wide=True)) or None


def _find_cause(lines: Sequence[str], *, wide: bool) -> tuple[int, Lookalike] | None:
    found = {
        number: mistake for number, line in enumerate(lines) if (mistake := find_lookalike(line, wide=wide))
    }
    numbers = sorted(found, reverse=True)

    def reads_further(count: int) -> bool:
        repaired = list(lines)
        for number in numbers[:count]:
            repaired[number] = found[number].repaired
        return _stops_at("\n".join(repaired)) >= len(lines)

    count = _least(len(numbers), reads_further)
    return None if count is None else (numbers[count - 1], found[numbers[count - 1]])


def find_in_key(key: str) -> Lookalike | None:
    """Return the mistake of a key of YAML that has a wrong space at an end, or a wrong colon; else None."""
    if _SPACE.match(key[-1:]):
        return Lookalike(f"before the colon is {character_name(key[-1])}", "delete it", "", None)
    return find_lookalike(f"{key}:") if _SPACE.match(key) or _COLON.search(key) else None


def find_in_lines(lines: Iterable[str], keys: Container[str | None]) -> tuple[int, Lookalike] | None:
    """Return the first line (from 0) that is meant to begin with one of the keys, and its mistake, if any.

    Only the first thousand lines are searched.
    """
    found = ((number, find_lookalike(line)) for number, line in enumerate(islice(lines, _MAX_LINES)))
    return next(((number, mistake) for number, mistake in found if mistake and mistake.key in keys), None)


def _key(text: str) -> str | None:
    match = _BEGINS_WITH_KEY.match(text)
    return match and match["key"]


def _least(highest: int, is_enough: Callable[[int], bool]) -> int | None:
    """Return the least number from 1 to `highest` that is enough; None if even the highest is not."""
    if not highest or not is_enough(highest):
        return None
    return 1 + bisect_left(range(1, highest), True, key=is_enough)


def _stops_at(text: str) -> float:
    """Return the line (from 0) at which libyaml stops; infinity if it reads the whole text."""
    try:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error.problem_mark.line if error.problem_mark else 0
    return float("inf")
