"""Compile the selectors of CSS with cssselect2, and widen them to all that they may match in some program."""

import operator
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import cssselect2

from newsletter.checks.css import stylesheets
from newsletter.checks.document import Element

# Pseudo-elements that are boxes of their own, beside the text of their element.
_OTHER_BOXES = frozenset(("before", "after", "marker", "placeholder", "selection", "backdrop"))
_ACTIONS = ("hover", "active", "focus", "focus-within", "focus-visible", "checked", "target", "visited")
# Pseudo-classes that depend on the structure only; cssselect2 and browsers agree on them.
_STRUCTURAL = re.compile(r"root|empty|(?:first|last|only)-child|(?:first|last|only)-of-type|nth-[a-z-]+")
_COLON, _STAR = stylesheets.tokens(":*")
ANY = (_STAR,)
_COMBINATORS = frozenset(" >+~")
Matcher = cssselect2.Matcher


def wrapped(root: Element) -> Iterator[Any]:
    """Yield the elements of a mail in the form that a matcher takes."""
    yield from cssselect2.ElementWrapper.from_html_root(root).iter_subtree()


def is_simple(prelude: Sequence[Any]) -> bool:
    """Return True if a selector has only names, classes, ids and combinators."""
    for token in prelude:
        plain = token.type in ("ident", "hash", "whitespace")
        if not plain and not (token.type == "literal" and token.value in ".,>+~*"):
            return False
    return True


def is_without_element(rule: stylesheets.Rule, names: frozenset[str]) -> bool:
    """Return True if a mail has no class or id of these names that each selector of a rule needs.

    `names` are in small letters. A selector with a combinator may be about an element of a mail program.
    """
    return bool(rule.selectors) and all(
        not selector.parts & _COMBINATORS
        and any(name[0] in ".#" and name.lower() not in names for name in selector.names)
        for selector in rule.selectors
    )


def compiled(tokens: Sequence[Any]) -> list[Any]:
    """Return the compiled selectors; none if one of them is invalid, which makes the rule invalid."""
    try:
        return _compiled(stylesheets.serialized(tokens))
    except (cssselect2.SelectorError, RecursionError):
        return []


@lru_cache(maxsize=1000)
def _compiled(text: str) -> list[Any]:
    """Compile the text of selectors; several checks match the same rules with several documents."""
    return list(cssselect2.compile_selector_list(text))


def split(prelude: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield the tokens of each selector of a list."""
    nodes: list[Any] = []
    for node in (*prelude, None):
        if node is not None and node != ",":
            nodes.append(node)
        elif nodes:
            yield nodes
            nodes = []


def without_states(nodes: Sequence[Any]) -> list[Any] | None:
    """Remove the pseudo-classes whose state is unknown; return None for a box beside the element's text."""
    tokens: list[Any] = []
    colons = 0
    for node in nodes:
        if node == ":":
            colons += 1
            continue
        if colons:
            name = node.lower_name if node.type == "function" else getattr(node, "lower_value", "")
            if name in _OTHER_BOXES or (colons == 2 and name.startswith("-")):
                return None
            if colons == 1 and _STRUCTURAL.fullmatch(name):
                tokens += [_COLON, node]
            elif not tokens or _ends_compound(tokens[-1]):
                tokens.append(_STAR)
            colons = 0
        elif node == "&":  # the rule around it, which could be any
            if not tokens or _ends_compound(tokens[-1]):
                tokens.append(_STAR)
        elif node.type != "comment":
            tokens.append(node)
    first = next((node for node in tokens if node.type != "whitespace"), None)
    return [_STAR, *tokens] if first is not None and _is_combinator(first) else tokens


def _is_combinator(node: Any) -> bool:
    return node.type == "literal" and node.value in (">", "+", "~")


def known_end(tokens: list[Any], known: frozenset[str]) -> list[Any]:
    """Return the end of a selector, after the last element that the mail does not have itself."""
    start, before = 0, ""
    end = max((n for n, node in enumerate(tokens) if node.type != "whitespace"), default=0)
    last = max((n for n in range(end) if _ends_compound(tokens[n])), default=-1)
    for n, node in enumerate(tokens[: last + 1]):
        name = f"{before}{getattr(node, 'value', '')}" if node.type in ("ident", "hash") else ""
        if node.type == "hash":
            name = f"#{node.value}"
        elif node.type == "[] block":
            name = _attribute(node)
        if before != ":" and name and name not in known and name.lower() not in known:
            start = next(at for at in range(n + 1, last + 1) if _ends_compound(tokens[at])) + 1
        before = node.value if node.type == "literal" and node.value in ".:" else ""
    while start < len(tokens) and _ends_compound(tokens[start]):
        start += 1
    rest = tokens[start:]
    attributes = [node for node in rest if node.type == "[] block" and _attribute(node) not in known]
    return [node for node in rest if node not in attributes] or [_STAR] if attributes else rest


def has_action(nodes: Sequence[Any]) -> bool:
    """Return True if a selector has a pseudo-class for an action of the reader, such as `:hover`."""
    pairs = pairwise(nodes)
    return any(colon == ":" and getattr(node, "lower_value", "") in _ACTIONS for colon, node in pairs)


def condition(nodes: Sequence[Any], tokens: Sequence[Any], end: Sequence[Any]) -> str:
    """Return the condition under which a selector matches the elements that its end matches.

    That is what stands before the end. If states were removed from the `nodes`, it is the whole selector.
    """
    before = tokens[: len(tokens) - len(end)]
    plain = len(nodes) == len(tokens) and all(map(operator.is_, nodes, tokens))
    if plain and all(map(operator.is_, tokens[len(before) :], end)) and is_simple(end):
        # Outlook on the web uses a name for colours, and another one for backgrounds, at the same time.
        return stylesheets.serialized(before).strip().replace("[data-ogsb]", "[data-ogsc]")
    return stylesheets.serialized(nodes).strip()


def _attribute(block: Any) -> str:
    return next((f"[{inner.lower_value}]" for inner in block.content if inner.type == "ident"), "")


def _ends_compound(node: Any) -> bool:
    return node.type == "whitespace" or _is_combinator(node)
