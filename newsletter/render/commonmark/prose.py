"""Read the words of parsed Markdown, and list its notes, pictures and HTML elements."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from markdown_it.token import Token

from newsletter.render.commonmark import one_line
from newsletter.render.commonmark.parser import parse

_NAMES = {"task_mark": "input", "s_open": "del", "s_close": "del"}
OMITTED = "\ufffc"  # Unicode's object replacement character


class Inventory(NamedTuple):
    """The addresses of the pictures of a text, the HTML elements it becomes, and whether it may have notes.

    The elements have also `input` for tasks, and `figcaption` for the caption of a picture.
    """

    has_notes: bool
    pictures: tuple[str, ...]
    elements: frozenset[str]


@lru_cache(maxsize=512)
def inventory(source: str) -> Inventory:
    """Return the pictures and the HTML elements of a text in Markdown, and whether it may have notes."""
    parsed = parse(source)
    tokens = list(_all_tokens(parsed.everything))
    pictures = [token for token in tokens if token.type == "image"]
    addresses = dict.fromkeys(str(picture.attrs["src"]) for picture in pictures)
    elements = {_NAMES.get(token.type, token.tag) for token in tokens}
    if any("title" in picture.attrs for picture in pictures):
        elements.add("figcaption")
    has_notes = bool(parsed.definitions or parsed.references)
    return Inventory(has_notes, tuple(addresses), frozenset(elements - {""}))


def paragraphs(source: str, notes: bool = True) -> list[str]:
    """Return each paragraph, heading, list item and cell as one line; `OMITTED` replaces inline code.

    Without `notes`, leave out the notes that the text defines.
    """
    tokens = parse(source).everything if notes else parse(source).tokens
    return ["".join(map(_words, token.children or [])) for token in tokens if token.type == "inline"]


def picture_words(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line of each picture, from 0, with its description and its caption."""
    for token in parse(source).everything:
        for picture in token.children or ():
            if picture.type == "image" and token.map and picture.map:
                line = token.map[0] + token.content.count("\n", 0, picture.map[0])
                yield line, f"{one_line.words([picture])} {picture.attrs.get('title', '')}"


def _words(token: Token) -> str:
    match token.type:
        case "code_inline":
            return OMITTED
        case "s_open" | "s_close" | "footnote_ref":
            return ""
    return one_line.words([token])


def _all_tokens(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()
