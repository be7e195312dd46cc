"""Find HTML comments in Markdown, for the rules that leave them out of issues and of mails."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock


class BlockComment(NamedTuple):
    """A comment that begins a line: its last line, and the position of the text behind it, 0 for none."""

    last_line: int
    text: int


def comment_end(source: str, start: int, limit: int, last_ends: dict[int, int]) -> int:
    """Return the position after the comment at `start`; 0 if none begins there, or none ends before `limit`.

    `last_ends` keeps the last end before each limit: a search from each of many starts without an end would
    take long.
    """
    if not source.startswith("<!--", start):
        return 0
    if limit not in last_ends:
        last_ends[limit] = source.rfind("-->", 0, limit)
    return source.find("-->", start + 4, limit) + 3 if last_ends[limit] >= start + 4 else 0


def block_comment(state: "StateBlock", first: int, end: int) -> BlockComment | None:
    """Return the comment that begins the line `first`, with those that follow it directly.

    Return None for a comment before other words of its line, which is one of running text.
    """
    start = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first):
        return None
    limit, after = state.eMarks[end - 1], 0
    last_ends: dict[int, int] = state.env.setdefault("comment_ends", {})
    while following := comment_end(state.src, start, limit, last_ends):
        after, start = following, _next_word(state.src, following, limit)
    if not after:
        return None
    line = next((line for line in range(first, end) if after <= state.eMarks[line]), end - 1)
    text = _next_word(state.src, after, state.eMarks[line])
    has_text = text < state.eMarks[line]
    return None if has_text and line == first else BlockComment(line, text if has_text else 0)


def _next_word(source: str, position: int, limit: int) -> int:
    while position < limit and source[position] in " \t":
        position += 1
    return position
