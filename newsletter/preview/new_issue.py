"""Start a new issue: the date to propose, and its file with the headings of the newest issue."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from newsletter.config import loader
from newsletter.issue import files, skeleton


def proposed_date(folder: Path, today: date) -> date:
    """Return the first Monday after a date for which the newsletter has no issue."""
    taken = {file.stem for file in files.issue_files(folder / loader.ISSUES)}
    day = files.next_monday(today)
    while day.isoformat() in taken:
        day += timedelta(days=7)
    return day


def parse_date(value: object) -> date | None:
    """Return the date of a text such as 2026-05-04; None for every other value."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return day if day and day.isoformat() == value else None  # not 20260504, nor 2026-W19-1


def create(folder: Path, day: date) -> dict[str, Any]:
    """Write the file of a new issue; return its name, for the page.

    Raise NewsError if the file exists or cannot be written.
    """
    path = skeleton.create(folder / loader.ISSUES, day)
    return {"ok": True, "issue": path.stem, "said": f"Wrote {loader.ISSUES}/{path.name}."}
