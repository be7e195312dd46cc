"""The text part is a mail of its own: complete, and without anything of the HTML."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue import files

# RFC 5322, 2.1.1: lines should have at most 78 characters.
LONGEST_LINE = 78
_TAG = re.compile(
    r"</?(?:a|b|br|div|em|font|h[1-6]|hr|i|img|li|mj-[a-z]+|p|span|strong|table|t[dhr]|[uo]l)\b[^<>]*>"
)
_ENTITY = re.compile(r"&(?:amp|lt|gt|nbsp|quot|apos|#\d+|#x[0-9a-f]+);", re.IGNORECASE)


def text_part(proof: Proof) -> Iterator[Problem]:
    """A text part without a story or a link that the HTML has, with HTML in it, or with long lines."""
    text = proof.rendered.text
    if not text.strip():
        yield Problem(proof.issue.path, "the text part is empty", "see the template layout.txt.j2")
        return
    yield from _missing(proof, text)
    for left in _remains(proof, text):
        what = f"HTML is left in the text part: {printable(left)}"
        yield Problem(proof.where_in_text(left), what, _PLAIN)
    for line in text.split("\n"):
        if len(line) > LONGEST_LINE and "://" not in line and "mailto:" not in line and "[[" not in line:
            what = f'a line of {len(line)} characters in the text part ("{printable(line.strip(), 40)}")'
            fix = f"{LONGEST_LINE} are the most; use the filter `wrapped` in the template"
            yield Problem(proof.where_in_text(line), what, fix, "warning")


_PLAIN = "a .txt.j2 template writes text as it is; use the filter `plain` for Markdown"


def _remains(proof: Proof, text: str) -> Iterator[str]:
    """The first of each tag and each entity, but for what an editor writes about HTML."""
    found: dict[str, str] = {}
    for match in (*_TAG.finditer(text), *_ENTITY.finditer(text)):
        found.setdefault(match[0].strip("</>").split()[0], match[0])
    written = [one.content for one in proof.texts]
    return (left for left in found.values() if not any(left in content for content in written))


def _missing(proof: Proof, text: str) -> Iterator[Problem]:
    flat = " ".join(text.split()).casefold()
    for n, story in enumerate(proof.issue.stories):
        if " ".join(story.title.split()).casefold() not in flat:
            where = files.where(proof.issue, ("stories", n, "title"))
            what = f'the text part is without the story "{printable(story.title)}"'
            yield Problem(where, what, "see the template story.txt.j2")
    for target, link in proof.document.targets.items():
        leads = re.match(r"https?:|mailto:", target) and not PLACEHOLDER.search(target)
        if leads and target not in text and target.removeprefix("mailto:") not in text:
            what = f"the text part is without the link {printable(target)}"
            yield Problem(proof.where(link), what, "write it into the text template as well")
