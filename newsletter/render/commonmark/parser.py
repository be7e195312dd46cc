"""Parse Markdown: CommonMark with tables, strikethrough, task lists, notes, bare addresses and comments.

https://github.github.com/gfm/ describes the first three; notes are those of Pandoc.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.footnote.index import footnote_ref

from newsletter.network.web_address import ascii_address
from newsletter.render.commonmark import block_rules, inline_parser
from newsletter.render.commonmark.note_tokens import Definition, Reference, references_in, separate
from newsletter.render.commonmark.table_width import PHONE_WIDTH, tables_in
from newsletter.render.east_asian import is_unspaced

_PLACEHOLDER = re.compile(r"%5B%5B(\w+)%5D%5D")
# A label without marks of Markdown: a reference to it that has no note is shown as it is written.
_PLAIN_REFERENCE = re.compile(r"\[\^(?:\*{1,3}|[^\s\[\]*_`\\<>&~/^]++(?:_++[^\s\[\]*_`\\<>&~/^]++)*+)\]")
_ENDS_WITH_A_MARGIN = ("list_open", "paragraph_open", "quote_open", "table_open")


class Parsed(NamedTuple):
    """A parsed text: its tokens without notes, its notes, and the references to notes outside of notes.

    `everything` are the tokens of the text and of all its notes. `links` are definitions of links whose label
    looks like that of a note.
    """

    tokens: list[Token]
    definitions: tuple[Definition, ...]
    references: tuple[Reference, ...]
    everything: list[Token]
    links: tuple[Reference, ...]


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
    return new_block_parser()


def new_block_parser() -> MarkdownIt:
    """Return a parser of passages for render rules of its own."""
    parser = new_parser({"tasklists": True})
    parser.block.ruler.at("table", block_rules.bounded_table, {"alt": ["paragraph", "reference"]})
    parser.enable("table")
    interrupted = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("fence", "comment", block_rules.drop_comment, {"alt": interrupted})
    parser.inline.ruler.before("autolink", "comment", inline_parser.drop_comment)
    parser.use(footnote_plugin, inline=False, move_to_end=False)
    parser.inline.ruler.at("footnote_ref", _note_reference)
    parser.use(attrs_plugin, after=("image",), allowed=("width",))
    return parser


@lru_cache(maxsize=512)
def parse(source: str) -> Parsed:
    """Return a parsed passage, parsed once for HTML and text; callers must not change the tokens."""
    env: dict[str, Any] = {}
    everything = list(_without_empty_cells(block_parser().parse(source, env)))
    for number, token in enumerate(everything):
        if token.type == "list_item_open" and "checked" in (token.meta or {}):
            _mark_task(token, everything[number + 1 : number + 3])
        if token.children:
            _join_unspaced_lines(token.children)
            _mark_linked_pictures(token.children)
    for table in tables_in(everything):
        if table.phone_width <= PHONE_WIDTH:
            # MJML permits to break every word, and tables use it for words that would fit.
            table.opening.attrJoin("class", "whole")
    _mark_task_lists(everything)
    tokens, definitions = separate(everything)
    _mark_last(tokens)
    return Parsed(tokens, definitions, tuple(references_in(tokens)), everything, tuple(_links(env)))


def _note_reference(state: StateInline, silent: bool) -> bool:
    """Parse a reference to a note of this text, or of another one if its label is plain."""
    is_plain = state.src[state.pos] == "[" and _PLAIN_REFERENCE.match(state.src, state.pos) is not None
    return footnote_ref(state, silent, always_match=is_plain)


def _links(env: dict[str, Any]) -> Iterator[Reference]:
    """Yield the definitions that are meant as notes: with a space in its label, one is that of a link."""
    for label, reference in env.get("references", {}).items():
        if label.startswith("^"):
            yield Reference(label[1:], reference["map"][0])


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
    if blocks and blocks[-1].type.endswith(_ENDS_WITH_A_MARGIN):
        blocks[-1].attrJoin("class", "last")
