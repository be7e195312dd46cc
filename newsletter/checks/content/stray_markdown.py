"""Check for invalid Markdown, which the mail shows literally: asterisks, broken links, HTML tags."""

import re
from collections.abc import Iterator

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
    (re.compile(r"^#{1,6}(?=[^\W\d_])"), "put a space after the #, or delete the #"),
    (
        re.compile(r"</?(?:[bipu]|br|em|strong|span|div|sup|sub|center|font|img)\b[^<>]*>"),
        "write Markdown: HTML tags are shown as text",
    ),
)
# CommonMark ends no emphasis between a punctuation mark and a letter: `**„Lauch“**er`.
_BESIDE_A_LETTER = re.compile(r"[^\w\s*]\*\*\w|\w\*\*[^\w\s*]")
_MOVE_THE_MARKS = "put ** inside the quotation marks or brackets, as in „**word**“, or a space beside it"


def stray_markdown(proof: Proof) -> Iterator[Problem]:
    """Asterisks, link brackets or HTML tags that readers would see."""
    for text, paragraph in proof.prose:
        if not text.markdown:
            continue
        for pattern, fix in _STRAY:
            if stray := pattern.search(paragraph):
                shown = printable(paragraph[max(0, stray.start() - 20) : stray.end() + 20].strip())
                where = proof.where(text, stray[0].split()[0])
                if "**" in stray[0] and _BESIDE_A_LETTER.search(paragraph):
                    fix = _MOVE_THE_MARKS
                yield Problem(where, f'readers would see "{shown}"', fix, "warning")
