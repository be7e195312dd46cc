"""Check that the subject and the preheader have no marks of Markdown, and other lines no pictures."""

import re
from collections.abc import Iterator

from newsletter.checks.code import without_code
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue import files

_MARK = re.compile(r"\*\*(?=\S)|(?<=\S)\*\*|`[^`]{1,80}`|~~|\[[^\[\]]{1,80}\]\([^()\s]{1,80}\)")
_PICTURE = re.compile(r"(?<!\\)!\[[^\[\]]{0,80}\]\([^()\s]{1,500}\)")
# Lines that may have other Markdown; `text` is that of a link.
_LINES = ("title", "heading", "caption", "text")


def plain_fields(proof: Proof) -> Iterator[Problem]:
    """Markdown in the subject or the preheader, or a picture in a title, a heading, a caption or a link."""
    fields = {"subject": proof.rendered.subject, "preheader": proof.rendered.preheader}
    for name, line in fields.items():
        if mark := _MARK.search(line):
            what = f'inboxes show "{printable(mark[0], 40)}" of the {name} as it is written'
            yield Problem(files.where(proof.issue, (name,)), what, "write it without marks", "warning")
    for text in proof.texts:
        if text.markdown or text.loc[-1] not in _LINES or text.loc[0] == "extra":
            continue
        for picture in dict.fromkeys(_PICTURE.findall(without_code(text.content))):
            name = "link" if text.loc[-1] == "text" else text.loc[-1]
            what = f"readers would see no picture for {printable(picture, 40)}: a {name} has none"
            fix = "write it as `image:`, or in the text below"
            yield Problem(proof.where(text, picture), what, fix, "warning")
