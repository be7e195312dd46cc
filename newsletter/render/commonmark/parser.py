"""Parse Markdown: CommonMark with tables, strikethrough, task lists, notes, bare addresses and comments.

https://github.github.com/gfm/ describes the first three; notes are those of Pandoc.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.footnote import footnote_plugin

from newsletter.network.web_address import ascii_address
from newsletter.render.commonmark import block_rules, inline_parser
from newsletter.render.commonmark.table_width import PHONE_WIDTH, tables_in
from newsletter.render.east_asian import is_unspaced

_PLACEHOLDER = re.compile(r"%5B%5B(\w+)%5D%5D")
_ENDS_WITH_A_MARGIN = ("list_open", "paragraph_open", "quote_open", "table_open", "footnote_block_open")


class Definition(NamedTuple):
    """The definition of a note: its label, its line from 0, and the mistake in it, if any."""

    label: str
    line: int
    mistake: Literal["", "unused", "repeated", "link"] = ""


class Parsed(NamedTuple):
    """A parsed text: its tokens, the number of its notes, and their definitions."""

    tokens: list[Token]
    notes: int
    definitions: tuple[Definition, ...]


def new_parser(options: dict[str, object]) -> MarkdownIt:
    """Return a parser of CommonMark without HTML, with our parser of inline text."""
    options = {"html": False, "maxNesting": 50, **options}
    parser = MarkdownIt("commonmark", options)
    parser.inline = inline_parser.InlineParser()
    parser.configure("commonmark", options)
    parser.enable(["strikethrough"])
    parser.inline.ruler.at("linkify", inline_parser.link_address)
    parser.inline.ruler.enable("linkify")
    assert parser.linkify
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False}).add("ftp:", None).add("//", None)
    percent_encoded = parser.normalizeLink

    def address(url: str) -> str:
        # An address that is only a placeholder, such as [[unsubscribe_url]], is filled later.
        encoded = percent_encoded(ascii_address(url))
        placeholder = _PLACEHOLDER.fullmatch(encoded)
        return f"[[{placeholder[1]}]]" if placeholder else encoded

    parser.normalizeLink = address  # type: ignore[method-assign]  # markdown-it's documented way to change it
    return parser


@cache
def block_parser() -> MarkdownIt:
    """Return the parser of passages."""
    parser = new_parser({"tasklists": True})
    parser.block.ruler.at("table", block_rules.bounded_table, {"alt": ["paragraph", "reference"]})
    parser.enable("table")
    interrupted = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("fence", "comment", block_rules.drop_comment, {"alt": interrupted})
    parser.inline.ruler.before("autolink", "comment", inline_parser.drop_comment)
    parser.use(footnote_plugin, inline=False)
    parser.core.ruler.before("footnote_tail", "note_lines", _note_lines)
    parser.use(attrs_plugin, after=("image",), allowed=("width",))
    return parser


@lru_cache(maxsize=512)
def parse(source: str) -> Parsed:
    """Return a parsed passage, parsed once for HTML and text; callers must not change the tokens."""
    env: dict[str, Any] = {}
    # A link from a note back to its reference would not work in many mail programs.
    found = [token for token in block_parser().parse(source, env) if token.type != "footnote_anchor"]
    tokens = list(_without_empty_cells(found))
    for number, token in enumerate(tokens):
        if token.type == "list_item_open" and "checked" in (token.meta or {}):
            _mark_task(token, tokens[number + 1 : number + 3])
        elif token.type == "footnote_open" and tokens[number + 1].type == "paragraph_open":
            _hide_only_paragraph(tokens[number + 1 : number + 5])
        if token.children:
            _join_unspaced_lines(token.children)
            _mark_linked_pictures(token.children)
    for table in tables_in(tokens):
        if table.phone_width <= PHONE_WIDTH:
            # MJML permits to break every word, and tables use it for words that would fit.
            table.opening.attrJoin("class", "whole")
    _mark_task_lists(tokens)
    _mark_last(tokens)
    return Parsed(tokens, len(env.get("footnotes", {}).get("list", ())), tuple(_definitions(env)))


def _note_lines(state: StateCore) -> None:
    """Keep the label and the line of each definition, which the next rule moves to the end."""
    state.env["note_lines"] = [
        (token.meta["label"], token.map[0])
        for token in state.tokens
        if token.type == "footnote_reference_open" and token.map
    ]


def _definitions(env: Mapping[str, Any]) -> Iterator[Definition]:
    numbers = env.get("footnotes", {}).get("refs", {})
    seen: set[str] = set()
    for label, line in env["note_lines"]:
        is_unused = numbers.get(f":{label}", -1) < 0
        yield Definition(label, line, "repeated" if label in seen else "unused" if is_unused else "")
        seen.add(label)
    for label, reference in env.get("references", {}).items():
        if label.startswith("^"):  # with a space in its label, a note is the definition of a link
            yield Definition(label[1:], reference["map"][0], "link")


def _without_empty_cells(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens, with one wide cell for the empty cells at the end of a table's row."""
    cells: list[list[Token]] = []
    for token in tokens:
        if token.type == "td_open":
            cells.append([])
        if not cells:
            yield token
        elif token.type != "tr_close":
            cells[-1].append(token)
        else:
            filled = max((n for n, cell in enumerate(cells, 1) if cell[1].content), default=0)
            empty, cells = cells[filled:], cells[: filled + 1]
            if len(empty) > 1:
                empty[0][0].attrSet("colspan", str(len(empty)))
            for cell in cells:
                yield from cell
            yield token
            cells = []


