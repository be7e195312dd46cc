"""What was there already: in this issue, or in an earlier one."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import IssueError, Problem
from newsletter.issue import files
from newsletter.issue.model import Issue, Story


def repeated(proof: Proof) -> Iterator[Problem]:
    """A story twice in the issue; a subject or a story's link that an earlier issue had."""
    yield from _within(proof)
    for earlier in _suspects(proof):
        if earlier.subject == proof.issue.subject:
            what = f"the subject is that of {earlier.name} ({files.where(earlier, ('subject',))})"
            yield Problem(files.where(proof.issue, ("subject",)), what, "write another one", "warning")
        known = {_same(story.link): n for n, story in enumerate(earlier.stories)}
        for n, story in enumerate(proof.issue.stories):
            if (there := known.get(_same(story.link))) is not None:
                before = files.where(earlier, ("stories", there, "link"))
                what = f'"{printable(story.title)}" was in the issue of {earlier.name} ({before})'
                fix = "fine if there is news of it; say so"
                yield Problem(files.where(proof.issue, ("stories", n, "link")), what, fix, "note")


def _within(proof: Proof) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for n, story in enumerate(proof.issue.stories):
        for part, key in (("link", _same(story.link)), ("title", _title(story))):
            if first.setdefault(key, n) != n:
                there = files.where(proof.issue, ("stories", first[key], part))
                what = f'the {part} of "{printable(story.title)}" stands in {there} already'
                where = files.where(proof.issue, ("stories", n, part))
                yield Problem(where, what, "delete one of the two, or correct it", "warning")


def _suspects(proof: Proof) -> Iterator[Issue]:
    """Earlier issues that hold one of the links or the subject; only these are read as a whole."""
    links = [urlsplit(story.link) for story in proof.issue.stories]
    sought = [proof.issue.subject, *(f"{link.netloc}{link.path.rstrip('/')}" for link in links)]
    sought = [one.casefold() for one in sought]
    for path in reversed(proof.earlier):
        with suppress(OSError, IssueError):
            text = path.read_bytes().decode("utf-8", "replace").casefold()
            if any(one in text for one in sought):
                yield files.load(path)


def _same(link: str) -> str:
    """Equal for addresses that lead to the same page."""
    parts = urlsplit(link)
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}?{parts.query}"


def _title(story: Story) -> str:
    return f"title {' '.join(story.title.casefold().split())}"
