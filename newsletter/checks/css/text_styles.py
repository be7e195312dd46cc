"""Compute the styles of some texts, with the rules that certainly apply and with those that may apply."""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from newsletter.checks.css import cascade
from newsletter.checks.css.cascade import Style
from newsletter.checks.css.possible import Applications
from newsletter.checks.css.rules import Viewport
from newsletter.checks.css.stylesheets import Declaration
from newsletter.checks.css.values import Declared, values
from newsletter.checks.document import Element

# The properties that decide about the colours of a text.
NAMES = frozenset(
    ("color", "background", "background-color", "background-image", "opacity", "font", "font-size")
)


def styles(
    applications: Applications, chain: Sequence[Element], viewport: Viewport, dark: bool
) -> Iterator[tuple[Style, str]]:
    """Yield the style of the first element of a chain, which goes up to the root, and an empty rule.

    After that, yield a style for each condition under which other rules apply, and one for all conditions
    that no certain program and no action causes; each with one of these rules.
    """
    for conditions, source in _combinations(applications, chain):
        style = cascade.initial(dark)
        for element in reversed(chain):
            declared = {one.name: one.value for one in _declared(applications, element, viewport, conditions)}
            style = cascade.computed(element, declared, style, dark)
        yield style, source


def _combinations(
    applications: Applications, chain: Sequence[Element]
) -> Iterator[tuple[Collection[str], str]]:
    conditional = applications.conditional(chain, NAMES)
    yield (), ""
    yield from (((condition,), one.source) for condition, one in conditional.items())
    usual = {condition: one.source for condition, one in conditional.items() if not one.special}
    if len(usual) > 1:
        yield usual.keys(), next(iter(usual.values()))


def _declared(
    applications: Applications, element: Element, viewport: Viewport, conditions: Collection[str]
) -> Iterator[Declared]:
    yield from cascade.presentational(element)
    for one in applications.together(element, viewport, conditions):
        yield from _values(one.declaration)


@lru_cache(maxsize=4096)
def _values(declaration: Declaration) -> tuple[Declared, ...]:
    return values((declaration,))
