"""Wrap text in lines of at most 72 columns, the customary width of text mails."""

import re
import unicodedata
from collections.abc import Iterator

from newsletter.network.web_address import ADDRESS, EAST_ASIAN_MARKS
from newsletter.render.east_asian import NOT_FIRST, NOT_LAST, character_columns, columns, is_unspaced

WIDTH = 72
_MIN_PIECE_COLUMNS = 20  # the least width of a piece of a long word, at any indentation
_SPACES = re.compile(r"[ \t\r\n\f\v]+")  # without the no-break space
# From U+1100 on. Written as the rest of all characters, because Python compiles that ten times as fast.
_PERHAPS_CJK = re.compile("[^\x00-\u10ff]")
_MARKS_TO_SPACES = dict.fromkeys(map(ord, EAST_ASIAN_MARKS), " ")
_COMBINING = ("Mn", "Mc", "Me", "Cf")


def wrap(text: str, width: int = WIDTH, prefix: str = "") -> str:
    """Wrap text into lines of at most `width` columns, all but the first with `prefix`; break no address.

    A line ends at a space, or between two characters of which one is Chinese or Japanese.
    """
    if text.isascii() and (wrapped := _wrap_ascii(text, width, prefix)) is not None:
        return wrapped
    lines, line, used = [], "", 0
    indent = columns(prefix)
    for gap, piece in _pieces(text, max(_MIN_PIECE_COLUMNS, width - indent)):
        size = len(piece) if piece.isascii() else columns(piece)
        if not line:
            line, used = piece, size
        elif used + len(gap) + size <= width:
            line += gap + piece
            used += len(gap) + size
        else:
            lines.append(line)
            line, used = prefix + piece, indent + size
    return "\n".join([*lines, line])


def _wrap_ascii(text: str, width: int, prefix: str) -> str | None:
    """Wrap a text of ASCII characters, as nearly every paragraph is; return None if a word needs a line.

    One search for the end of each line takes a tenth of the time of one step for each word.
    """
    joined = " ".join(text.split())
    indent = columns(prefix)
    lines: list[str] = []
    start = 0
    while len(joined) - start > (room := width - indent if lines else width):
        end = joined.rfind(" ", start, start + room + 1)
        if end < 0:
            return None
        lines.append(joined[start:end])
        start = end + 1
    return f"\n{prefix}".join([*lines, joined[start:]])


def widest_piece(text: str) -> int:
    """Return the width of the widest part of a text in which no line may end, in columns."""
    return max((columns(piece) for _, piece in _pieces(text, len(text) * 2)), default=0)


def _pieces(text: str, width: int) -> Iterator[tuple[str, str]]:
    """Yield the parts between which a line may end, each with the space before it, if any."""
    for word in filter(None, _SPACES.split(text)):
        if word.isascii() and len(word) <= width:  # nearly every word of a European language
            yield " ", word
            continue
        gap = " "
        for piece in _unspaced_pieces(word) if _PERHAPS_CJK.search(word) else (word,):
            for part in (piece,) if ADDRESS.search(piece) else _short_pieces(piece, width):
                yield gap, part
                gap = ""


def _unspaced_pieces(word: str) -> Iterator[str]:
    """Split a word where Chinese and Japanese permit a line to end."""
    whole = set[int]()
    for address in ADDRESS.finditer(word):
        # A link is in ASCII here: what follows such a mark is the text behind an address that is no link.
        link, _, _ = address[0].translate(_MARKS_TO_SPACES).partition(" ")
        whole.update(range(address.start() + 1, address.start() + len(link)))
    start = 0
    for end in range(1, len(word)):
        before, after = word[end - 1], word[end]
        if (
            (is_unspaced(before) or is_unspaced(after))
            and after not in NOT_FIRST
            and before not in NOT_LAST
            and end not in whole
            and not _is_combining(after)
        ):
            yield word[start:end]
            start = end
    yield word[start:]


def _short_pieces(word: str, width: int) -> Iterator[str]:
    """Split a word that is wider than a line; keep combining characters with the character before them."""
    if columns(word) <= width:
        yield word
        return
    start, used = 0, 0
    for end, character in enumerate(word):
        used += character_columns(character)
        if used > width and end > start:
            cut = _cut(word, start, end)
            yield word[start:cut]
            start, used = cut, columns(word[cut : end + 1])
    yield word[start:]


def _cut(word: str, start: int, end: int) -> int:
    """Return the last place up to `end` that separates no combining or joined character; else `end`."""
    for place in range(end, start, -1):
        if not _is_combining(word[place]) and word[place - 1] != "\u200d":
            return place
    return end


def _is_combining(character: str) -> bool:
    # The last five are the skin colours of emoji.
    return unicodedata.category(character) in _COMBINING or "\U0001f3fb" <= character <= "\U0001f3ff"
