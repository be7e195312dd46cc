"""Name the issues that a later run has to send, and the files that are not named like an issue."""

from collections.abc import Iterator
from datetime import UTC, datetime

from newsletter.doctor.setup import Setup
from newsletter.findings import Finding
from newsletter.issue.misnamed import misnamed
from newsletter.services.due import upcoming_issues
from newsletter.services.github_limits import DAILY_RUN


def upcoming(setup: Setup) -> Iterator[Finding]:
    """Yield a note for each issue that is marked ready and has a later date, and what is misnamed."""
    if setup.newsletter is None:
        return
    yield from map(Finding.of, misnamed(setup.newsletter.issues))
    for issue in upcoming_issues(setup.newsletter, datetime.now(UTC).date()):
        what = "is marked ready and not due yet: `news send --ready` sends it if it runs on that day"
        yield Finding(issue.name, "note", what, f"on GitHub, {DAILY_RUN}")
