"""Check for stories that occur twice in an issue, and for stories and subjects of an earlier issue."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from newsletter.checks.proof import Proof
from newsletter.disk import reading
from newsletter.display import printable
from newsletter.errors import IssueError, Problem
from newsletter.issue import files
from newsletter.issue.model import Issue, Story
from newsletter.network.web_address import with_ascii_addresses
from newsletter.yamlfile import reader
from newsletter.yamlfile.values import Loc


def repeated(proof: Proof) -> Iterator[Problem]:
    """A story twice in the issue; a subject or a story's link of an earlier issue.

    Advertisements, and links to the newsletter's own `site`, may be in every issue.
    """
    yield from _repeated_in_issue(proof)
    for earlier in _candidates(proof):
        if earlier.subject == proof.issue.subject:
            what = f"the issue of {earlier.name} has the same subject ({files.where(earlier, ('subject',))})"
            yield Problem(files.where(proof.issue, ("subject",)), what, "write another subject", "warning")
        known = {_page_key(story.link): loc for loc, story in earlier.located_stories() if story.link}
        for loc, story in _new_stories(proof):
            if story.link and (known_at := known.get(_page_key(story.link))) is not None:
                before = files.where(earlier, (*known_at, "link"))
                what = f'"{printable(story.title)}" was in the issue of {earlier.name} ({before})'
                fix = "keep it if there is news about it, and say so in the text"
                yield Problem(files.where(proof.issue, (*loc, "link")), what, fix, "note")


def _repeated_in_issue(proof: Proof) -> Iterator[Problem]:
    first: dict[str, Loc] = {}
    home = _page_key(proof.newsletter.config.site or "")
    for loc, story in proof.issue.located_stories():
        if story.sponsor:
            continue
        page = _page_key(story.link) if story.link else home
        parts = [("link", page)] if page != home else []
        for part, key in (*parts, ("title", _title_key(story))):
            if first.setdefault(key, loc) != loc:
                before = files.where(proof.issue, (*first[key], part))
                what = f'the {part} of "{printable(story.title)}" is already in {before}'
                where = files.where(proof.issue, (*loc, part))
                yield Problem(where, what, "delete one of the two, or correct it", "warning")


def _candidates(proof: Proof) -> Iterator[Issue]:
    """Yield the earlier issues whose file contains one of the links or the subject; load no other issue."""
    links = [urlsplit(story.link) for _, story in _new_stories(proof) if story.link]
    needles = [proof.issue.subject, *(f"{link.netloc}{link.path.rstrip('/')}" for link in links)]
    needles = [needle.casefold() for needle in needles]
    for path in reversed(proof.earlier):
        with suppress(OSError, IssueError):
            raw = reading.read(path, reader.MAX_BYTES, root=proof.newsletter.folder, suffix=files.SUFFIXES)
            text = with_ascii_addresses(raw.decode("utf-8", "replace")).casefold()
            if any(needle in text for needle in needles):
                yield files.load(path, proof.newsletter.folder)


def _new_stories(proof: Proof) -> Iterator[tuple[Loc, Story]]:
    """Yield the stories that are news in each issue: no advertisements, no links to the newsletter's site."""
    site = proof.newsletter.config.site
    for loc, story in proof.issue.located_stories():
        if not story.sponsor and not (site and _is_below(site, story.link or "")):
            yield loc, story


def _is_below(site: str, link: str) -> bool:
    """Return True for a page of a site, with or without www., http or https."""
    page, _, _ = _page_key(link).partition("?")
    root, _, _ = _page_key(site).partition("?")
    return page == root or page.startswith(f"{root}/")


def _page_key(link: str) -> str:
    """Return a key that is equal for all addresses of one page, such as those with and without www."""
    parts = urlsplit(link)
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}?{parts.query}"


def _title_key(story: Story) -> str:
    return f"title {' '.join(story.title.casefold().split())}"
