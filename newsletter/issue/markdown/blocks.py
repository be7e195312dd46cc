"""Split the body of a Markdown issue at its headings, by the rules of markdown-it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.helpers import parseLinkLabel
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from newsletter.issue.markdown.comments import block_comment
from newsletter.issue.markdown.definitions import Definition, Place, Placed, notes_in

SECTION, STORY, PASSAGE = 2, 3, 4
"""The levels of headings that begin a part of an issue."""
# A title of 500 characters and a long address; a longer heading is refused as too long a title.
_MAX_LINKED_HEADING = 4_000
_MAX_BRACKETS = 20  # to find the partner of each takes a time in proportion to their square


class Heading(NamedTuple):
    """A heading outside of lists and quotations: its source, and its line from 0.

    `underline` is the character of a line of `---` or `===` below a text, which makes the text a heading.
    """

    level: int
    source: str
    line: int
    underline: str = ""


class KeyBlock(NamedTuple):
    """A fenced block `yaml` right below a heading; the first line of its content, from 0."""

    content: str
    line: int
    is_closed: bool


@dataclass(frozen=True)
class Part:
    """A part of a body: its heading, its keys, and the lines of its text."""

    heading: Heading | None
    keys: KeyBlock | None
    first: int
    end: int
    has_text: bool


@dataclass(frozen=True)
class Body:
    """The parts of a body, the headings that can begin none, and the definitions of links and notes."""

    parts: Sequence[Part]
    misplaced: Sequence[Heading]
    definitions: Placed
    references: Mapping[str, Any]


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 50}).enable("table").disable("inline")
    interrupted = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("fence", "comment", _comment, {"alt": interrupted})
    # The model judges an address as it is written, not as a browser would send it.
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]  # the documented way to change it
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # the documented way to change it
    return parser


def _comment(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """Parse an HTML comment that begins a line: headings in it are none."""
    found = block_comment(state, startLine, endLine)
    if found and not silent:
        state.line = found.last_line + 1
        token = state.push("comment_with_text" if found.text else "comment", "", 0)
        token.map = [startLine, state.line]
    return found is not None


def split(source: str) -> Body:
    """Split a body into parts; a `####` below a section that has no story yet stays in the section's text."""
    env: dict[str, Any] = {}
    tokens = [token for token in _parser().parse(source, env) if token.map and token.level < 2]
    blocks = [token for token in tokens if token.level == 0 and token.type != "inline"]
    lines = source.split("\n")
    definitions = sorted([*_link_definitions(env, blocks), *notes_in(_paragraphs(blocks), lines)])
    headings = list(_headings(tokens))
    misplaced = [heading for heading in headings if heading.level == 1 or heading.underline]
    cuts = list(_cuts(headings))
    ends = [*(cut.line for cut in cuts), len(lines)]
    defined = {line for one in definitions for line in range(one.first, one.end)}
    parts = [
        _part(heading, start, end, blocks_in, defined, lines)
        for (heading, start, end), blocks_in in zip(
            zip((None, *cuts), (0, *ends[:-1]), ends, strict=True), _grouped(blocks, ends), strict=True
        )
    ]
    return Body(parts, misplaced, Placed(definitions, list(_places(parts))), env.get("references", {}))


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            underline = "" if token.markup.startswith("#") else token.markup
            yield Heading(int(token.tag[1]), inline.content, token.map[0], underline)


def _cuts(headings: Sequence[Heading]) -> Iterator[Heading]:
    """Yield the headings that begin a part."""
    around = 0
    for heading in headings:
        if heading.underline or not SECTION <= heading.level <= PASSAGE:
            continue
        if heading.level == PASSAGE and around == SECTION:
            continue
        around = heading.level if heading.level < PASSAGE else around
        yield heading


def _grouped(blocks: Sequence[Token], ends: Sequence[int]) -> Iterator[list[Token]]:
    """Yield the blocks of each part; `ends` are the lines in which the next parts begin."""
    position = 0
    for end in ends:
        start = position
        while position < len(blocks) and _lines(blocks[position])[0] < end:
            position += 1
        yield blocks[start:position]  # type: ignore[misc]


def _part(
    heading: Heading | None,
    start: int,
    end: int,
    blocks: Sequence[Token],
    defined: set[int],
    lines: Sequence[str],
) -> Part:
    blocks = [block for block in blocks if block.type != "comment" and _lines(block)[0] not in defined]
    if heading:
        start, blocks = start + 1, blocks[1:]
    keys = None
    if blocks and blocks[0].type == "fence" and blocks[0].info.strip().lower() == "yaml":
        first, after = _lines(blocks[0])
        keys = KeyBlock(blocks[0].content, first + 1, _is_closed(blocks[0], lines[after - 1]))
        start, blocks = after, blocks[1:]
    return Part(heading, keys, start, end, bool(blocks))


def _places(parts: Iterable[Part]) -> Iterator[Place]:
    """Yield the first line of each part, from its heading on, and its section: 0 is the opening."""
    section = 0
    for part in parts:
        level = part.heading.level if part.heading else PASSAGE
        if level == SECTION or (level == STORY and not section):
            section += 1
        yield Place(part.heading.line if part.heading else 0, section, part.has_text)


def _is_closed(fence: Token, last: str) -> bool:
    first, after = _lines(fence)
    mark = last.strip()
    return after - first > 1 and mark.startswith(fence.markup) and not mark.strip(fence.markup[0])


def _link_definitions(env: Mapping[str, Any], blocks: Sequence[Token]) -> Iterator[Definition]:
    """Yield the definitions of links outside of lists and quotations."""
    inside = {line for block in blocks for line in range(*_lines(block)) if block.type.endswith("_open")}
    found = [(label, value["map"]) for label, value in env.get("references", {}).items()]
    found += [(value["label"], value["map"]) for value in env.get("duplicate_refs", ())]
    for label, (first, end) in found:
        if first not in inside:
            yield Definition(first, end, label.casefold())


def _paragraphs(blocks: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield the first line of each paragraph, and the line after it and the indented blocks below it."""
    for block, following in zip(blocks, (*blocks, None)[1:], strict=True):
        if block.type == "paragraph_open":
            is_indented = following is not None and following.type == "code_block"
            yield _lines(block)[0], _lines(following if is_indented and following else block)[1]


def _lines(block: Token) -> tuple[int, int]:
    first, end = block.map or (0, 0)
    return first, end


def linked_title(source: str, references: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the title and the address of a heading that is one link; of another, its source and None."""
    is_long = len(source) > _MAX_LINKED_HEADING or source.count("[") > _MAX_BRACKETS
    if is_long or not source.startswith(("[", "<")):
        return source, None
    env, children = {"references": references}, list[Token]()
    _parser().inline.parse(source, _parser(), env, children)
    links = [child for child in children if child.type == "link_open"]
    if len(links) != 1 or children[0] is not links[0] or children[-1].type != "link_close":
        return source, None
    address = str(links[0].attrs["href"])
    if source.startswith("<"):
        return children[1].content, address
    return source[1 : parseLinkLabel(StateInline(source, _parser(), env, []), 0)], address
