"""Write parsed Markdown as HTML for mail: without anchors, forms and sizes that mail programs drop."""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.render.commonmark import one_line
from newsletter.render.commonmark.parser import block_parser, parse
from newsletter.render.commonmark.picture_tokens import asked_width
from newsletter.render.pictures import Picture

# Checkbox elements are dropped by many mail programs. The second character asks for text instead of emoji.
_MARKS = {True: "\u2611\ufe0e ", False: "\u2610\ufe0e "}


def to_html(source: str, below: int, first_note: int, pictures: Mapping[str, Picture]) -> str:
    """Convert a passage to HTML; `below` is the level of the heading above it."""
    parser, tokens = _parser(), parse(source).tokens
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    env = {
        "offset": below + 1 - min(levels, default=1),
        "first_note": first_note,
        "pictures": pictures,
    }
    html: str = parser.renderer.render(tokens, parser.options, env)
    return html.strip()


@cache
def _parser() -> MarkdownIt:
    parser = block_parser()
    for name, rule in {
        "heading_open": _heading,
        "heading_close": _heading,
        "image": _picture,
        "task_mark": _task_mark,
        "list_item_open": _list_item,
        "s_open": lambda *_: "<del>",
        "s_close": lambda *_: "</del>",
        "footnote_ref": _note_reference,
        "footnote_block_open": _notes,
        "footnote_block_close": lambda *_: "</ol>\n",
        "footnote_open": lambda *_: "<li>",
        "footnote_close": lambda *_: "</li>\n",
    }.items():
        parser.add_render_rule(name, rule)
    return parser


def _heading(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    level = min(6, env["offset"] + int(token.tag[1]))
    return f"<h{level}>" if token.nesting > 0 else f"</h{level}>\n"


def _list_item(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    html: str = renderer.renderToken(tokens, index, options, env)
    return html  # without the checkbox that markdown-it writes for a task


def _task_mark(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return _MARKS[tokens[index].meta["checked"]]


def _note_reference(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    return f"<sup>{env['first_note'] + tokens[index].meta['id']}</sup>"


def _notes(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    start = f' start="{env["first_note"]}"' if env["first_note"] != 1 else ""
    return f'<ol{start} class="{tokens[index].attrs["class"]}">\n'


def _picture(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    src = str(token.attrs["src"])
    picture = env["pictures"].get(src) or Picture(src)
    width = picture.shown_width(asked_width(token))
    alt = one_line.words(token.children or [])
    # White below a transparent picture keeps its dark lines visible in dark mode.
    style = "max-width:100%;height:auto;vertical-align:top;background-color:#ffffff;color:#4b5563"
    html = f'<img src="{escape(picture.src)}" alt="{escape(alt)}" width="{width}" style="{style}" />'
    caption = str(token.attrs.get("title", ""))
    if not caption:
        return html
    words = one_line.to_html(caption, links=not token.meta.get("linked"))
    return f'{html}<br /><span class="caption">{words}</span>'
