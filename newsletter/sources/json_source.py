"""Read the entries of JSON by the JMESPath expressions of newsletter.yml."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from newsletter.config.sources import EXPRESSIONS
from newsletter.display import counted, printable
from newsletter.errors import Problem
from newsletter.sources import plain_text
from newsletter.sources.dates import parse_moment
from newsletter.sources.entry import Entries, SourceEntry, SourceRequest
from newsletter.sources.fetch import Response
from newsletter.sources.json_content import decode, describe_json, text_or_empty

Search = Callable[[object], Any]

_PARTS = EXPRESSIONS[1:]
_FIX = "correct the expression"
# An expression may also raise TypeError, such as `[?rating > 'x']`, or be nested too deep.
_FAILURES = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError)


class _Wanted(NamedTuple):
    """The kind of value that a part of an entry needs, and whether an entry has it."""

    name: str
    is_given: Callable[[SourceEntry], bool]


_WANTED = {
    "link": _Wanted("web address", lambda entry: bool(entry.link)),
    "authors": _Wanted("text or list of texts", lambda entry: bool(entry.authors)),
    "date": _Wanted("date", lambda entry: entry.date is not None),
    "text": _Wanted("text", lambda entry: bool(entry.text)),
    "rating": _Wanted("number", lambda entry: entry.rating is not None),
}


def read(request: SourceRequest, response: Response) -> Entries:
    """Return the entries of a response in JSON, in its order.

    Raise ConfigError, at the line of newsletter.yml, for an expression that is wrong or gives nothing.
    """
    searches = {key: _search(request, key) for key in EXPRESSIONS if getattr(request.source, key)}
    data = decode(request, response)
    items = _items(request, searches.pop("entries"), data)
    parts = {key: _evaluated(request, key, search, items) for key, search in searches.items()}
    if items and not any(text_or_empty(value).strip() for value in parts["title"].values):
        gave = describe_json(parts["title"].values[0])
        what = f"{_quoted(request, 'title')} gave {gave} and no text in {_in_all(items)}"
        raise request.invalid("title", f"{what}; an entry is {describe_json(items[0])}", _FIX)
    columns = [parts[key].values if key in parts else [None] * len(items) for key in _PARTS]
    entries = tuple(_entry(*values, base=response.url) for values in zip(*columns, strict=True))
    return Entries(entries, tuple(_notes(request, parts, entries)))


class _Part(NamedTuple):
    """The values of an expression for all entries; None where it failed. `failures` are the reasons."""

    values: list[Any]
    failures: list[str]


def _search(request: SourceRequest, key: str) -> Search:
    """Return the function of an expression; raise ConfigError at its line if it is no JMESPath expression."""
    import jmespath

    try:
        search: Search = jmespath.compile(getattr(request.source, key)).search
    except _FAILURES as failure:
        raise request.invalid(key, f"is no JMESPath expression: {_reason(failure)}", _FIX) from failure
    return search


def _items(request: SourceRequest, search: Search, data: object) -> list[Any]:
    """Return the list of entries."""
    written = _quoted(request, "entries")
    try:
        items = search(data)
    except _FAILURES as failure:
        what = f"{written} cannot be evaluated: {_reason(failure)}"
        raise _invalid_entries(request, what) from failure
    if not isinstance(items, list):
        what = f"{written} gave {describe_json(items)}, and no list; the response is {describe_json(data)}"
        raise _invalid_entries(request, what)
    return items


def _evaluated(request: SourceRequest, key: str, search: Search, items: list[Any]) -> _Part:
    """Return the values of an expression; raise ConfigError if it cannot be evaluated in any entry."""
    part = _Part([], [])
    for item in items:
        value = None
        try:
            value = search(item)
        except _FAILURES as failure:
            part.failures.append(_reason(failure))
        part.values.append(value)
    if items and len(part.failures) == len(items):
        what = f"{_quoted(request, key)} cannot be evaluated: {part.failures[0]}"
        raise request.invalid(key, what, _FIX)
    return part


def _invalid_entries(request: SourceRequest, what: str) -> Exception:
    """Return the error for `entries`, which may be left out: then the response itself must be the list."""
    if "entries" in request.source.model_fields_set:
        return request.invalid("entries", what, _FIX)
    return request.invalid("json", what, "add `entries:`, the JMESPath expression for the list of entries")


def _reason(failure: Exception) -> str:
    """Return the first line of an error of JMESPath; the next ones point into the expression."""
    if isinstance(failure, RecursionError):
        return "it is nested too deep"
    lines = str(failure).splitlines() or [type(failure).__name__]
    words = lines[0].removeprefix("Invalid jmespath expression: ").removeprefix("Bad jmespath expression: ")
    return printable(words.removesuffix(":").removesuffix(", for expression"), 160)


def _entry(
    title: object, link: object, authors: object, date: object, text: object, rating: object, *, base: str
) -> SourceEntry:
    return SourceEntry(
        plain_text.one_line(text_or_empty(title)),
        plain_text.address(link, base),
        tuple(name for given in _names(authors) if (name := plain_text.one_line(given))),
        parse_moment(date),
        text_or_empty(text),
        _number(rating),
    )


def _names(value: object) -> list[str]:
    names = value if isinstance(value, list) else [value]
    return [name for name in names if isinstance(name, str)]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return None if math.isnan(value) else float(value)
    except OverflowError:
        return None


def _notes(
    request: SourceRequest, parts: Mapping[str, _Part], entries: Sequence[SourceEntry]
) -> Iterator[Problem]:
    """Yield a warning for each expression that failed somewhere, or gave nothing useful in any entry."""
    for key, part in parts.items():
        if part.failures:
            count = f"{len(part.failures):,} of {counted(len(entries), 'entry', 'entries')}"
            what = f"{_quoted(request, key)} cannot be evaluated in {count}: {part.failures[0]}"
            yield request.note(what, _FIX, key=key, warning=True)
        elif key in _WANTED and entries and not any(map(_WANTED[key].is_given, entries)):
            gave = f"{_quoted(request, key)} gave {describe_json(part.values[0])}"
            what = f"{gave} and no {_WANTED[key].name} in {_in_all(entries)}"
            yield request.note(what, _FIX, key=key, warning=True)


def _quoted(request: SourceRequest, key: str) -> str:
    return f"the expression {printable(getattr(request.source, key), 60)}"


def _in_all(items: Sequence[object]) -> str:
    return "the only entry" if len(items) == 1 else f"all {counted(len(items), 'entry', 'entries')}"
