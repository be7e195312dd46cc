"""Write the date line of an issue by the rules of its language.

The patterns are those of CLDR, in a table that `.ci/cldr.py` makes: Babel, which has all of CLDR, would add
36 MB to each installation.
"""

import datetime as dt
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from newsletter.render.language_tags import fallbacks

Kind = Literal["week", "day", "month"]
_FILE = Path(__file__).with_name("cldr_dates.json")
_NAMES = ("name", "alone", "short")  # in a date, alone, and abbreviated: января, январь, янв.
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def date_line(kind: Kind, day: dt.date, language: str, months: str | None = None) -> str:
    """Return the week of a date, the day or its month, in the words and the order of a language.

    `months` are twelve names to write in place of CLDR's, as in the label `months`. The digits are 0 to 9,
    and the spaces are plain ones, in every language.
    """
    row = _row(language)
    first = day - dt.timedelta(days=day.weekday()) if kind == "week" else day
    last = first + dt.timedelta(days=6) if kind == "week" else day
    pattern = row["week"][_differing(first, last)] if kind == "week" else row[kind]
    names = {form: row[form] for form in _NAMES if form in row}
    if months and (own := split_months(months)) != row["name"]:
        names = dict.fromkeys(_NAMES, own)
    words: dict[str, Any] = {}
    for number, date in enumerate((first, last), 1):
        words |= {f"d{number}": date.day, f"m{number}": date.month, f"y{number}": date.year}
        words |= {f"{form}{number}": listed[date.month - 1] for form, listed in names.items()}
    return str(pattern.format_map(words))


def month_names(language: str) -> str:
    """Return the twelve months of a language in the form of the label `months`."""
    return " ".join(name.replace(" ", _NO_BREAK_SPACE) for name in _row(language)["name"])


def split_months(names: str) -> list[str]:
    """Return the twelve names of a label `months`, which may hold no-break spaces; else raise ValueError."""
    for parts in (names.split(), names.split(" ")):
        if len(parts) == 12:
            return [part.replace(_NO_BREAK_SPACE, " ") for part in parts]
    raise ValueError("`months` must have twelve words")


def _differing(first: dt.date, last: dt.date) -> int:
    """Return the index of a week's pattern: 0 in one month, 1 in two, 2 in two years."""
    return 2 if first.year != last.year else int(first.month != last.month)


@cache
def _row(language: str) -> Mapping[str, Any]:
    """Return the patterns of a language and the names of its months; those of English for an unknown one."""
    row: dict[str, Any] = {}
    for tag in reversed([*fallbacks(language)]):
        row |= _table().get(tag, {})
    parts = (row or _table()["en"]).items()
    return {key: part.split("|") if key in _NAMES else part for key, part in parts}


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    """Return the table: a row has what differs from those of the tags to which its language falls back."""
    languages: dict[str, dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))["languages"]
    return languages
