"""Parse a mail's CSS with tinycss2 into plain data: rules, with the parts of their selectors and values.

Invalid CSS is skipped, as mail programs do; names are in lower case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tinycss2

Node = Any  # tinycss2 has no types


@dataclass(frozen=True)
class Declaration:
    """A declaration `name: value`, with the value's words, functions, units (also `%`), URLs and tokens."""

    name: str
    value: str
    important: bool = False
    words: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    urls: tuple[str, ...] = ()
    tokens: tuple[Node, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Selector:
    """One of a rule's selectors.

    `names` are the names that an element must have: `td`, `.card`, `#top`, `[href]`. `parts` are its
    components: `:hover`, `>`, `~`, `+`, a space, `*`, `.`, `..` (two classes on one element), `#`, `[`, a
    type's name.
    """

    text: str
    names: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AtRule:
    """An at-rule such as `@media (…)`: its name without @, its prelude, and the words in the prelude."""

    name: str
    prelude: str = ""
    words: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"@{self.name} {self.prelude}".strip()


@dataclass(frozen=True)
class Rule:
    """A rule `selectors { declarations }`; `prelude` are the tokens of its selectors.

    `within` are the at-rules around it; `nested` is True for a rule inside another rule.
    """

    selectors: tuple[Selector, ...]
    declarations: tuple[Declaration, ...]
    within: tuple[AtRule, ...] = ()
    nested: bool = False
    prelude: tuple[Node, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Sheet:
    """A style sheet's rules, and all its at-rules, each in order; it is `readable` if it was parsed."""

    rules: tuple[Rule, ...] = ()
    at_rules: tuple[AtRule, ...] = ()
    readable: bool = True


@lru_cache(maxsize=32)
def sheet(css: str) -> Sheet:
    """Parse the CSS of a `<style>` element."""
    parser = _SheetParser()
    try:
        parser.parse_blocks(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))
    # No template nests blocks a thousand levels deep, or writes a number of thousands of digits.
    except (RecursionError, ValueError):
        return Sheet(readable=False)
    return Sheet(tuple(parser.rules), tuple(parser.at_rules))


def tokens(css: str) -> list[Node]:
    """Return the tokens of a part of CSS."""
    return list(tinycss2.parse_component_value_list(css))


def declarations(css: str) -> tuple[Declaration, ...]:
    """Parse the CSS of a `style` attribute; return nothing for one that is not readable."""
    return _parsed(css) or ()


def is_readable(css: str) -> bool:
    """Return True if the CSS of a `style` attribute was parsed."""
    return _parsed(css) is not None


@lru_cache(maxsize=4096)
def _parsed(css: str) -> tuple[Declaration, ...] | None:
    try:
        return tuple(_declarations(tinycss2.parse_blocks_contents(css)))
    except (RecursionError, ValueError):
        return None


@lru_cache(maxsize=4096)
def addresses(css: str) -> tuple[str, ...] | None:
    """Return the URLs, the strings and the at-keywords of CSS, without escapes; None if it cannot be read.

    `image-set("…")` needs no `url()`, so a string can be an address too.
    """
    found: list[str] = []
    try:
        nodes = tinycss2.parse_component_value_list(css, skip_comments=True)
    except (RecursionError, ValueError):
        return None
    while nodes:  # a loop, because a recursion would limit the depth of brackets
        node = nodes.pop()
        if node.type in ("url", "string"):
            found.append(node.value)
        elif node.type == "at-keyword":
            found.append(f"@{node.lower_value}")
        nodes.extend(getattr(node, "content", None) or getattr(node, "arguments", None) or ())
    return tuple(reversed(found))


@dataclass
class _SheetParser:
    """Collect the rules and at-rules of a style sheet, in order."""

    rules: list[Rule] = field(default_factory=list)
    at_rules: list[AtRule] = field(default_factory=list)

    def parse_blocks(
        self,
        nodes: Sequence[Node],
        within: tuple[AtRule, ...] = (),
        nested: bool = False,
        around: Sequence[Node] = (),
    ) -> None:
        """Collect from the nodes of a block; `around` is the prelude of the rule that the block is in."""
        for node in nodes:
            if node.type == "qualified-rule":
                content = tinycss2.parse_blocks_contents(node.content)
                self._add(node.prelude, content, within, nested)
                self.parse_blocks(content, within, nested=True, around=node.prelude)
            elif node.type == "at-rule":
                at_rule = AtRule(node.lower_at_keyword, _text(node.prelude), _words(node.prelude))
                self.at_rules.append(at_rule)
                # `p { @media (…) { color: red } }` and `@scope (p) { color: red }` have no selector there.
                has_selector = bool(around) or at_rule.name == "scope"
                # Elsewhere a semicolon is part of an invalid rule, as in `.card &gt; td { color: red }`.
                parse = tinycss2.parse_blocks_contents if has_selector else tinycss2.parse_rule_list
                content = parse(node.content or [])
                if has_selector and any(inner.type == "declaration" for inner in content):
                    self._add(around, content, (*within, at_rule), nested=True)
                self.parse_blocks(content, (*within, at_rule), nested, around)

    def _add(
        self, prelude: Sequence[Node], content: Sequence[Node], within: tuple[AtRule, ...], nested: bool
    ) -> None:
        selectors = tuple(_selectors(prelude))
        self.rules.append(Rule(selectors, tuple(_declarations(content)), within, nested, tuple(prelude)))


def _declarations(nodes: Sequence[Node]) -> Iterator[Declaration]:
    for node in nodes:
        if node.type == "declaration":
            parts = list(_with_nested(node.value))
            yield Declaration(
                node.name if node.name.startswith("--") else node.lower_name,
                _text(node.value),
                node.important,
                _words(node.value),
                frozenset(part.lower_name for part in parts if part.type == "function"),
                frozenset(
                    part.lower_unit if part.type == "dimension" else "%"
                    for part in parts
                    if part.type in ("dimension", "percentage")
                ),
                tuple(_urls(parts)),
                tuple(node.value),
            )


def _with_nested(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield these nodes and, after each node, the nodes in its brackets."""
    for node in nodes:
        yield node
        yield from _with_nested(getattr(node, "content", None) or getattr(node, "arguments", None) or ())


def _urls(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if node.type == "url":
            yield node.value
        elif node.type == "function" and node.lower_name == "url":
            yield from (argument.value for argument in node.arguments if argument.type == "string")


def _words(nodes: Sequence[Node]) -> frozenset[str]:
    return frozenset(node.lower_value for node in _with_nested(nodes) if node.type == "ident")


def serialized(nodes: Sequence[Node]) -> str:
    """Return the CSS of some tokens."""
    return str(tinycss2.serialize(nodes))


def _text(nodes: Sequence[Node]) -> str:
    return " ".join(serialized(nodes).split())


def _selectors(prelude: Sequence[Node]) -> Iterator[Selector]:
    selector: list[Node] = []
    for node in (*prelude, None):
        if node is not None and node != ",":
            selector.append(node)
        elif text := _text(selector):
            yield Selector(text, *_components(selector))
            selector = []


def _components(nodes: Sequence[Node]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names and the parts of a selector's tokens."""
    names, parts, before, classes = set(), set(), " ", 0
    for node in nodes:
        kind, text = node.type, getattr(node, "value", "")
        if kind == "ident" and before == ".":
            names.add(f".{text}")
            classes += 1
            parts.add("." if classes == 1 else "..")
        elif kind in ("ident", "function") and before == ":":
            parts.add(f":{node.lower_name if kind == 'function' else node.lower_value}")
        elif kind == "ident":
            names.add(node.lower_value)
            parts.add(node.lower_value)
        elif kind == "hash":
            names.add(f"#{text}")
            parts.add("#")
        elif kind == "[] block":
            names.update(f"[{token.lower_value}]" for token in node.content[:1] if token.type == "ident")
            parts.add("[")
        elif kind == "literal" and text in (">", "+", "~", "*"):
            parts.add(text)
        if kind == "whitespace" or (kind == "literal" and text in (">", "+", "~")):
            classes = 0
        before = text if kind == "literal" else " " if kind == "whitespace" else kind
    if _has_descendant_combinator(nodes):
        parts.add(" ")
    return frozenset(names), frozenset(parts)


def _has_descendant_combinator(nodes: Sequence[Node]) -> bool:
    """Return True if a selector has a descendant combinator: a space alone between two parts."""
    signs = "".join(
        " " if node.type == "whitespace" else node.value if node == ">" or node == "+" or node == "~" else "x"
        for node in nodes
        if node.type != "comment"
    )
    return "x x" in " ".join(signs.split())
