"""What inboxes show behind the subject: the first text of the mail, which is to be the preheader alone."""

import re
from collections.abc import Iterator

from newsletter.checks.document import runs
from newsletter.checks.inbox_preview import LEAST_PREHEADER, MOST_PREHEADER, SHOWN_BEHIND, columns, cut, seen
from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.issue import files

_BETWEEN = re.compile(r"[\W_]+")


def preheader(proof: Proof) -> Iterator[Problem]:
    """A preheader that repeats the subject, is too short or too long, or is not what inboxes show."""
    where, line = files.where(proof.issue, ("preheader",)), proof.rendered.preheader
    width = columns(line)
    if _alike(line, proof.rendered.subject):
        yield Problem(where, "the preheader says the subject again", "say what else is in it", "warning")
    if width < LEAST_PREHEADER:
        what = f"the preheader has {width} columns; inboxes show {LEAST_PREHEADER} to {SHOWN_BEHIND}"
        yield Problem(where, what, "use the room: say what else is in it", "note")
    elif width > MOST_PREHEADER:
        what = f'the preheader has {width} columns; inboxes end with "…{cut(line, SHOWN_BEHIND)[-30:]}"'
        yield Problem(where, what, "shorten it, or put what counts first", "note")
    yield from _shown(proof, where)


def _shown(proof: Proof, where: str) -> Iterator[Problem]:
    """The row of an inbox, from the HTML as it is."""
    line, first = seen(proof.rendered.preheader), list(_first_words(proof))
    behind = seen(" ".join(first))
    if not behind.startswith(line):
        what = f'inboxes show "{cut(behind, LEAST_PREHEADER)}" in place of the preheader'
        yield Problem(proof.issue.path, what, "put the preheader first in the layout template", "warning")
        return
    more = next(filter(seen, first[1:]), "")
    room = SHOWN_BEHIND - columns(first[0])
    if more and room > 0:
        what = f'inboxes go on behind the preheader with "{cut(more, max(room, 10))}"'
        yield Problem(where, what, "write a longer one, or let the template fill up with blanks", "warning")


def _first_words(proof: Proof) -> Iterator[str]:
    for body in proof.document.named("body"):
        yield from runs(body)


def _alike(one: str, other: str) -> bool:
    a, b = (_BETWEEN.sub(" ", text).strip().casefold() for text in (one, other))
    return a == b or (len(b) > 10 and a.startswith(b) and len(a) < len(b) + 15)
