"""Update newsletter/render/cldr_dates.json, the patterns of dates in each language, from Babel's CLDR data.

Run it as `python .ci/cldr.py` after a new version of Babel. Then read the diff, and run the tests.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import babel
from babel import Locale
from babel.core import get_cldr_version, get_global
from babel.dates import tokenize_pattern
from babel.localedata import locale_identifiers

from newsletter.render.language_tags import fallbacks

TARGET = Path(__file__).resolve().parent.parent / "newsletter" / "render" / "cldr_dates.json"
SOURCE = "Unicode CLDR {cldr}, https://cldr.unicode.org, from Babel {babel}"
LICENCE = "Unicode-3.0, see cldr_dates.LICENSE"
# CLDR's `en` is American English; here it is that of most other countries, with spaces around the dash.
OTHER_SOURCES = {"en": "en_GB", "en_US": "en"}
INTERVALS = ("d", "M", "y")  # the greatest field that differs: the day, the month, the year
SPACES = str.maketrans(dict.fromkeys("\u00a0\u2009\u202f", " "))
NAMES = {"name": ("format", "wide"), "alone": ("stand-alone", "wide"), "short": ("format", "abbreviated")}
Row = dict[str, Any]


def main() -> None:
    TARGET.write_text(content(table()), encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")


def content(rows: Mapping[str, Row]) -> str:
    """Return the file's content with one line per language, for readable diffs."""
    source = SOURCE.format(cldr=get_cldr_version(), babel=babel.__version__)
    lines = ",\n".join(f"  {json.dumps(tag)}: {line(row)}" for tag, row in sorted(rows.items()))
    head = f' "source": {json.dumps(source)},\n "licence": {json.dumps(LICENCE)},\n'
    return f'{{\n{head} "languages": {{\n{lines}\n }}\n}}\n'


def line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)


def table(identifiers: Iterable[str] = ()) -> dict[str, Row]:
    """Return the rows of locales, by default of all, by their language tags in small letters.

    A row has only what differs from those of the tags to which its tag falls back: `pt-br` is left out, as
    it has all of `pt`.
    """
    tagged = [(tag, name) for name in identifiers or locale_identifiers() for tag in tags(name)]
    rows: dict[str, Row] = {}
    for tag, name in sorted(tagged, key=lambda pair: (len([*fallbacks(pair[0])]), pair)):
        given, base = row(OTHER_SOURCES.get(name, name)), inherited(rows, tag)
        if own := {key: part for key, part in given.items() if part != base.get(key)}:
            rows[tag] = own
    return rows


def tags(identifier: str) -> Iterator[str]:
    """Yield the tag of a locale, and the one without its script if the country implies that: `zh-tw`."""
    tag = identifier.lower().replace("_", "-")
    yield tag
    language, script, country = [*identifier.split("_"), "", ""][:3]
    if (
        country
        and len(script) == 4
        and get_global("likely_subtags").get(f"{language}_{country}") == identifier
    ):
        yield f"{language}-{country}".lower()


def inherited(rows: Mapping[str, Row], tag: str) -> Row:
    """Return what a tag has from the tags to which it falls back."""
    base: Row = {}
    for shorter in reversed([*fallbacks(tag)][1:]):
        base |= rows.get(shorter, {})
    return base


def row(identifier: str) -> Row:
    """Return the patterns of a day, a month and a week, and the names of the months that they need."""
    locale = Locale.parse(identifier)
    day = pattern(locale, locale.date_formats["long"].pattern, 1)
    # CLDR has intervals with long names of months in few languages only. In those that write long names in
    # a single date, take the interval with short names, and put the long names into it.
    intervals = locale.interval_formats.get("yMMMMd")
    is_long = intervals is None and "name" in day
    pairs = [(intervals or locale.interval_formats["yMMMd"])[greatest] for greatest in INTERVALS]
    patterns = {
        "day": day,
        "month": pattern(locale, locale.datetime_skeletons["yMMMM"].pattern, 1),
        "week": [week(locale, pair, is_long, day) for pair in pairs],
    }
    needed = {key: names(locale, key) for key in NAMES if key == "name" or f"{{{key}" in str(patterns)}
    return {**patterns, **needed}


def week(locale: Locale, pair: Sequence[str], is_long: bool, day: str) -> str:
    """Return the pattern of an interval; `is_long`: with the long name of the month, as `day` has it."""
    # Babel joins the quoted parts of Basque patterns to `''`, which means an apostrophe.
    halves = [half.replace("''", "") for half in pair]
    is_long = is_long and bool(re.search(r"(?<!M)MMM(?!M)", "".join(halves)))
    if is_long and "{name1}." not in day:  # in Georgian, the full stop of a short name
        halves = [half.replace("MMM.", "MMM") for half in halves]
    # Italian has `dd` beside short names and `d` beside long ones.
    zeros = not is_long or "{d1:02}" in day
    return "".join(pattern(locale, half, number, is_long, zeros) for number, half in enumerate(halves, 1))


def names(locale: Locale, key: str) -> str:
    context, width = NAMES[key]
    return "|".join(name.translate(SPACES) for _, name in sorted(locale.months[context][width].items()))


def pattern(locale: Locale, written: str, number: int, is_long: bool = False, zeros: bool = True) -> str:
    """Return a pattern of CLDR in the form of str.format; `number` is that of its date, 1 or 2.

    `is_long`: write the long name of the month in place of the short one. `zeros`: keep those before days.
    Spaces of all kinds become plain ones: the same line is in HTML and in the text part, which a program
    shows in any font, and a thin space without a glyph is a box.
    """
    parts = []
    for kind, token in tokenize_pattern(written.translate(SPACES)):
        assert kind == "field" or not set("{}") & set(token), written
        parts.append(token if kind == "chars" else field(locale, *token, is_long, zeros).format(number))
    return "".join(parts)


def field(locale: Locale, letter: str, length: int, is_long: bool, zeros: bool) -> str:
    """Return a field such as `{d1:02}`, with `{}` in place of the number of its date."""
    match letter, length:
        case "G", _:
            return str(locale.eras["abbreviated"][1])
        case "y", _:
            return "{{y{}}}"
        case "d", _:
            return "{{d{}:02}}" if length == 2 and zeros else "{{d{}}}"
        case (("M" | "L"), (1 | 2 | 5)):  # 5 are narrow names: I to XII in Mongolian, else letters
            return "{{m{}}}" if length == 1 else "{{m{}:02}}"
        case "M", 3 if not is_long:
            return "{{short{}}}"
        case "M", (3 | 4):
            return "{{name{}}}"
        case "L", (3 | 4):
            is_same = names(locale, "alone") == names(locale, "name")
            return "{{name{}}}" if is_same else "{{alone{}}}"
    raise ValueError(f"{locale}: {letter * length}")


if __name__ == "__main__":
    main()
