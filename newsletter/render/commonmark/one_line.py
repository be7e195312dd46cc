"""Convert one-line Markdown, such as a title or a caption: code, bold, italics, strikethrough, links."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.network.web_address import ADDRESS
from newsletter.render.commonmark.parser import new_parser

_KEEPS_CASE = re.compile(rf"(\[\[\w+\]\]|{ADDRESS.pattern})", ADDRESS.flags)


@cache
def _parser() -> MarkdownIt:
    parser = new_parser({})
    # A title is shown as it is typed, except for these marks: `&amp;` and `<b>` stay what they are.
    parser.inline.ruler.disable(["image", "entity", "html_inline", "newline"])
    parser.add_render_rule("s_open", lambda *_: "<del>")
    parser.add_render_rule("s_close", lambda *_: "</del>")
    return parser


@lru_cache(maxsize=512)
def _tokens(source: str) -> list[Token]:
    (inline,) = _parser().parseInline(source)
    return inline.children or []


@lru_cache(maxsize=512)
def to_html(source: str, links: bool) -> str:
    """Convert a line to HTML; without `links`, only their words remain."""
    tokens = [token for token in _tokens(source) if links or token.type not in ("link_open", "link_close")]
    inline = Token("inline", "", 0, children=tokens)
    html: str = _parser().renderer.render([inline], _parser().options, {})
    return html


def to_text(source: str) -> str:
    """Convert a line to plain words: code without its marks, links without their addresses."""
    return words(_tokens(source))


@lru_cache(maxsize=512)
def to_capitals(source: str) -> str:
    """Convert a line to plain words in capitals; code, addresses and placeholders keep their case."""
    return words(map(_in_capitals, _tokens(source)))


def words(tokens: Iterable[Token]) -> str:
    """Return the words of inline tokens in one line; a picture's words are its alt text."""
    return "".join(map(_words, tokens))


def _words(token: Token) -> str:
    if token.type == "image":
        return words(token.children or [])
    if token.type == "footnote_ref":  # of a text that has no notes
        return f"[^{token.meta['label']}]"
    return {"softbreak": " ", "hardbreak": " ", "s_open": "~~", "s_close": "~~"}.get(
        token.type, token.content
    )


def _in_capitals(token: Token) -> Token:
    if token.type != "text":
        return token
    parts = _KEEPS_CASE.split(token.content)
    content = "".join(part if number % 2 else part.upper() for number, part in enumerate(parts))
    return token.copy(content=content)
