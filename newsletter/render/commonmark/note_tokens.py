"""Take the definitions of notes and the references to notes out of the tokens of a parsed text."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it.token import Token


class Reference(NamedTuple):
    """A reference to a note: its label, and its line from 0."""

    label: str
    line: int


class Definition(NamedTuple):
    """The definition of a note: its label, its line from 0, its blocks, and its references to other notes."""

    label: str
    line: int
    tokens: list[Token]
    references: tuple[Reference, ...]


def separate(tokens: Sequence[Token]) -> tuple[list[Token], tuple[Definition, ...]]:
    """Return the tokens of a text without definitions of notes, and the definitions from top to bottom."""
    text: list[Token] = []
    blocks, found, open_ = text, list[tuple[Token, list[Token]]](), [text]
    for token in tokens:
        if token.type == "footnote_reference_open":
            found.append((token, blocks := []))
            open_.append(blocks)
        elif token.type == "footnote_reference_close":
            open_.pop()
            blocks = open_[-1]
        else:
            blocks.append(token)
    return text, tuple(_definition(opening, blocks) for opening, blocks in found)


def _definition(opening: Token, blocks: list[Token]) -> Definition:
    if len(blocks) == 3 and blocks[0].type == "paragraph_open":
        blocks[0].hidden = blocks[2].hidden = True  # as markdown-it does in lists
    line = opening.map[0] if opening.map else 0
    return Definition(opening.meta["label"], line, blocks, tuple(references_in(blocks)))


def references_in(tokens: Sequence[Token]) -> Iterator[Reference]:
    """Yield each reference to a note in some blocks."""
    for block in tokens:
        line, position = (block.map or [0])[0], 0
        for token in block.children or ():
            if token.type == "footnote_ref":
                start = token.map[0] if token.map else position
                line, position = line + block.content.count("\n", position, start), start
                yield Reference(token.meta["label"], line)
