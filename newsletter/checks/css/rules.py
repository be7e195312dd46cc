"""Match a mail's CSS rules with its elements, and its media queries with a screen."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from newsletter.checks.css import selectors, stylesheets
from newsletter.checks.css.stylesheets import Rule
from newsletter.checks.css.values import Declared, values
from newsletter.checks.document import Document, Element

# More rules than any template has; without a limit, a hostile style sheet would take minutes.
MAX_RULES = 5_000
# The at-rules whose content applies; browsers support the features that mails test with @supports.
_APPLIED_AT_RULES = ("media", "supports", "layer")


@dataclass(frozen=True)
class Viewport:
    """A screen: its width in pixels, and its mode, light or dark."""

    width: int = 720
    dark: bool = False


WIDE, PHONE = SCREENS = (Viewport(720), Viewport(375))
"""The two usual screens."""


class MatchedRule(NamedTuple):
    """A rule that matches an element; it applies if all media queries of `within` match the screen."""

    specificity: tuple[int, int, int]
    order: int
    within: tuple[str, ...]
    declared: tuple[Declared, ...]


def matched_rules(document: Document) -> dict[Element, list[MatchedRule]]:
    """Return the rules that match each element, for every screen."""
    matcher = selectors.Matcher()
    for within, rule in islice(_rules(document), MAX_RULES):
        block = values(rule.declarations)
        for selector in selectors.compiled(rule.prelude):
            matcher.add_selector(selector, (within, block))
    by_element = {}
    for wrapper in selectors.wrapped(document.root):
        matches = (match for match in matcher.match(wrapper) if match[2] is None)  # skip ::before
        by_element[wrapper.etree_element] = [
            MatchedRule(tuple(specificity), order, within, block)
            for specificity, order, _, (within, block) in matches
        ]
    return by_element


def _rules(document: Document) -> Iterator[tuple[tuple[str, ...], Rule]]:
    """Yield the rules that are not nested in other rules, each with the media queries around it."""
    names = frozenset(map(str.lower, document.names))
    for style in document.named("style"):
        media = style.get("media") or ""
        for rule in stylesheets.sheet(style.text or "").rules:
            is_applied = all(at_rule.name in _APPLIED_AT_RULES for at_rule in rule.within)
            if is_applied and not rule.nested and not selectors.is_without_element(rule, names):
                queries = (at_rule.prelude for at_rule in rule.within if at_rule.name == "media")
                yield ((media,) if media else ()) + tuple(queries), rule


_FEATURE = re.compile(r"\(\s*+([a-z-]++)\s*+(?::([^()]*+))?\)")
_PIXELS = re.compile(r"(\d+(?:\.\d+)?)(px|em|rem)")


@lru_cache(maxsize=1000)
def media_matches(media: str, viewport: Viewport) -> bool:
    """Return True if a media query list matches a screen; a query with an unknown part never matches.

    Source: https://www.w3.org/TR/mediaqueries-4/. Ranges with < and `or` are unknown: mails do not use them.
    """
    return any(_query_matches(query.strip(), viewport) for query in media.lower().split(","))


def _query_matches(query: str, viewport: Viewport) -> bool:
    negated = query.startswith("not ")
    query = query.removeprefix("not ").removeprefix("only ")
    parts = [part.strip() for part in re.split(r"\band\b", query)]
    matches = [_part_matches(part, viewport) for part in parts]
    if None in matches:
        return False
    return all(matches) is not negated


def _part_matches(part: str, viewport: Viewport) -> bool | None:
    """Return True if one part of a query matches the screen; None if the part is unknown."""
    if part in ("all", "screen"):
        return True
    if part in ("print", "speech"):
        return False
    feature = _FEATURE.fullmatch(part)
    if not feature:
        return None
    name, value = feature[1].removeprefix("-webkit-"), (feature[2] or "").strip()
    test = _FEATURES.get(name)
    return test(value, viewport) if test else None


def pixels(value: str) -> float | None:
    """Return the pixels of a length in a media query; None for a unit that is unknown."""
    match = _PIXELS.fullmatch(value)
    return float(match[1]) * (1 if match[2] == "px" else 16) if match else None


def _width_matches(value: str, test: Callable[[float], bool]) -> bool | None:
    size = pixels(value)
    return None if size is None else test(size)


_FEATURES: dict[str, Callable[[str, Viewport], bool | None]] = {
    "prefers-color-scheme": lambda value, viewport: (
        value == ("dark" if viewport.dark else "light") if value in ("dark", "light") else None
    ),
    "min-width": lambda value, viewport: _width_matches(value, lambda size: viewport.width >= size),
    "max-width": lambda value, viewport: _width_matches(value, lambda size: viewport.width <= size),
    "width": lambda value, viewport: _width_matches(value, lambda size: viewport.width == size),
}
