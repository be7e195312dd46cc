"""Find the declarations that apply to an element, and those that may apply in some mail program.

A rule certainly applies if its selector and its media queries are plain, and match. Any other rule may apply:
a selector, a query or an at-rule that this package does not know; and a selector with a name that no element
of the mail has, because mail programs wrap the mail in elements of their own, such as `.moz-text-html`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from newsletter.checks.css import selectors, stylesheets
from newsletter.checks.css.rules import MAX_RULES, SCREENS, Viewport, media_matches, pixels
from newsletter.checks.css.stylesheets import Declaration, Rule
from newsletter.checks.document import Document, Element

# The content of these at-rules is not about elements. An animation is applied by a property.
_OTHER_AT_RULES = re.compile(
    r"(?:-\w+-)?keyframes|font-face|page|counter-style|property|font-feature-values|font-palette-values|"
    r"view-transition|position-try|color-profile"
)
_FEATURE = (
    r"\((?:min-width|max-width|width): ?\d+(?:\.\d+)?(?:px|em|rem)\)|"
    r"\(prefers-color-scheme: ?(?:light|dark)\)"
)
_PLAIN_QUERY = re.compile(
    rf"(?:(?:(?:only|not) )?(?:all|screen|print)(?: and (?:{_FEATURE}))*+|"
    rf"(?:{_FEATURE})(?: and (?:{_FEATURE}))*+)"
)
_WIDTH = re.compile(r"width: ?(\d+(?:\.\d+)?(?:px|em|rem))\)")
_MAX_WIDTHS = 40
_STRONGEST = 1_000_000  # more than any specificity
_PLAIN_PARENTS = ("head", "html", "body", "div", "table", "tbody", "tr", "td")


@dataclass(frozen=True)
class Application:
    """A declaration for an element.

    If its rule only may apply, `source` is the rule's text, and `condition` is the same for rules that apply
    together. It is `special` if the condition is a certain mail program, or an action of the reader.
    """

    declaration: Declaration
    rank: tuple[Any, ...] = ()
    media: tuple[str, ...] = ()
    source: str = ""
    condition: str = ""
    special: bool = False


class Applications:
    """The declarations of some properties that apply, or may apply, to some elements of a mail."""

    def __init__(self, document: Document, elements: Sequence[Element], names: frozenset[str]) -> None:
        self.readable = True
        self._document, self._names = document, names
        matcher = selectors.Matcher()
        for media, rule, place in islice(self._rules(), MAX_RULES + 1):
            self._add(matcher, media, rule, place)
        self._by_element: dict[Element, list[Application]] = {}
        wanted = set(elements)
        for wrapper in selectors.wrapped(document.root):
            if wrapper.etree_element in wanted:
                self._by_element[wrapper.etree_element] = list(self._matched(matcher, wrapper))

    def of(self, element: Element, viewport: Viewport) -> dict[str, list[Application]]:
        """Return the winning declaration of each property, and the ones that may win."""
        found: dict[str, list[Application]] = {}
        for applied in self._by_element.get(element, ()):
            same = found.setdefault(applied.declaration.name, [])
            if applied.source:
                same.append(applied)
            elif all(media_matches(media, viewport) for media in applied.media):
                certain = [other for other in same if not other.source and other.rank > applied.rank]
                if not certain:
                    same[:] = [*(other for other in same if other.source), applied]
        return found

    def conditional(self, elements: Iterable[Element], names: frozenset[str]) -> dict[str, Application]:
        """Return the conditions under which rules may give some properties to elements, each with a rule."""
        applied = (one for element in elements for one in self._by_element.get(element, ()))
        return {one.condition: one for one in applied if one.source and one.declaration.name in names}

    def together(
        self, element: Element, viewport: Viewport, conditions: Collection[str]
    ) -> list[Application]:
        """Return what certainly applies, and what does so under some conditions, with the weakest first.

        A rule that may apply is stronger than its selector, because that is wider than the one of the rule.
        """
        found = [
            (one.rank if not one.source else (*one.rank[:2], (_STRONGEST, *one.rank[2]), one.rank[3]), one)
            for one in self._by_element.get(element, ())
            if not one.source or one.condition in conditions
            if all(media_matches(media, viewport) for media in one.media)
        ]
        return [one for _, one in sorted(found, key=lambda item: item[0])]

    @property
    def viewports(self) -> list[Viewport]:
        """Return one screen for each set of media queries that match on the same screens."""
        media = {media for applied in self._by_element.values() for one in applied for media in one.media}
        limits = sorted({pixels(size) or 0.0 for query in media for size in _WIDTH.findall(query)})
        self.readable = self.readable and len(limits) <= _MAX_WIDTHS
        widths = [int(limit) + step for limit in limits[:_MAX_WIDTHS] for step in (-1, 0, 1)]
        by_matches: dict[tuple[bool, ...], Viewport] = {}
        for width in (*(screen.width for screen in SCREENS), *sorted(widths)):
            for dark in (False, True):
                viewport = Viewport(width, dark)
                if width > 0:
                    by_matches.setdefault(tuple(media_matches(one, viewport) for one in media), viewport)
        return list(by_matches.values())

    def _rules(self) -> Iterator[tuple[tuple[str, ...], Rule, str]]:
        """Yield each rule with its media queries and its place, which is empty if all around it is plain.

        Rules apply together only if they have the same place.
        """
        number, names = 0, frozenset(map(str.lower, self._document.names))
        for at, style in enumerate(self._document.named("style")):
            sheet = stylesheets.sheet(style.text or "")
            self.readable = self.readable and sheet.readable
            outer = list(filter(None, (_line(style.get("media")),)))
            for rule in sheet.rules:
                is_other = any(_OTHER_AT_RULES.fullmatch(at_rule.name) for at_rule in rule.within)
                if is_other or selectors.is_without_element(rule, names):
                    continue
                number += 1
                self.readable = self.readable and number <= MAX_RULES
                media = [*outer, *(_line(one.prelude) for one in rule.within if one.name == "media")]
                if rule.nested:
                    place = f"rule {number}"
                elif not _is_plain(style):
                    place = f"style {at}"
                else:
                    place = " ".join(str(one) for one in rule.within if one.name != "media")
                yield tuple(media), rule, place

    def _add(self, matcher: Any, media: tuple[str, ...], rule: Rule, place: str) -> None:
        declarations = [one for one in rule.declarations if one.name in self._names]
        if not declarations or not all(map(_can_match, media)):
            return
        plain = tuple(filter(_is_plain_list, media))
        simple = not place and plain == media and selectors.is_simple(rule.prelude)
        if simple:
            for selector in selectors.compiled(rule.prelude):
                matcher.add_selector(selector, (media, declarations, "", "", False))
        around = [str(at_rule) for at_rule in rule.within]
        text = " ".join((*around, ", ".join(selector.text for selector in rule.selectors)))
        for tokens, condition, special in self._widened(rule, simple):
            for selector in selectors.compiled(tokens) or selectors.compiled(selectors.ANY):
                together = " / ".join((*media, place, condition))
                matcher.add_selector(selector, (plain, declarations, text, together, special))

    def _widened(self, rule: Rule, simple: bool) -> Iterator[tuple[list[Any], str, bool]]:
        """Yield selectors for all that a rule may match, each with its condition, and True if it is special.

        If the rule is `simple`, yield only the selectors that match more than the rule.
        """
        for nodes in selectors.split(rule.prelude):
            tokens = selectors.without_states(nodes)
            if tokens is None:
                continue
            wide = selectors.known_end(tokens, self._document.names)
            if not simple or len(wide) < len(tokens):
                special = len(wide) < len(tokens) or selectors.has_action(nodes)
                yield wide, selectors.condition(nodes, tokens, wide), special
        if not rule.prelude:
            yield list(selectors.ANY), "", False

    def _matched(self, matcher: Any, wrapper: Any) -> Iterator[Application]:
        for specificity, order, _, (media, declarations, source, *rest) in matcher.match(wrapper):
            for one in declarations:
                yield Application(one, (one.important, 0, tuple(specificity), order), media, source, *rest)
        css = wrapper.etree_element.get("style", "")
        self.readable = self.readable and stylesheets.is_readable(css)
        for one in stylesheets.declarations(css):
            if one.name in self._names:
                yield Application(one, (one.important, 1))


def _line(text: str | None) -> str:
    return " ".join((text or "").lower().split())


def _is_plain(style: Element) -> bool:
    """Return True if browsers certainly read a `<style>` element."""
    plain = all(parent.tag in _PLAIN_PARENTS for parent in style.iterancestors())
    return plain and (style.get("type") or "text/css").lower() == "text/css"


def _is_plain_list(media: str) -> bool:
    return all(_PLAIN_QUERY.fullmatch(query.strip()) for query in media.split(","))


def _can_match(media: str) -> bool:
    """Return False for a query that no screen matches, such as `print`."""
    return not all(re.fullmatch(r"(?:only )?print(?: and .*)?", query.strip()) for query in media.split(","))
