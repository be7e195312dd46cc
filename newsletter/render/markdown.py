"""Convert Markdown (CommonMark without raw HTML) to HTML and to plain text, with markdown-it."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import count
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.network.web_address import ascii_address
from newsletter.render.wrapping import WIDTH, wrap

_PLACEHOLDER = re.compile(r"%5B%5B(\w+)%5D%5D")
OMITTED = "\ufffc"  # Unicode's object replacement character


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 50})
    percent_encoded = parser.normalizeLink

    def address(url: str) -> str:
        # An address that is only a placeholder, such as [[unsubscribe_url]], is filled later.
        encoded = percent_encoded(ascii_address(url))
        placeholder = _PLACEHOLDER.fullmatch(encoded)
        return f"[[{placeholder[1]}]]" if placeholder else encoded

    parser.normalizeLink = address  # type: ignore[method-assign]  # markdown-it's documented way to change it
    parser.add_render_rule("heading_open", _heading)
    parser.add_render_rule("heading_close", _heading)
    return parser


def _heading(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    highest = min(int(other.tag[1]) for other in tokens if other.type == "heading_open")
    level = min(6, env["below"] + 1 + int(token.tag[1]) - highest)
    return f"<h{level}>" if token.nesting > 0 else f"</h{level}>\n"


@lru_cache(maxsize=512)
def _parse(source: str) -> list[Token]:
    """Return the tokens of a passage, parsed once for HTML and text; callers must not change them."""
    tokens = _parser().parse(source)
    for token in tokens:
        token.children = token.children and list(_without_pictures(token.children))
    blocks = [token for token in tokens if token.level == 0 and token.nesting >= 0]
    if blocks and blocks[-1].type.endswith(("list_open", "paragraph_open", "quote_open")):
        blocks[-1].attrJoin("class", "last")
    return tokens


def _without_pictures(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens with a link in place of each picture.

    A picture in running text has no width and no place in the layout; a picture of `image:` has both.
    """
    inside_link = False
    for token in tokens:
        inside_link = token.type == "link_open" or (inside_link and token.type != "link_close")
        if token.type != "image":
            yield token
            continue
        words = Token("text", "", 0, content=_line(token.children or []) or str(token.attrs["src"]))
        opening = Token("link_open", "a", 1, attrs={"href": token.attrs["src"]})
        yield from (words,) if inside_link else (opening, words, Token("link_close", "a", -1))


def to_html(source: str, below: int = 3) -> str:
    """Convert a passage to HTML; its last block gets the class `last`, its headings start under h`below`."""
    html: str = _parser().renderer.render(_parse(source), _parser().options, {"below": below})
    return html.strip()


def to_text(source: str, width: int = WIDTH) -> str:
    """Convert a passage to wrapped plain text; a link's address follows its words in angle brackets."""
    return _text(iter(_parse(source)), width)


def paragraphs(source: str) -> list[str]:
    """Return each paragraph, heading and list item as one line of words; `OMITTED` replaces inline code."""
    return [_words(token.children or []) for token in _parse(source) if token.type == "inline"]


def _words(tokens: Iterable[Token]) -> str:
    replacements = {"softbreak": " ", "hardbreak": " ", "code_inline": OMITTED}
    return "".join(replacements.get(token.type, token.content) for token in tokens)


def _text(tokens: Iterator[Token], width: int) -> str:
    return "\n\n".join(text for _, text in _blocks(tokens, width))


def _blocks(tokens: Iterator[Token], width: int) -> Iterator[tuple[Token, str]]:
    """Yield the blocks up to the closing token of their parent, each with its opening token."""
    for token in tokens:
        if token.nesting < 0:
            return
        yield token, _block(token, tokens, width)


def _block(token: Token, tokens: Iterator[Token], width: int) -> str:
    match token.type:
        case "bullet_list_open" | "ordered_list_open":
            return _list(token, tokens, width)
        case "blockquote_open":
            return textwrap.indent(_text(tokens, width - 2), "> ", lambda _line: True)
        case "fence" | "code_block":
            return textwrap.indent(token.content.rstrip("\n"), "    ")
        case "hr":
            return "* * *"
    # In a paragraph or a heading only a hard break ends a line; a soft one is a line end in the issue file.
    lines = _line(next(tokens).children or []).split("\n")
    next(tokens)
    return "\n".join(wrap(line, width) for line in lines)


def _list(opening: Token, tokens: Iterator[Token], width: int) -> str:
    items, start = [], int(opening.attrs.get("start", 1))
    bullets = (f"{n}. " if opening.type == "ordered_list_open" else "- " for n in count(start))
    for item, bullet in zip(tokens, bullets, strict=False):
        if item.nesting < 0:
            break
        items.append((bullet, list(_blocks(tokens, width - len(bullet)))))
    # markdown-it hides the paragraphs of a list without blank lines.
    tight = all(block.hidden for _, item in items for block, _ in item if block.type == "paragraph_open")
    gap = "\n" if tight else "\n\n"
    return gap.join(_indented(bullet, gap.join(text for _, text in blocks)) for bullet, blocks in items)


def _indented(bullet: str, text: str) -> str:
    return bullet + textwrap.indent(text, " " * len(bullet)).removeprefix(" " * len(bullet))


def _line(tokens: Iterable[Token]) -> str:
    """Return inline text without emphasis; a link's address follows its words."""
    parts: list[str] = []
    links: list[tuple[int, Token]] = []
    for token in tokens:
        match token.type:
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "link_open":
                links.append((len(parts), token))
            case "link_close":
                start, link = links.pop()
                words, address = "".join(parts[start:]), str(link.attrs["href"])
                is_autolink = link.markup in ("autolink", "linkify")
                if ascii_address(words) == address or (is_autolink and ":" in words):
                    parts[start:] = [address]  # the spelling that mail programs turn into a link
                elif not is_autolink:
                    parts.append(f" <{address}>" if words else address)
            case _:
                parts.append(token.content)
    return "".join(parts)
