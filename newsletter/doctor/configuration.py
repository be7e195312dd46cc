"""Examine newsletter.yml, and the issues that are ready and not due yet."""

from collections.abc import Iterator
from datetime import UTC, datetime

from newsletter.config.loader import FILE
from newsletter.doctor.setup import Setup
from newsletter.findings import Finding
from newsletter.services.due import upcoming_issues
from newsletter.services.github_setup import DAILY_RUN


def configuration(setup: Setup) -> Iterator[Finding]:
    """Yield every problem of newsletter.yml, or one finding with the newsletter's name and its provider."""
    for problem in setup.config_problems:
        yield Finding.of(problem, FILE)
    if setup.config:
        yield Finding(FILE, "ok", f"can be read; {setup.config.name} is sent through {setup.config.provider}")
    if setup.newsletter and setup.newsletter.config.state:
        for issue in upcoming_issues(setup.newsletter, datetime.now(UTC).date()):
            what = "is marked ready, and its date is in the future"
            yield Finding(issue.name, "note", what, f"after its merge, {DAILY_RUN}")
