"""Write Markdown for GitHub around texts of a stranger's branch, which stay text whatever they hold.

https://github.github.com/gfm/ and https://docs.github.com/get-started/writing-on-github: besides Markdown and
HTML, GitHub turns @names and #numbers into notifications, addresses into links, and $…$ into formulas.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from newsletter.display import escaped

MAX_TEXT_LENGTH = 500
_ZERO_WIDTH_SPACE = "\u200b"
# A zero-width space ends what GitHub searches for; a link to an issue would appear in that issue too.
_FOUND_BY_GITHUB = re.compile(r"[@#]|:(?=[\w/+-])|\b[Gg][Hh](?=-\d)|\b[Ww]{3}(?=\.)")
_ENTITIES = {ord(character): f"&#{ord(character)};" for character in "\\`*_[]|~<>&\u200b"}
# GitHub's own way to write a dollar that begins no formula.
_ENTITIES[ord("$")] = "<span>$</span>"
# Characters that begin a block at the start of a line: a list, a heading, an underline, a table.
_BLOCK = re.compile(r"[-+=:#]|(?<=\d)[.)]")
_DIGITS = re.compile(r"\d{0,9}")


def escape(text: str, max_length: int | None = MAX_TEXT_LENGTH) -> str:
    """Return a text of any origin as Markdown that shows this text, in one line, and does nothing else."""
    line = escaped(text, max_length).strip()
    line = _FOUND_BY_GITHUB.sub(lambda found: found[0] + _ZERO_WIDTH_SPACE, line)
    digits = _DIGITS.match(line)
    start = digits.end() if digits else 0
    block = _BLOCK.match(line, start)
    if block and not (start and block[0] not in ".)"):
        first = f"{line[:start]}&#{ord(block[0])};"
        return first + line[block.end() :].translate(_ENTITIES)
    return line.translate(_ENTITIES)


def link(label: str, url: str | None) -> str:
    """Return a link with a label in Markdown; without an address, the label."""
    return f"[{label}]({url})" if url else label


def table(heads: Iterable[str], alignment: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table of cells in Markdown; an alignment is `:--` or `--:`."""
    return [_row(heads), f"|{'|'.join(alignment)}|", *map(_row, rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def folded(summary: str, lines: Iterable[str]) -> list[str]:
    """Return lines that a reader opens with a click; the summary is HTML in one line."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"]


def trimmed(
    lines: Sequence[str], end: Sequence[str], size: int, *, left_out: str, measure: Callable[[str], int] = len
) -> str:
    """Return the lines and then `end` as one text of at most `size`; cut after a whole line if it is longer.

    If lines are left out, `left_out` says so before `end`, and a part that is folded is closed. `measure`
    returns the size of a text, by default its number of characters.
    """
    whole = "\n".join([*lines, *end, ""])
    if measure(whole) <= size:
        return whole
    closing = ["", "</details>"]
    room = size - measure("\n".join(["", *closing, "", left_out, "", *end, ""]))
    kept: list[str] = []
    for line in lines:
        room -= measure(line) + 1
        if room < 0:
            break
        kept.append(line)
    is_open = sum(line.startswith("<details>") - (line == "</details>") for line in kept) > 0
    return "\n".join([*kept, *(closing if is_open else []), "", left_out, "", *end, ""])
