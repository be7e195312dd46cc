"""Check for invalid Markdown, which the mail shows literally: asterisks, broken links, HTML tags, lists."""

import re
from collections.abc import Iterator

from newsletter.checks.content.block_marks import stray_block_marks
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

_STRAY = (
    (
        re.compile(r"(?<!\w)\*\*|\*\*(?!\w)|(?<!\w)__(?=\w)|(?<=\w)__(?!\w)"),
        "write **bold**: no spaces inside, and the same marks at both ends",
    ),
    (
        re.compile(r"\[[^\[\]]+\]\s?\(\s*(?:https?:|mailto:|www\.|/\w)\S*"),
        "write [text](https://…), without spaces between or inside",
    ),
    (
        re.compile(r"\([^()\n]{1,200}\)\s?\[\s*(?:https?:|mailto:|www\.)\S*"),
        "write [text](https://…): square brackets around the words, round ones around the address",
    ),
    (
        re.compile(
            r"(?:[\uff3b\u3010\u3014][^\uff3b\uff3d\u3010\u3011\u3014\u3015\[\]]{1,200}[\uff3d\u3011\u3015\]]\s?[(\uff08]"
            r"|\[[^\[\]]{1,200}[\]\uff3d]\s?\uff08)\s*(?:https?:|mailto:|www\.)\S*"
        ),
        "write [text](https://…) with ordinary brackets",
    ),
    (re.compile(r"\uff0a\uff0a"), "write **bold** with ordinary asterisks"),
    (re.compile(r"\uff40[^\uff40]{1,200}\uff40"), "write `code` with ordinary backticks"),
    (
        re.compile(r"</?(?:[bipu]|br|em|strong|span|div|sup|sub|center|font|img)\b[^<>]*>"),
        "write Markdown: HTML tags are shown as text",
    ),
)


def stray_markdown(proof: Proof) -> Iterator[Problem]:
    """Asterisks, link brackets, HTML tags or marks of blocks that readers would see."""
    for text, paragraph in proof.prose:
        if not text.markdown:
            continue
        for pattern, fix in _STRAY:
            if stray := pattern.search(paragraph):
                shown = printable(paragraph[max(0, stray.start() - 20) : stray.end() + 20].strip())
                where = proof.where(text, stray[0].split()[0])
                yield Problem(where, f'readers would see "{shown}"', fix, "warning")
    months = proof.newsletter.site.labels["months"].split()
    for text in proof.texts:
        for line, fix in stray_block_marks(text.content, months) if text.markdown else ():
            (where,) = proof.where_lines(text, [line.strip()])
            yield Problem(where, f'readers would see "{printable(line.strip(), 40)}"', fix, "warning")