def _mark_task(item: Token, following: list[Token]) -> None:
    """Put the mark of a task into its first paragraph; other blocks have no line to put it into."""
    item.attrs.pop("class", None)
    if [token.type for token in following] == ["paragraph_open", "inline"]:
        mark = Token("task_mark", "", 0, meta=dict(item.meta))
        following[1].children = [mark, *(following[1].children or [])]


def _mark_task_lists(tokens: list[Token]) -> None:
    """Give each bullet list of tasks only the class `tasks`, by which it has no bullets."""
    lists: list[Token] = []
    for token in tokens:
        if token.type.endswith("_list_open"):
            if token.attrs.pop("class", None) and token.type == "bullet_list_open":
                token.attrs["class"] = "tasks"
            lists.append(token)
        elif token.type.endswith("_list_close"):
            lists.pop()
        elif token.type == "list_item_open" and "checked" not in (token.meta or {}):
            lists[-1].attrs.pop("class", None)


def _hide_only_paragraph(tokens: list[Token]) -> None:
    """Hide the paragraph of a note that has no other, as markdown-it does in lists."""
    opening, *_, closing, end = tokens
    if end.type == "footnote_close":
        opening.hidden = closing.hidden = True


def _join_unspaced_lines(children: list[Token]) -> None:
    """Drop a line end between two characters of a script without spaces (CSS Text 3, 4.1.3)."""
    before, ends = "", []
    for token in children:
        if token.type == "softbreak":
            ends = [token] if before and is_unspaced(before) else []
        elif token.content and token.type != "image":
            for end in ends if is_unspaced(token.content[0]) else ():
                end.type = "text"
            before, ends = token.content[-1], []
        elif token.type in ("image", "hardbreak", "footnote_ref"):
            before, ends = "", []


def _mark_linked_pictures(children: list[Token]) -> None:
    is_linked = False
    for token in children:
        is_linked = token.type == "link_open" or (is_linked and token.type != "link_close")
        if token.type == "image" and is_linked:
            token.meta["linked"] = True


def _mark_last(tokens: list[Token]) -> None:
    """Give the last block the class `last`, which has no margin."""
    blocks = [token for token in tokens if token.level == 0 and token.nesting >= 0]
    if notes := [token for token in blocks if token.type == "footnote_block_open"]:
        blocks = notes
        notes[0].attrSet("class", "notes")
    if blocks and blocks[-1].type.endswith(_ENDS_WITH_A_MARGIN):
        blocks[-1].attrJoin("class", "last")
