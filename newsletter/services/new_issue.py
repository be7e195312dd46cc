"""Begin an issue from the entries of sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from newsletter import __version__
from newsletter.config.loader import Newsletter
from newsletter.config.sources import EXPRESSIONS
from newsletter.display import printable
from newsletter.errors import ConfigError, Problem
from newsletter.issue import skeleton
from newsletter.issue.draft import DraftGroup, StoryDraft
from newsletter.network.connections import IsPublic
from newsletter.network.hosts import is_public
from newsletter.sources.entry import Entries, SourceEntry, SourceRequest
from newsletter.sources.fetch import LIMITS, Limits
from newsletter.sources.read import read
from newsletter.sources.window import Week, week_before


@dataclass(frozen=True)
class NewIssue:
    """The file of a new issue, the number of its stories, and notes about their sources."""

    path: Path
    stories: int
    notes: Sequence[Problem]


def create(
    newsletter: Newsletter,
    names: Sequence[str],
    day: date,
    *,
    markdown: bool | None = None,
    week: Week | None = None,
    limits: Limits = LIMITS,
    is_public: IsPublic = is_public,
) -> NewIssue:
    """Write a new issue with a story to write for each entry of the sources, which are asked one by one.

    The entries are those of `week`, by default of the week before the issue. Raise IssueError if the issue
    exists, ConfigError for an unknown name or a wrong expression, and Unavailable if a source gives nothing:
    no file is written then.
    """
    skeleton.new_path(newsletter.issues, day, markdown=markdown)  # nobody is asked for an issue that exists
    requests = [_request(newsletter, name, week or week_before(day)) for name in dict.fromkeys(names)]
    answers = [read(request, limits, is_public) for request in requests]
    groups = _groups(requests, answers)
    path = skeleton.create(newsletter.issues, day, markdown=markdown, groups=groups)
    notes = [note for answer in answers for note in answer.notes]
    return NewIssue(path, sum(len(group.stories) for group in groups), notes)


def _request(newsletter: Newsletter, name: str, week: Week) -> SourceRequest:
    sources = newsletter.config.sources
    if name not in sources:
        known = ", ".join(sources)
        fix = f"the sources are {known}" if known else "add `sources:` with a feed or JSON"
        raise ConfigError.of(newsletter.where("sources"), f'there is no source "{printable(name)}"', fix)
    source = sources[name]
    lines = {key: newsletter.where("sources", name, key) for key in ("feed", "json", *EXPRESSIONS)}
    return SourceRequest(name, source, week, _user_agent(newsletter), lines)


def _user_agent(newsletter: Newsletter) -> str:
    """Return the User-Agent, which tells the owner of a source who asks and how often."""
    site = newsletter.config.site
    return f"news/{__version__} ({f'+{site}; ' if site else ''}one request per new issue)"


def _groups(requests: Sequence[SourceRequest], answers: Sequence[Entries]) -> list[DraftGroup]:
    """Return the stories of each source; an entry that an earlier source gave is left out."""
    seen: set[str] = set()
    groups = []
    for request, answer in zip(requests, answers, strict=True):
        new = [entry for entry in answer.entries if not entry.link or entry.link not in seen]
        seen |= {entry.link for entry in new}
        groups.append(DraftGroup(request.name, [_draft(entry) for entry in new]))
    return groups


def _draft(entry: SourceEntry) -> StoryDraft:
    return StoryDraft(entry.title, entry.link, entry.authors, entry.text)
