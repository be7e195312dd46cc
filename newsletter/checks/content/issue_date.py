"""An issue covers a week, from Monday to Sunday; its date says which, and an old one is easily left."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.issue import files

_LATELY, _HALF_A_YEAR = timedelta(weeks=5), timedelta(weeks=26)
_HEADLINES = (("subject", "subject"), ("preheader", "preheader"), ("opening", "heading"))


def monday(proof: Proof) -> Iterator[Problem]:
    """A date that is not a Monday, or a date in a headline that belongs to an earlier week."""
    first, _ = proof.issue.week
    if proof.issue.date != first:
        what = f"{proof.issue.date:%A} {proof.issue.name} is in the week of Monday {first}, as the mail says"
        fix = f"name it {first}.yml; if your day is another one, switch this check off"
        yield Problem(proof.issue.path, what, fix, "warning")
    for text in proof.texts:
        if (text.loc[0], text.loc[-1]) not in _HEADLINES:
            continue
        for written, named in _dates(text.content, first, proof.newsletter.site.labels["months"].split()):
            if first - _LATELY <= named < first:
                what = f'"{written}" is before the week of {first}: left from an earlier issue?'
                yield Problem(files.where(proof.issue, text.loc, written), what, "correct it", "warning")


def _dates(line: str, around: date, months: list[str]) -> Iterator[tuple[str, date]]:
    """The dates that a line names, in figures or words: of a week its Monday, without a year the issue's."""
    names = "|".join(map(re.escape, months))
    year = r"(?:,? (?P<year{}>[12]\d{{3}}))?\b"
    written = re.compile(
        r"(?P<iso>\d{4}-\d\d-\d\d)|(?P<in>\d{4})-W(?P<week>\d\d?)"
        rf"|\b(?P<day1>\d\d?)(?:st|nd|rd|th|\.)? (?:of )?(?P<month1>{names}){year.format(1)}"
        rf"|\b(?P<month2>{names}) (?P<day2>\d\d?)(?:st|nd|rd|th)?{year.format(2)}",
        re.IGNORECASE,
    )
    numbers = {name.casefold(): number for number, name in enumerate(months, 1)}
    for found in written.finditer(line):
        part = found.groupdict()
        month, day, year = (part[f"{name}1"] or part[f"{name}2"] for name in ("month", "day", "year"))
        try:
            if part["iso"]:
                yield found[0], date.fromisoformat(part["iso"])
            elif part["week"]:
                yield found[0], date.fromisocalendar(int(part["in"]), int(part["week"]), 1)
            else:
                named = date(int(year or around.year), numbers[month.casefold()], int(day))
                # In January, the last of December was a year ago.
                late = not year and named - around > _HALF_A_YEAR
                yield found[0], named.replace(year=named.year - 1) if late else named
        except (ValueError, KeyError):  # no such day
            continue
