"""Write parsed Markdown as HTML for web pages: notes are links, and wide tables and code can be scrolled.

Pages permit no inline style, so that alignment is a class.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.render.commonmark import one_line
from newsletter.render.commonmark.html import blocks, note_list, note_reference, with_rules
from newsletter.render.commonmark.notes import Note, NotedText
from newsletter.render.commonmark.parser import parse
from newsletter.render.commonmark.picture_tokens import asked_width
from newsletter.render.pictures import Picture

# markdown-it writes the alignment of a cell as a style.
_ALIGNMENT = "text-align:"
_NOTE_ID = "note-"  # before the number of a note


def to_html(text: NotedText, below: int, pictures: Mapping[str, Picture]) -> str:
    """Convert a passage to HTML, with its notes; `below` is the level of the heading above it.

    Numbers of notes that are written elsewhere are links to them.
    """
    parser = _parser(is_linked=not text.notes)
    html = blocks(parser, parse(text.source).tokens, below, text.numbers, pictures)
    # The mark of the last block is for mail; quotation marks of a text are escaped.
    html = html.replace(' class="last"', "")
    return html + _list(text.notes, below, pictures, is_linked=False) if text.notes else html.strip()


def notes_to_html(notes: Sequence[Note], below: int, pictures: Mapping[str, Picture]) -> str:
    """Convert notes that follow each other to a list in HTML; each item is the target of its number."""
    return _list(notes, below, pictures, is_linked=True)


def _list(notes: Sequence[Note], below: int, pictures: Mapping[str, Picture], *, is_linked: bool) -> str:
    id_prefix = _NOTE_ID if is_linked else ""
    parser = _parser(is_linked=is_linked)
    return note_list(parser, notes, below, pictures, css_class="notes", id_prefix=id_prefix)


@cache
def _parser(*, is_linked: bool) -> MarkdownIt:
    rules = {
        "image": _picture,
        "fence": _code,
        "code_block": _code,
        "table_open": _table,
        "table_close": lambda *_: "</table></div>\n",
        "th_open": _cell,
        "td_open": _cell,
    }
    return with_rules(rules | ({"footnote_ref": _linked_reference} if is_linked else {}))


def _linked_reference(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    number = env["numbers"].get(tokens[index].meta["label"])
    if not number:
        return note_reference(renderer, tokens, index, options, env)
    return f'<sup><a href="#{_NOTE_ID}{number}">{number}</a></sup>'


def _code(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    # With a tab index, the keyboard scrolls a line that is too long.
    return f'<pre tabindex="0"><code>{escape(tokens[index].content, quote=False)}</code></pre>\n'


def _table(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    fits_a_phone = "whole" in str(tokens[index].attrs.get("class", ""))
    return '<div class="table"><table>\n' if fits_a_phone else '<div class="table" tabindex="0"><table>\n'


def _cell(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    token = tokens[index]
    attributes = ' scope="col"' if token.tag == "th" else ""
    if columns := token.attrs.get("colspan"):
        attributes += f' colspan="{columns}"'
    style = str(token.attrs.get("style", ""))
    if style.startswith(_ALIGNMENT):
        attributes += f' class="{escape(style.removeprefix(_ALIGNMENT))}"'
    return f"<{token.tag}{attributes}>"


def _picture(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    src = str(token.attrs["src"])
    picture = env["pictures"].get(src) or Picture(src)
    alt = one_line.words(token.children or [])
    html = f'<img src="{escape(picture.src)}" alt="{escape(alt)}"{_size(picture, asked_width(token))}>'
    caption = str(token.attrs.get("title", ""))
    if not caption:
        return html
    words = one_line.to_html(caption, links=not token.meta.get("linked"))
    return f'{html}<span class="caption">{words}</span>'


def _size(picture: Picture, asked: int | None) -> str:
    """Return the attributes of a picture's size, by which a browser keeps its place while it loads."""
    width, height = picture.web_size(asked)
    return "".join(f' {name}="{size}"' for name, size in (("width", width), ("height", height)) if size)
