"""Read, render and check issues for `news check`; a failure of one issue does not affect another."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from newsletter.checks import registry, runner, settings
from newsletter.checks.external.private_files import tracked_files
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.display import display_path
from newsletter.errors import ConfigError, NewsError, Problem
from newsletter.issue import files
from newsletter.issue.misnamed import misnamed
from newsletter.limits.process import Limiter, run_limited, run_limited_with_waits
from newsletter.services.prepare import proof, tracking_problems

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """The result of the check of an issue."""

    path: str
    problems: Sequence[Problem]
    # Size of the issue's HTML in bytes; None if the issue cannot be read or rendered.
    weight: int | None = None
    # The checks that newsletter.yml switches off or lowers.
    lowered: Sequence[settings.LoweredCheck] = ()
    # The issue and its mail; None if the issue cannot be read or rendered.
    proof: Proof | None = field(default=None, repr=False, compare=False)


def check(
    folder: Path,
    names: Sequence[str] = (),
    *,
    online: bool = False,
    spam: bool = False,
    limited: Limiter = run_limited,
    limited_with_waits: Limiter = run_limited_with_waits,
) -> Iterator[Checked]:
    """Check the named issues of the newsletter in a folder, or its newest issue; yield each result.

    An issue that cannot be read or rendered gives a result with the mistakes as problems, and so does an
    invalid newsletter.yml. The first result also has the files that are not named like an issue. `online`
    also requests every link and picture, `spam` also runs SpamAssassin. `limited` builds an issue and runs
    the other checks, `limited_with_waits` runs these two.
    """
    connected = {**(registry.ONLINE if online else {}), **(registry.SPAM if spam else {})}
    try:
        newsletter = loader.load(folder, review=True)
        settings.refuse_invalid(newsletter)
    except ConfigError as error:
        log.info("configuration cannot be read", exc_info=error)
        yield Checked(error.problems[0].place[0], error.problems)
        return
    general = [*misnamed(newsletter.issues), *_provider_problems(newsletter)]
    for name in names or (None,):
        checked = _checked(newsletter, name, connected, limited, limited_with_waits)
        yield replace(checked, problems=[*checked.problems, *general])
        general = []  # with the first issue only


def _provider_problems(newsletter: Newsletter) -> list[Problem]:
    """Return what prevents a send through the configured provider and is known without asking it."""
    config = newsletter.config
    problems = tracking_problems(config.provider, PROVIDER_TRACKING[config.provider], config.tracking.wanted)
    if config.provider == "ses":
        problems += config.ses.missing(newsletter.where_provider())
    if config.provider == "smtp":
        problems += config.smtp.problems(newsletter.where("smtp", "security"))
    return problems


def _checked(
    newsletter: Newsletter,
    name: str | None,
    connected: Mapping[str, registry.Check],
    limited: Limiter,
    limited_with_waits: Limiter,
) -> Checked:
    """Check an issue; also run the `connected` checks, which wait for others and so have time-outs."""
    path, lowered = name or "", settings.lowered(newsletter)
    try:
        file = files.find(newsletter.issues, name)
        path = display_path(file)
        read, problems = limited(_proof_and_problems, newsletter, file)
    except NewsError as error:
        log.info("issue cannot be checked", extra={"issue": path}, exc_info=error)
        # Private files in a branch matter most to a person who reviews one that cannot be rendered.
        problems = [*error.problems, *tracked_files(newsletter)]
        return Checked(path or error.problems[0].place[0], problems, lowered=lowered)
    try:
        problems += limited_with_waits(runner.run, read, connected) if connected else []
    except NewsError as error:  # to find the place of a problem, the templates are filled again
        log.info("checks cannot be run", extra={"issue": path}, exc_info=error)
        problems += error.problems
    log.info("issue checked", extra={"issue": read.issue.name, "findings": len(problems)})
    return Checked(path, problems, len(read.rendered.html.encode()), lowered, read)


def _proof_and_problems(newsletter: Newsletter, file: Path) -> tuple[Proof, list[Problem]]:
    read = proof(newsletter, files.load(file, newsletter.folder))
    return read, runner.run(read)
