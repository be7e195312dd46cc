"""Check that inboxes show the whole subject, and that it does not look like a reply."""

import re
from collections.abc import Iterator

from newsletter.checks.inbox_preview import DESKTOP_SUBJECT_COLUMNS, PHONE_SUBJECT_COLUMNS, columns, cut
from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.issue import files

_REPLY_PREFIX = re.compile(r"(?:re|aw|fwd?|wg|tr|rv)\s*:", re.IGNORECASE)


def subject(proof: Proof) -> Iterator[Problem]:
    """A subject that inboxes cut off, or one that looks like a reply (Re:)."""
    where, line = files.where(proof.issue, ("subject",)), proof.rendered.subject
    width = columns(line)
    fix = f"shorten it to {PHONE_SUBJECT_COLUMNS} columns, or put the important words first"
    if width > DESKTOP_SUBJECT_COLUMNS:
        what = f'the subject is {width} columns wide; a desktop shows "{cut(line, DESKTOP_SUBJECT_COLUMNS)}"'
        yield Problem(where, what, fix, "warning")
    elif width > PHONE_SUBJECT_COLUMNS:
        what = f'the subject is {width} columns wide; a phone shows "{cut(line, PHONE_SUBJECT_COLUMNS)}"'
        yield Problem(where, what, fix, "note")
    if prefix := _REPLY_PREFIX.match(line):
        what = f'the subject starts with "{prefix[0]}", as a reply does'
        fix = f'delete "{prefix[0]}": spam filters and readers take it for a trick'
        yield Problem(where, what, fix, "warning")
