"""Check the date of an issue, which names its week from Monday to Sunday, and the dates in its headlines."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import PurePath

from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.render.date_line import split_months

# A date at most five weeks before the issue's week was probably copied from an earlier issue.
_RECENT, _HALF_A_YEAR = timedelta(weeks=5), timedelta(weeks=26)
_HEADLINES = (("subject", "subject"), ("preheader", "preheader"), ("opening", "heading"))


def monday(proof: Proof) -> Iterator[Problem]:
    """A date that is not a Monday, or a date in a headline that belongs to an earlier week."""
    first, _ = proof.issue.week
    months = split_months(proof.newsletter.site.labels["months"])
    if proof.issue.date != first:
        what = f"{proof.issue.name} is a {proof.issue.date:%A}; the mail names the week of Monday {first}"
        suffix = PurePath(proof.issue.path).suffix
        fix = f"rename the file to {first}{suffix}; if you publish on another day, switch this check off"
        yield Problem(proof.issue.path, what, fix, "warning")
    for text in proof.texts:
        if (text.loc[0], text.loc[-1]) not in _HEADLINES:
            continue
        for written, named in _dates(text.content, first, months):
            if first - _RECENT <= named < first:
                what = f'"{written}" is before the week of {first}: left from an earlier issue?'
                yield Problem(proof.where(text, written), what, "correct the date", "warning")


def date_pattern(months: list[str]) -> re.Pattern[str]:
    """Return a pattern that finds dates and weeks; `months` are the names of the twelve months."""
    names = "|".join(map(re.escape, months))
    year = r"(?:,? (?P<year{}>[12]\d{{3}}))?\b"
    return re.compile(
        r"(?P<iso>\d{4}-\d\d-\d\d)|(?P<in>\d{4})-W(?P<week>\d\d?)"
        rf"|\b(?P<day1>\d\d?)(?:st|nd|rd|th|\.)? (?:of )?(?P<month1>{names}){year.format(1)}"
        rf"|\b(?P<month2>{names}) (?P<day2>\d\d?)(?:st|nd|rd|th)?{year.format(2)}",
        re.IGNORECASE,
    )


def _dates(line: str, monday: date, months: list[str]) -> Iterator[tuple[str, date]]:
    """Yield the dates in a line, each as written and as a date; `months` are the names of the twelve months.

    A week is returned as its Monday. A date without a year gets the year of `monday`, the Monday of the
    issue's week, or the year before.
    """
    numbers = {name.casefold(): number for number, name in enumerate(months, 1)}
    for match in date_pattern(months).finditer(line):
        part = match.groupdict()
        month, day, year = (part[f"{name}1"] or part[f"{name}2"] for name in ("month", "day", "year"))
        try:
            if part["iso"]:
                yield match[0], date.fromisoformat(part["iso"])
            elif part["week"]:
                yield match[0], date.fromisocalendar(int(part["in"]), int(part["week"]), 1)
            else:
                named = date(int(year or monday.year), numbers[month.casefold()], int(day))
                # An issue of January may name a day of the December before it without a year.
                is_last_year = not year and named - monday > _HALF_A_YEAR
                yield match[0], named.replace(year=named.year - 1) if is_last_year else named
        except (ValueError, KeyError):  # a day that does not exist
            continue
