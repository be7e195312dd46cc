"""A mail's rules: which elements they fit, by cssselect2, and on which screens they count."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import cssselect2

from newsletter.checks.css import stylesheets
from newsletter.checks.css.stylesheets import Rule
from newsletter.checks.css.values import Declared, values
from newsletter.checks.document import Document, Element

# More than any template has; a style sheet that is larger is no mail's.
_MOST_RULES = 5_000
# The at-rules whose rules count; a browser supports what mails ask for with @supports.
_READ_INSIDE = ("media", "supports", "layer")


@dataclass(frozen=True)
class Viewport:
    """What a mail is shown on: its width in pixels, and whether the reader likes it dark."""

    width: int = 720
    dark: bool = False


class MatchedRule(NamedTuple):
    """A rule that fits an element: all of `within` has to hold for the screen."""

    specificity: tuple[int, int, int]
    order: int
    within: tuple[str, ...]
    declared: tuple[Declared, ...]


def matched_rules(document: Document) -> dict[Element, list[MatchedRule]]:
    """The rules that fit each element, whatever the screen."""
    matcher = cssselect2.Matcher()
    for within, rule in islice(_rules(document), _MOST_RULES):
        try:
            selectors = cssselect2.compile_selector_list(rule.prelude)
        except (cssselect2.SelectorError, RecursionError):  # one wrong selector ends its rule
            continue
        block = values(rule.declarations)
        for selector in selectors:
            matcher.add_selector(selector, (within, block))
    found = {}
    for wrapper in cssselect2.ElementWrapper.from_html_root(document.root).iter_subtree():
        matches = (match for match in matcher.match(wrapper) if match[2] is None)  # no ::before
        found[wrapper.etree_element] = [
            MatchedRule(tuple(specificity), order, within, block)
            for specificity, order, _, (within, block) in matches
        ]
    return found


def _rules(document: Document) -> Iterator[tuple[tuple[str, ...], Rule]]:
    """Yield the rules that are not nested in others, each with the media queries around it."""
    for style in document.named("style"):
        media = style.get("media") or ""
        for rule in stylesheets.sheet(style.text or "").rules:
            if not rule.nested and all(one.name in _READ_INSIDE for one in rule.within):
                queries = (one.prelude for one in rule.within if one.name == "media")
                yield ((media,) if media else ()) + tuple(queries), rule


_FEATURE = re.compile(r"\(\s*([a-z-]+)\s*(?::\s*([^()]*?)\s*)?\)")
_PIXELS = re.compile(r"(\d+(?:\.\d+)?)(px|em|rem)")


def holds(media: str, viewport: Viewport) -> bool:
    """Whether a media query list fits a screen; what is not known does not fit.

    https://www.w3.org/TR/mediaqueries-4/, as far as mails go: no ranges with <, no `or`.
    """
    return any(_holds(query.strip(), viewport) for query in media.lower().split(","))


def _holds(query: str, viewport: Viewport) -> bool:
    negated = query.startswith("not ")
    query = query.removeprefix("not ").removeprefix("only ")
    parts = [part.strip() for part in re.split(r"\band\b", query)]
    fits = [_fits(part, viewport) for part in parts]
    if None in fits:
        return False
    return all(fits) is not negated


def _fits(part: str, viewport: Viewport) -> bool | None:
    """Whether one part fits; None where it is not understood."""
    if part in ("all", "screen"):
        return True
    if part in ("print", "speech"):
        return False
    feature = _FEATURE.fullmatch(part)
    if not feature:
        return None
    name, value = feature[1].removeprefix("-webkit-"), feature[2] or ""
    test = _FEATURES.get(name)
    return test(value, viewport) if test else None


def _pixels(value: str) -> float | None:
    found = _PIXELS.fullmatch(value)
    return float(found[1]) * (1 if found[2] == "px" else 16) if found else None


def _wide(value: str, fits: Callable[[float], bool]) -> bool | None:
    pixels = _pixels(value)
    return None if pixels is None else fits(pixels)


_FEATURES: dict[str, Callable[[str, Viewport], bool | None]] = {
    "prefers-color-scheme": lambda value, viewport: value == ("dark" if viewport.dark else "light"),
    "min-width": lambda value, viewport: _wide(value, lambda pixels: viewport.width >= pixels),
    "max-width": lambda value, viewport: _wide(value, lambda pixels: viewport.width <= pixels),
    "width": lambda value, viewport: _wide(value, lambda pixels: viewport.width == pixels),
}
