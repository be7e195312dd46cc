"""Markdown that is not read as such is shown as it stands: asterisks around words, a link in pieces."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

_STRAY = (
    (
        re.compile(r"(?<!\w)\*\*|\*\*(?!\w)|(?<!\w)__(?=\w)|(?<=\w)__(?!\w)"),
        "no space inside: **bold**, and as many behind",
    ),
    (
        re.compile(r"\[[^\[\]]+\]\s?\(\s*(?:https?:|mailto:|www\.|/\w)\S*"),
        "write [text](https://…), without spaces between or inside",
    ),
    (re.compile(r"^#{1,6}(?=[^\W\d_])"), "put a space behind the #, or write it without"),
    (
        re.compile(r"</?(?:[bipu]|br|em|strong|span|div|sup|sub|center|font|img)\b[^<>]*>"),
        "HTML is not read: use Markdown",
    ),
)


def stray_markdown(proof: Proof) -> Iterator[Problem]:
    """Asterisks, link brackets or HTML tags that readers would see."""
    for text, paragraph in proof.prose:
        if not text.markdown:
            continue
        for pattern, fix in _STRAY:
            if stray := pattern.search(paragraph):
                shown = printable(paragraph[max(0, stray.start() - 20) : stray.end() + 20].strip())
                where = proof.where(text, stray[0].split()[0])
                yield Problem(where, f'readers would see "{shown}"', fix, "warning")
