"""Check for invalid Markdown, which the mail shows literally: asterisks, broken links, HTML tags, lists."""

import re
from collections.abc import Iterator

from newsletter.checks.content.block_marks import stray_block_marks
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue.files import Text
from newsletter.render.markdown import OMITTED, paragraphs

# A backslash before a mark, or a character by its name or number. In code, `\\`` ends the code.
_ESCAPED = re.compile(r"\\[!-/:-@\[-_{-~]|&#?[0-9A-Za-z]{1,31};")

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
# CommonMark ends no emphasis between a punctuation mark and a letter: `**„Lauch“**er`.
_BESIDE_A_LETTER = re.compile(r"[^\w\s*]\*\*\w|\w\*\*[^\w\s*]")
_MOVE_THE_MARKS = "put ** inside the quotation marks or brackets, as in „**word**“, or a space beside it"


def stray_markdown(proof: Proof) -> Iterator[Problem]:
    """Asterisks, link brackets or HTML tags that readers would see."""
    for text, paragraph in _unescaped(proof):
        for pattern, fix in _STRAY:
            if stray := pattern.search(paragraph):
                excerpt = paragraph[max(0, stray.start() - 20) : stray.end() + 20].strip()
                shown = printable(excerpt).replace(OMITTED, "…")
                where = proof.where(text, stray[0].split()[0])
                if "**" in stray[0] and _BESIDE_A_LETTER.search(paragraph):
                    fix = _MOVE_THE_MARKS
                yield Problem(where, f'readers would see "{shown}"', fix, "warning")
    months = proof.newsletter.site.labels["months"].split()
    for text in proof.texts:
        for number, words, fix in stray_block_marks(text.content, months) if text.markdown else ():
            where = proof.where_line(text, number)
            yield Problem(where, f'readers would see "{printable(words.strip(), 40)}"', fix, "warning")


def _unescaped(proof: Proof) -> Iterator[tuple[Text, str]]:
    """Yield the paragraphs of each text in Markdown, without the characters that the editor has escaped."""
    for text in proof.texts:
        if text.markdown:
            yield from ((text, paragraph) for paragraph in paragraphs(_ESCAPED.sub(OMITTED, text.content)))
