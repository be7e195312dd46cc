"""Read the entries of JSON by the JMESPath expressions of newsletter.yml."""

import math
from collections.abc import Callable
from typing import Any

from newsletter.display import counted, printable
from newsletter.errors import Problem
from newsletter.sources import plain_text
from newsletter.sources.dates import parse_moment
from newsletter.sources.entry import Entries, Entry, SourceRequest
from newsletter.sources.fetch import Content
from newsletter.sources.json_content import decode, described

Search = Callable[[object], Any]

_PARTS = ("title", "link", "authors", "date", "text", "rating")
_FIX = "correct the expression"


def read(request: SourceRequest, content: Content) -> Entries:
    """Return the entries of a response in JSON, in its order.

    Raise ConfigError, at the line of newsletter.yml, for an expression that is wrong or gives nothing.
    """
    searches = {key: _search(request, key) for key in ("entries", *_PARTS) if getattr(request.source, key)}
    data = decode(request, content)
    items = searches["entries"](data)
    if not isinstance(items, list):
        written = f"the expression {printable(request.source.entries)} gave {described(items)}, and no list"
        raise _invalid_entries(request, f"{written}; the response is {described(data)}")
    found = [{key: searches[key](item) for key in _PARTS if key in searches} for item in items]
    if not items:
        return Entries(())
    if not any(_words(parts["title"]).strip() for parts in found):
        gave = described(found[0]["title"])
        what = f"{_quoted(request, 'title')} gave {gave} and no text in {_in_all(items)}"
        raise request.invalid("title", f"{what}; an entry is {described(items[0])}", _FIX)
    entries = tuple(_entry(parts, content.address) for parts in found)
    return Entries(entries, tuple(_notes(request, found, entries)))


def _search(request: SourceRequest, key: str) -> Search:
    """Return the function that evaluates an expression; it raises ConfigError at the expression's line."""
    import jmespath

    # An expression may also raise TypeError, such as `[?rating > 'x']`, or be nested too deep.
    failures = (jmespath.exceptions.JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError)
    try:
        compiled = jmespath.compile(getattr(request.source, key))
    except failures as failure:
        raise request.invalid(key, f"is no JMESPath expression: {_reason(failure)}", _FIX) from failure

    def search(value: object) -> Any:
        try:
            return compiled.search(value)
        except failures as failure:
            what = f"{_quoted(request, key)} cannot be evaluated: {_reason(failure)}"
            raise _at(request, key, what) from failure

    return search


def _at(request: SourceRequest, key: str, what: str) -> Exception:
    return _invalid_entries(request, what) if key == "entries" else request.invalid(key, what, _FIX)


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
    return printable(lines[0], 160)


def _entry(parts: dict[str, Any], base: str) -> Entry:
    return Entry(
        plain_text.one_line(_words(parts["title"])),
        plain_text.address(parts.get("link"), base),
        tuple(name for given in _names(parts.get("authors")) if (name := plain_text.one_line(given))),
        parse_moment(parts.get("date")),
        _words(parts.get("text")),
        _number(parts.get("rating")),
    )


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""


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


def _notes(request: SourceRequest, found: list[dict[str, Any]], entries: tuple[Entry, ...]) -> list[Problem]:
    """Return a warning for each expression that gave nothing useful in any entry; it may be misspelled."""
    useful: dict[str, Callable[[Entry], object]] = {
        "link": lambda entry: entry.link,
        "authors": lambda entry: entry.authors,
        "date": lambda entry: entry.date,
        "text": lambda entry: entry.text,
        "rating": lambda entry: entry.rating is not None,
    }
    wanted = {
        "link": "web address",
        "authors": "text or list of texts",
        "date": "date",
        "text": "text",
        "rating": "number",
    }
    notes = []
    for key, value in useful.items():
        if key in found[0] and not any(map(value, entries)):
            gave = f"{_quoted(request, key)} gave {described(found[0][key])}"
            what = f"{gave} and no {wanted[key]} in {_in_all(found)}"
            notes.append(request.note(what, _FIX, key=key, warning=True))
    return notes


def _quoted(request: SourceRequest, key: str) -> str:
    return f"the expression {printable(getattr(request.source, key), 60)}"


def _in_all(items: list[Any]) -> str:
    return "the only entry" if len(items) == 1 else f"all {counted(len(items), 'entry', 'entries')}"
