"""Check for invalid Markdown, which the mail shows literally: asterisks, broken links, HTML tags."""

import re
from collections.abc import Iterator

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
    # One # may begin a hashtag: #ICYDNCI, #soup, #BlackFriday, and any in a sentence.
    (
        re.compile(
            r"^(?:#{2,6}(?=[^\W\d_])|#(?![a-zß-öø-ÿα-ωа-я])(?=[^\W\d_][^\W\d_A-Z]+(?: [^.!?:#]{0,50})?$))"
        ),
        "put a space after the #, or delete the #; write \\# for a hashtag",
    ),
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


def _unescaped(proof: Proof) -> Iterator[tuple[Text, str]]:
    """Yield the paragraphs of each text in Markdown, without the characters that the editor has escaped."""
    for text in proof.texts:
        if text.markdown:
            yield from ((text, paragraph) for paragraph in paragraphs(_ESCAPED.sub(OMITTED, text.content)))
