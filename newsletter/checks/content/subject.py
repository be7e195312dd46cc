"""A subject has to be read in an inbox, and to be what it says."""

import re
from collections.abc import Iterator

from newsletter.checks.inbox_preview import DESKTOP_SUBJECT, PHONE_SUBJECT, columns, cut
from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.issue import files

_ANSWER = re.compile(r"(?:re|aw|fwd?|wg|tr|rv)\s*:", re.IGNORECASE)


def subject(proof: Proof) -> Iterator[Problem]:
    """A subject that inboxes cut off, or that pretends to be an answer."""
    where, line = files.where(proof.issue, ("subject",)), proof.rendered.subject
    width = columns(line)
    if width > DESKTOP_SUBJECT:
        what = f'the subject is {width} columns wide; a desktop shows "{cut(line, DESKTOP_SUBJECT)}"'
        yield Problem(where, what, f"say it in {PHONE_SUBJECT}, or put what counts first", "warning")
    elif width > PHONE_SUBJECT:
        what = f'the subject is {width} columns wide; a phone shows "{cut(line, PHONE_SUBJECT)}"'
        yield Problem(where, what, f"say it in {PHONE_SUBJECT}, or put what counts first", "note")
    if answer := _ANSWER.match(line):
        what = f'the subject starts with "{answer[0]}" as if it were an answer'
        yield Problem(where, what, "delete that; spam filters know it, and readers feel tricked", "warning")
