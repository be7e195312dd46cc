"""The use case of `news check`: issues are read, rendered and checked, independently of each other."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from newsletter.checks import registry, runner
from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, NewsError, Problem
from newsletter.issue import files
from newsletter.services.prepare import proof

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """The problems of an issue; `weight` is the size of its HTML in bytes, None where it cannot be rendered.

    `off` are the checks that newsletter.yml switches off, with its reasons.
    """

    path: str
    problems: Sequence[Problem]
    weight: int | None = None
    off: Mapping[str, str] = field(default_factory=dict)


def check(
    folder: Path, names: Sequence[str] = (), *, online: bool = False, spam: bool = False
) -> Iterator[Checked]:
    """Check the named issues of the newsletter in a folder, or its newest; every NewsError is a problem.

    `online` also requests every link and picture, `spam` also runs SpamAssassin.
    """
    chosen = {**registry.CONTENT, **registry.MAIL}
    chosen |= registry.ONLINE if online else {}
    chosen |= registry.SPAM if spam else {}
    try:
        newsletter = loader.load(folder)
        registry.refuse_unknown(newsletter)
    except ConfigError as error:
        log.info("configuration cannot be read", exc_info=error)
        yield Checked(error.problems[0].place[0], error.problems)
        return
    for name in names or (None,):
        yield _checked(newsletter, name, chosen)


def _checked(newsletter: Newsletter, name: str | None, chosen: Mapping[str, registry.Check]) -> Checked:
    path = name or ""
    try:
        issue = files.load(files.find(newsletter.issues, name))
        path = issue.path
        read = proof(newsletter, issue)
    except NewsError as error:
        log.info("issue cannot be checked", extra={"issue": path}, exc_info=error)
        return Checked(path or error.problems[0].place[0], error.problems)
    off = {
        name: setting.reason or ""
        for name, setting in newsletter.config.checks.items()
        if setting.severity == "off"
    }
    problems = runner.run(read, chosen)
    log.info("issue checked", extra={"issue": issue.name, "checks": len(chosen), "findings": len(problems)})
    return Checked(path, problems, len(read.rendered.html.encode()), off)
