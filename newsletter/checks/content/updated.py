"""Check the date of a change, which an issue gives to the feeds of the archive."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.issue import files


def _utc_date() -> date:
    """Return the date in UTC, as in the feeds."""
    return datetime.now(UTC).date()


def updated(proof: Proof, today: Callable[[], date] = _utc_date) -> Iterator[Problem]:
    """A date in `updated` that has not come yet."""
    day = proof.issue.updated
    if day and day > today():
        what = f"updated: {day} has not come yet (UTC); the page and the feeds would show this date"
        where = files.where(proof.issue, ("updated",))
        yield Problem(where, what, "write the day on which you changed the issue", "warning")
