"""Render an issue once, check it, and turn it into a mailing.

`proof` and `prepare` have no limits of time and memory; commands call them through `run_limited`.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from newsletter.checks import runner
from newsletter.checks.proof import Proof
from newsletter.config.loader import Newsletter
from newsletter.config.provider_facts import Tracking
from newsletter.constants import TRACKING_KINDS, TrackingKind
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.mail import message
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """An issue with its rendered form, its mailing, and the problems that the checks found."""

    issue: Issue
    rendered: Rendered
    mailing: message.Mailing
    problems: tuple[Problem, ...]


def proof(newsletter: Newsletter, issue: Issue) -> Proof:
    """Render an issue; return it as the input of the checks. Raise TemplateError if a template fails."""
    earlier = [path for path in files.issue_files(newsletter.issues) if path.stem < issue.name]
    return Proof(issue, render(issue, newsletter.site), newsletter, earlier)


def prepare(newsletter: Newsletter, issue: Issue | Path) -> Prepared:
    """Render and check an issue, or the issue of a file; return it with its mailing and its problems.

    Raise IssueError for an invalid file, TemplateError if a template fails, and ConfigError if
    newsletter.yml names an unknown check.
    """
    issue = issue if isinstance(issue, Issue) else files.load(issue, newsletter.folder)
    read = proof(newsletter, issue)
    mailing = message.mailing(issue, read.rendered, newsletter)
    problems = tuple(runner.run(read))
    fields = {"issue": issue.name, "content": mailing.sha256[:12], "findings": len(problems)}
    log.info("issue rendered and checked", extra=fields)
    return Prepared(issue, read.rendered, mailing, problems)


def tracking_problems(name: str, tracking: Tracking, wanted: Collection[TrackingKind]) -> list[Problem]:
    """Return a problem for each kind of tracking that the provider `name` cannot switch off.

    `wanted` are the kinds that newsletter.yml asks for.
    """
    return [
        Problem(
            name,
            f"tracks {kind} in all mail, and newsletter.yml asks for no such tracking",
            f"choose another `provider`, or write `tracking: {{{kind}: true}}` and tell your readers",
        )
        for kind, control in zip(TRACKING_KINDS, tracking, strict=True)
        if control == "always" and kind not in wanted
    ]
