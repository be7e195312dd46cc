"""Select the entries of the week, the best first, each once, up to the limit of the source."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from newsletter.display import counted
from newsletter.errors import Problem
from newsletter.sources import plain_text
from newsletter.sources.entry import Entries, SourceEntry, SourceRequest
from newsletter.sources.window import week_of

_FIRST = datetime.min.replace(tzinfo=UTC)


def select(request: SourceRequest, answer: Entries) -> Entries:
    """Return the entries for the issue, with notes; raise Unavailable if none is left.

    The order is that of the ratings, or else of the dates, or else that of the source. Entries without a
    date come after those with one.
    """
    titled = [entry for entry in answer.entries if entry.title]
    if not titled:
        raise _nothing(request, len(answer.entries))
    in_week = [entry for entry in titled if entry.date is None or request.week.contains(entry.date)]
    if not in_week:
        raise _none_of_week(request, titled)
    chosen = without_duplicates(_ordered(in_week))[: request.source.limit]
    notes = [*answer.notes, *_notes(request, len(answer.entries) - len(titled), chosen)]
    return Entries(
        tuple(replace(entry, text=plain_text.paragraphs(entry.text)) for entry in chosen), tuple(notes)
    )


def without_duplicates(entries: Iterable[SourceEntry]) -> list[SourceEntry]:
    """Return entries in their order, without those whose link was there before; without one, their title."""
    first: dict[str, SourceEntry] = {}
    for entry in entries:
        first.setdefault(entry.link or entry.title.casefold(), entry)
    return list(first.values())


def _ordered(entries: list[SourceEntry]) -> list[SourceEntry]:
    if any(entry.rating is not None for entry in entries):
        return sorted(entries, key=lambda e: (e.rating is not None, e.rating or 0.0), reverse=True)
    return sorted(entries, key=lambda entry: entry.date or _FIRST, reverse=True)


def _nothing(request: SourceRequest, count: int) -> Exception:
    if count:
        return request.unavailable(
            f"gave {counted(count, 'entry', 'entries')} without a title", "choose another source"
        )
    what = "gave a valid list without an entry"
    return request.unavailable(what, "try again later: some services give an empty list now and then")


def _none_of_week(request: SourceRequest, entries: list[SourceEntry]) -> Exception:
    dates = sorted(entry.date.date() for entry in entries if entry.date)
    days = f"{dates[0]} to {dates[-1]}" if dates[0] < dates[-1] else str(dates[0])
    gave = counted(len(entries), "entry", "entries")
    what = f"gave {gave} of {days}, and none of the week {request.week.days}"
    return request.unavailable(what, f"for the week of the newest: --week {week_of(dates[-1])}")


def _notes(request: SourceRequest, untitled: int, chosen: list[SourceEntry]) -> Iterable[Problem]:
    if len(chosen) < request.source.limit:
        what = f"has only {counted(len(chosen), 'entry', 'entries')} for the week {request.week.days}"
        yield request.note(f"{what}, and its limit is {request.source.limit}")
    if untitled:
        yield request.note(f"{counted(untitled, 'entry', 'entries')} without a title left out")
    if without := sum(not entry.link for entry in chosen):
        yield request.note(f"{counted(without, 'entry', 'entries')} without a web address", "add the link")
    undated = sum(entry.date is None for entry in chosen)
    if undated and (request.source.feed or request.source.date):
        what = f"{counted(undated, 'entry', 'entries')} without a date"
        yield request.note(what, "make sure that they belong to this week")
