"""Block rules beside those of CommonMark: HTML comments, and tables of a bounded width."""

from markdown_it.rules_block import StateBlock, table

MAX_TABLE_COLUMNS = 20


def bounded_table(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """Parse a table of at most MAX_TABLE_COLUMNS; markdown-it fills up the cells of short rows."""
    if startLine + 2 > endLine:
        return False
    rule = state.bMarks[startLine + 1] + state.tShift[startLine + 1]
    if state.src[rule : rule + 1] not in ("|", "-", ":"):  # spares most paragraphs the rest
        return False
    first, last = state.bMarks[startLine], state.eMarks[startLine]
    if state.src.count("|", first, last) - state.src.count("\\|", first, last) > MAX_TABLE_COLUMNS + 1:
        return False
    return table(state, startLine, endLine, silent)


def drop_comment(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """Skip an HTML comment that begins a line, with the line ends in it; the text behind it stays."""
    start = state.bMarks[startLine] + state.tShift[startLine]
    if not state.src.startswith("<!--", start) or state.is_code_block(startLine):
        return False
    limit = state.eMarks[endLine - 1]
    end = _comment_end(state, start, limit)
    while end and state.src.startswith("<!--", start := _next_word(state, end, limit)):
        following = _comment_end(state, start, limit)
        if not following:
            break
        end = following
    if not end:
        return False
    line = _line_of(state, startLine, endLine, end)
    rest = _next_word(state, end, state.eMarks[line])
    if line == startLine and rest < state.eMarks[line]:
        return False  # the rule of inline comments skips it
    if silent:
        return True
    state.line = line + 1
    if rest < state.eMarks[line]:  # the rest of the last line is read as a line of its own
        state.bMarks[line], state.tShift[line], state.sCount[line] = rest, 0, state.blkIndent
        state.line = line
    return True


def _comment_end(state: StateBlock, start: int, limit: int) -> int:
    # Known once for each limit: a search from each of many starts without an end would take long.
    ends: dict[int, int] = state.env.setdefault("comment_ends", {})
    if limit not in ends:
        ends[limit] = state.src.rfind("-->", 0, limit)
    return state.src.find("-->", start + 4, limit) + 3 if ends[limit] >= start + 4 else 0


def _next_word(state: StateBlock, position: int, limit: int) -> int:
    while position < limit and state.src[position] in " \t":
        position += 1
    return position


def _line_of(state: StateBlock, first: int, end: int, position: int) -> int:
    """Return the line of a position, which is at `first` or in a line between it and `end`."""
    return next((line for line in range(first, end) if position <= state.eMarks[line]), end - 1)
