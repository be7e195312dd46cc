"""Check the preheader, which inboxes show after the subject: its length, and its place in the mail."""

import re
from collections.abc import Iterator

from newsletter.checks.document import runs
from newsletter.checks.inbox_preview import (
    MAX_PREHEADER_COLUMNS,
    MIN_PREHEADER_COLUMNS,
    PREVIEW_COLUMNS,
    columns,
    cut,
    visible_text,
)
from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.issue import files

_NOT_LETTERS = re.compile(r"[\W_]+")


def preheader(proof: Proof) -> Iterator[Problem]:
    """A preheader that repeats the subject, is too short or too long, or is not shown by inboxes."""
    where, line = files.where(proof.issue, ("preheader",)), proof.rendered.preheader
    width = columns(line)
    if _repeats(line, proof.rendered.subject):
        fix = "mention something else from the issue"
        yield Problem(where, "the preheader repeats the subject", fix, "warning")
    if width < MIN_PREHEADER_COLUMNS:
        what = f"the preheader has {width} columns; inboxes show {MIN_PREHEADER_COLUMNS} to {PREVIEW_COLUMNS}"
        yield Problem(where, what, "use the space: mention something else from the issue", "note")
    elif width > MAX_PREHEADER_COLUMNS:
        end = cut(line, PREVIEW_COLUMNS)[-30:]
        what = f'the preheader has {width} columns; inboxes cut it off after "…{end}"'
        yield Problem(where, what, "shorten it, or put the important words first", "note")
    yield from _inbox_row(proof, where)


def _inbox_row(proof: Proof, where: str) -> Iterator[Problem]:
    """Yield the problems of the text that inboxes show after the subject: the first text of the HTML part."""
    line, texts = visible_text(proof.rendered.preheader), list(_texts(proof))
    preview = visible_text(" ".join(texts))
    if not preview.startswith(line):
        what = f'inboxes show "{cut(preview, MIN_PREHEADER_COLUMNS)}" instead of the preheader'
        yield Problem(proof.issue.path, what, "put the preheader first in the layout template", "warning")
        return
    following = next(filter(visible_text, texts[1:]), "")
    space = PREVIEW_COLUMNS - columns(texts[0])
    if following and space > 0:
        what = f'inboxes show "{cut(following, max(space, 10))}" after the preheader'
        fix = "write a longer preheader, or fill the space with blanks in the template"
        yield Problem(where, what, fix, "warning")


def _texts(proof: Proof) -> Iterator[str]:
    for body in proof.document.named("body"):
        yield from runs(body)


def _repeats(preheader: str, subject: str) -> bool:
    line, title = (_NOT_LETTERS.sub(" ", text).strip().casefold() for text in (preheader, subject))
    return line == title or (len(title) > 10 and line.startswith(title) and len(line) < len(title) + 15)
