"""Check that the subject and the preheader, which are plain text, have no marks of Markdown."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue import files

_MARK = re.compile(r"\*\*(?=\S)|(?<=\S)\*\*|`[^`]{1,80}`|~~|\[[^\[\]]{1,80}\]\([^()\s]{1,80}\)")


def plain_fields(proof: Proof) -> Iterator[Problem]:
    """Markdown in the subject or the preheader, which inboxes show as it is written."""
    fields = {"subject": proof.rendered.subject, "preheader": proof.rendered.preheader}
    for name, line in fields.items():
        if mark := _MARK.search(line):
            what = f'inboxes show "{printable(mark[0], 40)}" of the {name} as it is written'
            yield Problem(files.where(proof.issue, (name,)), what, "write it without marks", "warning")
