"""Check for tables that Markdown does not read as they look, and for those that a phone breaks."""

from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import counted, printable
from newsletter.errors import Problem
from newsletter.issue.files import Text
from newsletter.render.commonmark import inspection
from newsletter.render.commonmark.block_rules import MAX_TABLE_COLUMNS
from newsletter.render.commonmark.table_width import PHONE_WIDTH


def tables(proof: Proof) -> Iterator[Problem]:
    """A table wider than a phone, one that stays text, or a row with more cells than the head."""
    for text in proof.texts:
        if text.markdown and "|" in text.content:
            for number, what, fix in _problems(text):
                yield Problem(proof.where_line(text, number), what, fix, "warning")


def _problems(text: Text) -> Iterator[tuple[int, str, str]]:
    for table in inspection.table_widths(text.content):
        if table.number > PHONE_WIDTH:
            what = f"on a phone, words of this table are broken: it needs about {table.number} pixels"
            yield table.line, what, f"use fewer columns or shorter words: a phone has {PHONE_WIDTH} pixels"
    for row in inspection.long_rows(text.content):
        cells = counted(row.number, "cell")
        what = f'the row "{printable(row.words.strip(), 40)}" has {cells} more than the head of the table'
        yield row.line, f"{what}, which readers do not see", "add columns to the head, or write | as \\|"
    for head in inspection.unread_tables(text.content):
        what = f'"{printable(head.words.strip(), 40)}" is not read as a table'
        fix = f"give the head and the line of hyphens the same number of cells, at most {MAX_TABLE_COLUMNS}"
        yield head.line, what, fix
