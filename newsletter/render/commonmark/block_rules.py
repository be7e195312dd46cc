"""Block rules beside those of CommonMark: HTML comments, and tables of a bounded width."""

from markdown_it.rules_block import StateBlock, table

from newsletter.issue.markdown.comments import block_comment

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
    found = block_comment(state, startLine, endLine)
    if found is None or silent:
        return found is not None
    state.line = found.last_line + 1
    if found.text:  # the rest of the last line is read as a line of its own
        line = state.line = found.last_line
        state.bMarks[line], state.tShift[line], state.sCount[line] = found.text, 0, state.blkIndent
    return True
