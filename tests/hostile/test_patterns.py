"""Every regular expression of the project takes time in proportion to the length of its input.

The patterns are found in the source. Each is run on texts that are made from it (see `attacks`): 100 KB may
take three times as long as 50 KB, not more.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import chain

import pytest

from newsletter.checks.content.issue_date import date_pattern
from newsletter.checks.css import hiding
from newsletter.checks.locate import spelling_pattern
from newsletter.render.mjml_attributes import _parsed
from newsletter.render.mjml_lint import attribute_pattern, opening_tag
from newsletter.subscribers.address_in_text import address_pattern, database_pattern, name_pattern
from newsletter.yamlfile import lookalikes
from newsletter.yamlfile.reader import phrase_pattern
from tests.hostile.growth import measured
from tests.hostile.patterns import Pattern, in_project, in_tree, patterns_given_to

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of processor time")

_MONTHS = ["January", "February", "May", "June"]
_WORDS = (
    "soup",
    "a soup",
    "a " * 300,
    "* * * * b",
    "** b",
    "[[name]] > x",
    "a*b `c",
    "_" * 400 + " a",
    "a\n b  c",
)
_NO_LIMIT_SECONDS = 120

# The patterns of each function that builds one at run time.
BUILT: dict[str, Callable[[], Iterable[re.Pattern[str] | re.Pattern[bytes]]]] = {
    "newsletter.checks.content.issue_date.date_pattern": lambda: [date_pattern(_MONTHS)],
    "newsletter.checks.css.hiding.": lambda: chain(
        *(found.values() for found in (hiding.PATTERNS, hiding.PATTERNS_IN_CUT, hiding.PICTURE_FRAMES))
    ),
    "newsletter.checks.locate.spelling_pattern": lambda: map(spelling_pattern, (*_WORDS, "<a & b>")),
    "newsletter.config.fields.match": lambda: map(
        re.compile, patterns_given_to("newsletter.config.fields", "_matching")
    ),
    "newsletter.render.mjml_attributes._lengths": lambda: [
        kind.matches.__self__
        for kind in map(_parsed, ("unit(px,%){1,4}", "unitWithNegative(px,em)", "unit(px,auto)"))
    ],
    "newsletter.render.mjml_lint.attribute_pattern": lambda: [attribute_pattern("v:href")],
    "newsletter.render.mjml_lint.opening_tag": lambda: map(opening_tag, ("mj-text", "a", "v:rect")),
    "newsletter.subscribers.address_in_text.address_pattern": lambda: map(
        address_pattern, ("ada@example.com", f"{'a.' * 30}a@{'a.' * 90}example", "+-+@a-a.example")
    ),
    "newsletter.subscribers.address_in_text.database_pattern": lambda: map(
        database_pattern, ("ada@example.com", f"{'a.' * 30}a@{'a.' * 90}example", "+-+@a-a.example")
    ),
    "newsletter.subscribers.address_in_text.name_pattern": lambda: map(name_pattern, _WORDS),
    "newsletter.yamlfile.lookalikes._compiled": lambda: [
        re.compile(kind.pattern) for kind in lookalikes._KINDS
    ],
    "newsletter.yamlfile.reader.phrase_pattern": lambda: map(phrase_pattern, _WORDS),
}


def _tried(pattern: Pattern) -> list[tuple[str, str | bytes, int, tuple[str, ...]]]:
    if not pattern.built:
        return [(pattern.where, pattern.source, pattern.flags, pattern.methods)]
    built = [(found.pattern, found.flags) for found in BUILT[pattern.built]()]
    return [(pattern.where, source, flags & ~re.UNICODE, pattern.methods) for source, flags in built]


def test_each_pattern_is_linear() -> None:
    patterns = in_project()
    assert {pattern.built for pattern in patterns if pattern.built} == set(BUILT)
    by_source = {entry[1:]: entry for pattern in patterns for entry in _tried(pattern)}
    assert len(by_source) > 100
    assert measured(list(by_source.values()), _NO_LIMIT_SECONDS) == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"<link\b[^>]*\brel=[\"']?[^\"'>]*\b(?:preload)\b[^>]*>", id="cubic"),
        pytest.param(r"https?://[^\s\"<>]*?(\[\[name\]\])", id="each-start-to-the-end"),
        pytest.param(r"\(\s*([a-z-]+)\s*(?::\s*([^()]*?)\s*)?\)", id="blanks-in-three-ways"),
        pytest.param(r"'\S*?(\w+) object'", id="two-ways-to-a-word"),
    ],
)
def test_a_quadratic_pattern_is_found(source: str) -> None:
    (slow,) = measured([("planted", source, 0, ("finditer",))], _NO_LIMIT_SECONDS)
    assert slow.startswith("planted: ratio ")


def test_an_exponential_pattern_is_stopped() -> None:
    (slow,) = measured([("planted", r"(?:a+)+b", 0, ("fullmatch",))], cpu_seconds=1)
    assert slow.startswith("planted: ")


def test_patterns_are_found_in_the_source() -> None:
    source = (
        "import re\n"
        "_A = re.compile('a' + 'b', re.IGNORECASE)\n"
        "def f(text, word):\n"
        "    return _A.match(text), re.sub('x+', '', text, flags=re.DOTALL), re.search(rf'{word}', text)\n"
    )
    module = import_module("newsletter.display")
    found = list(in_tree(module.__name__, ast.parse(source), {(module.__name__, "_A"): {"match"}}))
    assert found == [
        Pattern("newsletter.display:2", ("match",), "ab", re.IGNORECASE),
        Pattern("newsletter.display:4", ("finditer",), "x+", re.DOTALL),
        Pattern("newsletter.display:4", ("finditer",), built="newsletter.display.f"),
    ]


@pytest.mark.parametrize("line", ["from re import compile", "import re as r"])
def test_a_pattern_that_would_not_be_found_is_an_error(line: str) -> None:
    with pytest.raises(AssertionError, match="write `import re`"):
        list(in_tree("newsletter.display", ast.parse(line), {}))
