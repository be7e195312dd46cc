"""Write parsed Markdown as HTML for mail: without anchors, forms and sizes that mail programs drop.

`web_html` writes it for web pages, with the rules of this module for what both share.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.render.commonmark import one_line
from newsletter.render.commonmark.notes import Note, NotedText
from newsletter.render.commonmark.parser import new_block_parser, parse
from newsletter.render.commonmark.picture_tokens import asked_width
from newsletter.render.pictures import Picture

# Checkbox elements are dropped by many mail programs. The second character asks for text instead of emoji.
_MARKS = {True: "\u2611\ufe0e ", False: "\u2610\ufe0e "}


def to_html(text: NotedText, below: int, pictures: Mapping[str, Picture]) -> str:
    """Convert a passage to HTML, with its notes; `below` is the level of the heading above it."""
    html = blocks(_parser(), parse(text.source).tokens, below, text.numbers, pictures)
    return html + notes_to_html(text.notes, below, pictures) if text.notes else html.strip()


def notes_to_html(notes: Sequence[Note], below: int, pictures: Mapping[str, Picture]) -> str:
    """Convert notes that follow each other to a list in HTML."""
    return note_list(_parser(), notes, below, pictures, css_class="notes last")


def note_list(
    parser: MarkdownIt,
    notes: Sequence[Note],
    below: int,
    pictures: Mapping[str, Picture],
    *,
    css_class: str,
    id_prefix: str = "",
) -> str:
    """Convert notes to a numbered list by the rules of a parser; with `id_prefix`, each item has an id."""
    items = []
    for note in notes:
        item_id = f' id="{id_prefix}{note.number}"' if id_prefix else ""
        content = blocks(parser, note.definition.tokens, below, note.text.numbers, pictures)
        items.append(f"<li{item_id}>{content}</li>\n")
    start = f' start="{notes[0].number}"' if notes and notes[0].number != 1 else ""
    return f'<ol{start} class="{css_class}">\n{"".join(items)}</ol>'


def blocks(
    parser: MarkdownIt,
    tokens: Sequence[Token],
    below: int,
    numbers: Mapping[str, int],
    pictures: Mapping[str, Picture],
) -> str:
    """Convert parsed blocks to HTML by the rules of a parser; `numbers` are those of notes, by label."""
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    env = {"offset": below + 1 - min(levels, default=1), "numbers": numbers, "pictures": pictures}
    html: str = parser.renderer.render(tokens, parser.options, env)
    return html


@cache
def _parser() -> MarkdownIt:
    return with_rules({"image": _picture})


def with_rules(rules: Mapping[str, Any]) -> MarkdownIt:
    """Return a parser with the rules that mail and web pages share, and with further ones, by token type."""
    parser = new_block_parser()
    shared = {
        "heading_open": _heading,
        "heading_close": _heading,
        "task_mark": _task_mark,
        "list_item_open": _list_item,
        "s_open": lambda *_: "<del>",
        "s_close": lambda *_: "</del>",
        "footnote_ref": note_reference,
    }
    for name, rule in (shared | dict(rules)).items():
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


def note_reference(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    """Write the number of a note; what was written, if there is no such note."""
    label = tokens[index].meta["label"]
    number = env["numbers"].get(label)
    return f"<sup>{number}</sup>" if number else escape(f"[^{label}]")


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
