"""Write parsed Markdown as plain text, wrapped at a width in columns."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from markdown_it.token import Token

from newsletter.network.web_address import ascii_address
from newsletter.render.commonmark import one_line
from newsletter.render.commonmark.notes import Note, NotedText
from newsletter.render.commonmark.parser import parse
from newsletter.render.commonmark.text_tables import Cell, table_text
from newsletter.render.east_asian import columns
from newsletter.render.pictures import Picture
from newsletter.render.wrapping import wrap

_BARE = ("autolink", "linkify")  # links whose words are their address


def to_text(text: NotedText, width: int, pictures: Mapping[str, Picture]) -> str:
    """Convert a passage to text, with its notes; a link's address follows its words in angle brackets."""
    words = _blocks(parse(text.source).tokens, width, text.numbers, pictures)
    return "\n\n".join(filter(None, (words, notes_to_text(text.notes, width, pictures))))


def notes_to_text(notes: Sequence[Note], width: int, pictures: Mapping[str, Picture]) -> str:
    """Convert notes to text: each begins with its number."""
    return "\n".join(_note(note, width, pictures) for note in notes)


def _note(note: Note, width: int, pictures: Mapping[str, Picture]) -> str:
    mark = f"[{note.number}] "
    return _indented(mark, _blocks(note.definition.tokens, width - len(mark), note.text.numbers, pictures))


def _blocks(
    tokens: Sequence[Token], width: int, numbers: Mapping[str, int], pictures: Mapping[str, Picture]
) -> str:
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    return _Writer(numbers, pictures, min(levels, default=1)).text(iter(tokens), width)


class _Writer:
    """Writes the blocks of one passage; `highest` is the level of its highest heading."""

    def __init__(self, numbers: Mapping[str, int], pictures: Mapping[str, Picture], highest: int) -> None:
        self._numbers, self._pictures, self._highest = numbers, pictures, highest

    def text(self, tokens: Iterator[Token], width: int) -> str:
        return "\n\n".join(text for _, text in self._blocks(tokens, width) if text)

    def _blocks(self, tokens: Iterator[Token], width: int) -> Iterator[tuple[Token, str]]:
        """Yield the blocks up to the closing token of their parent, each with its opening token."""
        for token in tokens:
            if token.nesting < 0:
                return
            yield token, self._block(token, tokens, width)

    def _block(self, token: Token, tokens: Iterator[Token], width: int) -> str:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                return self._list(token, tokens, width)
            case "blockquote_open":
                return textwrap.indent(self.text(tokens, width - 2), "> ", lambda _line: True)
            case "fence" | "code_block":
                return textwrap.indent(token.content.rstrip("\n"), "    ")
            case "hr":
                return "* * *"
            case "table_open":
                return table_text(list(self._rows(tokens)), width)
        # Only a hard break ends a line of text; a soft one is a line end in the issue file.
        lines = self._line(next(tokens).children or []).split("\n")
        next(tokens)
        text = "\n".join(wrap(line, width) for line in lines)
        return self._underlined(token, text) if token.type == "heading_open" else text

    def _underlined(self, heading: Token, text: str) -> str:
        """Return a heading with a line below it: of hyphens for the highest level, of tildes for others."""
        mark = "-" if int(heading.tag[1]) == self._highest else "~"
        return f"{text}\n{mark * max(map(columns, text.split(chr(10))))}" if text else ""

    def _list(self, opening: Token, tokens: Iterator[Token], width: int) -> str:
        items, start = [], int(opening.attrs.get("start", 1))
        bullets = (f"{n}. " if opening.type == "ordered_list_open" else "- " for n in count(start))
        for item, bullet in zip(tokens, bullets, strict=False):
            if item.nesting < 0:
                break
            items.append((bullet, list(self._blocks(tokens, width - len(bullet)))))
        # markdown-it hides the paragraphs of a list without blank lines.
        tight = all(block.hidden for _, item in items for block, _ in item if block.type == "paragraph_open")
        gap = "\n" if tight else "\n\n"
        return gap.join(_indented(bullet, gap.join(text for _, text in blocks)) for bullet, blocks in items)

    def _rows(self, tokens: Iterator[Token]) -> Iterator[list[Cell]]:
        """Yield the rows of a table up to its closing token."""
        row: list[Cell] = []
        align = ""
        for token in tokens:
            match token.type:
                case "th_open" | "td_open":
                    align = str(token.attrs.get("style", "")).removeprefix("text-align:")
                case "inline":
                    row.append(Cell(" ".join(self._line(token.children or []).split()), align))
                case "tr_close":
                    yield row
                    row = []
                case "table_close":
                    return

    def _line(self, tokens: Iterable[Token]) -> str:
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
                    parts[start:] = [_linked("".join(parts[start:]), link)]
                case "image":
                    parts.append(self._picture(token, is_linked=bool(links)))
                case "s_open" | "s_close":
                    parts.append("~~")
                case "footnote_ref":
                    label = token.meta["label"]
                    parts.append(f"[{self._numbers.get(label, f'^{label}')}]")
                case "task_mark":
                    parts.append("[x] " if token.meta["checked"] else "[ ] ")
                case _:
                    parts.append(token.content)
        return "".join(parts)

    def _picture(self, token: Token, is_linked: bool) -> str:
        """Return a picture's description, its address unless it is a link, and its caption in a new line."""
        src = str(token.attrs["src"])
        src = self._pictures.get(src, Picture(src)).src
        alt = one_line.words(token.children or [])
        shown = (alt or src) if is_linked else f"{alt} <{src}>" if alt else src
        caption = one_line.to_text(str(token.attrs.get("title", "")))
        return f"{shown}\n{caption}" if caption and not is_linked else shown


def _linked(words: str, link: Token) -> str:
    address = str(link.attrs["href"])
    is_bare = link.markup in _BARE
    if ascii_address(words) == address or (is_bare and ":" in words):
        return address  # the spelling that mail programs turn into a link
    if is_bare:
        return words
    return f"{words} <{address}>" if words else address


def _indented(bullet: str, text: str) -> str:
    return bullet + textwrap.indent(text, " " * len(bullet)).removeprefix(" " * len(bullet))
