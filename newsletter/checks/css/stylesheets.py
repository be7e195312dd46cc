"""A mail's CSS as plain data, parsed once by tinycss2: rules, what their selectors and values are made of.

What is no CSS is passed over, as mail programs do; names are in lower case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tinycss2

Node = Any  # tinycss2 has no types


@dataclass(frozen=True)
class Declaration:
    """`name: value`, with the value's words, functions, units (`%` is one), addresses and tokens."""

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

    `names` are what an element must have: `td`, `.card`, `#top`, `[href]`. `parts` are what it is made of:
    `:hover`, `>`, `~`, `+`, a space, `*`, `.`, `..` (two classes on one element), `#`, `[`, a type's name.
    """

    text: str
    names: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AtRule:
    """`@media (…)` and the like: its name without @, what follows that, and the words in it."""

    name: str
    prelude: str = ""
    words: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"@{self.name} {self.prelude}".strip()


@dataclass(frozen=True)
class Rule:
    """`selectors { declarations }`; `within` are the at-rules around it, `nested` one inside another rule.

    `prelude` are the tokens of its selectors.
    """

    selectors: tuple[Selector, ...]
    declarations: tuple[Declaration, ...]
    within: tuple[AtRule, ...] = ()
    nested: bool = False
    prelude: tuple[Node, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Sheet:
    """A style sheet's rules, and all its at-rules, each in order."""

    rules: tuple[Rule, ...] = ()
    at_rules: tuple[AtRule, ...] = ()


@lru_cache(maxsize=32)
def sheet(css: str) -> Sheet:
    """What a `<style>` says."""
    reading = _Reading()
    try:
        reading.blocks(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))
    except RecursionError:  # nested a thousand deep: nobody's style sheet
        return Sheet()
    return Sheet(tuple(reading.rules), tuple(reading.at_rules))


@lru_cache(maxsize=4096)
def declarations(css: str) -> tuple[Declaration, ...]:
    """What a `style` attribute says."""
    try:
        return tuple(_declared(tinycss2.parse_blocks_contents(css)))
    except RecursionError:
        return ()


@dataclass
class _Reading:
    rules: list[Rule] = field(default_factory=list)
    at_rules: list[AtRule] = field(default_factory=list)

    def blocks(self, nodes: Sequence[Node], within: tuple[AtRule, ...] = (), nested: bool = False) -> None:
        for node in nodes:
            if node.type == "qualified-rule":
                content = tinycss2.parse_blocks_contents(node.content)
                selectors = tuple(_selectors(node.prelude))
                self.rules.append(
                    Rule(selectors, tuple(_declared(content)), within, nested, tuple(node.prelude))
                )
                self.blocks(content, within, nested=True)
            elif node.type == "at-rule":
                at_rule = AtRule(node.lower_at_keyword, _text(node.prelude), _words(node.prelude))
                self.at_rules.append(at_rule)
                self.blocks(tinycss2.parse_blocks_contents(node.content or []), (*within, at_rule), nested)


def _declared(nodes: Sequence[Node]) -> Iterator[Declaration]:
    for node in nodes:
        if node.type == "declaration":
            inside = list(_inside(node.value))
            yield Declaration(
                node.name if node.name.startswith("--") else node.lower_name,
                _text(node.value),
                node.important,
                _words(node.value),
                frozenset(one.lower_name for one in inside if one.type == "function"),
                frozenset(
                    one.lower_unit if one.type == "dimension" else "%"
                    for one in inside
                    if one.type in ("dimension", "percentage")
                ),
                tuple(_urls(inside)),
                tuple(node.value),
            )


def _inside(nodes: Sequence[Node]) -> Iterator[Node]:
    """These, and what is in their brackets."""
    for node in nodes:
        yield node
        yield from _inside(getattr(node, "content", None) or getattr(node, "arguments", None) or ())


def _urls(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if node.type == "url":
            yield node.value
        elif node.type == "function" and node.lower_name == "url":
            yield from (one.value for one in node.arguments if one.type == "string")


def _words(nodes: Sequence[Node]) -> frozenset[str]:
    return frozenset(one.lower_value for one in _inside(nodes) if one.type == "ident")


def _text(nodes: Sequence[Node]) -> str:
    return " ".join(str(tinycss2.serialize(nodes)).split())


def _selectors(prelude: Sequence[Node]) -> Iterator[Selector]:
    one: list[Node] = []
    for node in (*prelude, None):
        if node is not None and node != ",":
            one.append(node)
        elif text := _text(one):
            yield Selector(text, *_made_of(one))
            one = []


def _made_of(nodes: Sequence[Node]) -> tuple[frozenset[str], frozenset[str]]:
    """The names and parts of a selector's tokens."""
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
            names.update(f"[{one.lower_value}]" for one in node.content[:1] if one.type == "ident")
            parts.add("[")
        elif kind == "literal" and text in (">", "+", "~", "*"):
            parts.add(text)
        if kind == "whitespace" or (kind == "literal" and text in (">", "+", "~")):
            classes = 0
        before = text if kind == "literal" else " " if kind == "whitespace" else kind
    if _descends(nodes):
        parts.add(" ")
    return frozenset(names), frozenset(parts)


def _descends(nodes: Sequence[Node]) -> bool:
    """Whether there is a space between two of a selector's parts that is no other combinator's."""
    signs = "".join(
        " " if one.type == "whitespace" else one.value if one == ">" or one == "+" or one == "~" else "x"
        for one in nodes
        if one.type != "comment"
    )
    return "x x" in " ".join(signs.split())
