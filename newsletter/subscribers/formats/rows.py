"""Map the records of a table to rows of an import."""

from datetime import datetime

from newsletter.display import printable
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.csv_guard import unguarded
from newsletter.subscribers.departure_columns import is_departure_or_no
from newsletter.subscribers.departure_words import is_no
from newsletter.subscribers.formats.dates import UnknownDateOrder, is_empty, parse_time
from newsletter.subscribers.formats.layout import Layout
from newsletter.subscribers.formats.model import SEVERITY
from newsletter.subscribers.formats.options import ImportOptions
from newsletter.subscribers.import_row import ImportRow, KeptOut
from newsletter.subscribers.parsing import parse_subscriber
from newsletter.subscribers.state_vocabulary import Verdict
from newsletter.subscribers.table import Record
from newsletter.subscribers.words import words_of

_MAX_WORD = 60  # characters of a word of a state in a message


class RowMapper:
    """Maps the records of one table; columns whose times cannot be read are collected in `unread`."""

    def __init__(self, layout: Layout, header: list[str], shown: str, options: ImportOptions) -> None:
        self._layout = layout
        self._header = header
        self._shown = shown
        self._options = options
        self._unread_positions: set[int] = set()
        self.unread: list[Problem] = []

    def row(self, record: Record) -> ImportRow | KeptOut | Problem | None:
        """Return the row of a record; None if its fields are empty.

        Raise SubscriberError for a date whose order of day and month is not known.
        """
        layout, fields = self._layout, record.fields
        where = f"{self._shown}:{record.line}"
        written, bad_name = unguarded(fields[layout.address]), None
        try:
            address, name = parse_subscriber(written, self._name(fields))
        except SubscriberError as problem:
            try:
                address, name = parse_subscriber(written)
            except SubscriberError:
                return self._refused(where, fields, problem)
            bad_name = problem  # which hides no departure
        if layout.deleted_domain and address.key.endswith(f"@{layout.deleted_domain}"):
            return KeptOut(where, address.given, "deleted")
        joined, doubt = self._joined(where, fields) if layout.joined else (None, "")
        verdict, word = self._judged(fields, doubt)
        has_left, left = self._left(where, fields) if layout.left else (False, None)
        if has_left and SEVERITY[verdict] < SEVERITY["unsubscribed"]:
            verdict = "unsubscribed"
        match self._options.as_state or verdict:
            case None | "active" as state:
                if bad_name:
                    return Problem(where, bad_name.what, bad_name.hint)
                return ImportRow(where, address, name, state, joined)
            case "temporary" | "not_confirmed" | "unknown_state" as reason:
                return KeptOut(where, address.given, reason, word)
            case departed:
                departed = "unsubscribed" if departed == "deleted" else departed
                left = left or self._changed(where, fields)
                return ImportRow(where, address, name, departed, joined, left)

    def _name(self, fields: list[str]) -> str:
        parts = self._layout.names
        if not parts:
            return ""
        if len(parts) == 1:
            return unguarded(fields[parts[0]])
        return " ".join(filter(None, [unguarded(fields[part]).strip() for part in parts]))

    def _refused(self, where: str, fields: list[str], problem: SubscriberError) -> Problem | None:
        if fields[self._layout.address].strip():
            return Problem(where, problem.what, problem.hint)
        if not any(field.strip() for field in fields):
            return None
        column = self._shown_column(self._layout.address)
        return Problem(where, f"the row has no address: {column} is empty", "fill it in, or delete the row")

    def _judged(self, fields: list[str], doubt: str) -> tuple[Verdict, str]:
        """Return the severest verdict of the columns of states, and the word that decides.

        `doubt` is a word in place of the time of the consent, which may tell of a departure.
        """
        verdict, word = self._layout.state, ""
        if doubt and SEVERITY[verdict] < SEVERITY["unknown_state"]:
            verdict, word = "unknown_state", doubt
        for position, judge in self._layout.states:
            found = judge(fields[position])
            if SEVERITY[found] > SEVERITY[verdict]:
                verdict, word = found, fields[position].strip()[:_MAX_WORD]
        return verdict, word

    def _joined(self, where: str, fields: list[str]) -> tuple[datetime | None, str]:
        """Return the time of the consent, and a word in its place that may tell of a departure."""
        for position in self._layout.joined:
            value = fields[position]
            if not value or is_empty(value):
                continue
            if time := self._time(where, position, value):
                return time, ""
            if is_departure_or_no(value):
                return None, value.strip()[:_MAX_WORD]
        return None, ""

    def _left(self, where: str, fields: list[str]) -> tuple[bool, datetime | None]:
        """Return True for a row that tells a departure, and the time of the latest that can be read."""
        has_left, latest = False, None
        for position in self._layout.left:
            value = fields[position]
            if not value or is_empty(value):
                continue
            if not value[0].isdigit() and is_no(words_of(value[:_MAX_WORD])):
                continue
            has_left = True
            if (time := self._time(where, position, value)) and (latest is None or time > latest):
                latest = time
        return has_left, latest

    def _changed(self, where: str, fields: list[str]) -> datetime | None:
        values = ((position, fields[position]) for position in self._layout.changed)
        times = (self._time(where, position, value) for position, value in values if not is_empty(value))
        return next(filter(None, times), None)

    def _time(self, where: str, position: int, value: str) -> datetime | None:
        """Return the time in a cell; None, and a warning once for its column, if it cannot be read."""
        try:
            return parse_time(value, self._options.date_format)
        except UnknownDateOrder as failure:
            if position in self._layout.guessed:
                self._note_unread(where, position, value, failure.day_first)
                return None
            date, column = printable(value.strip()), self._shown_column(position)
            what = f"the order of day and month is not known for dates such as {date} in {column}"
            hint = (
                f'name it: --date-format "{failure.day_first}" if the day is first, '
                f'or --date-format "{failure.month_first}"'
            )
            raise SubscriberError(what, hint, where=where) from failure
        except ValueError:
            self._note_unread(where, position, value)
            return None

    def _note_unread(
        self, where: str, position: int, value: str, date_format: str = "%d.%m.%Y %H:%M"
    ) -> None:
        if position in self._unread_positions:
            return
        self._unread_positions.add(position)
        column = self._shown_column(position)
        what = (
            f"{column} has dates that cannot be read, such as `{printable(value.strip())}`: they are left out"
        )
        fix = f'name their format: --date-format "{date_format}"'
        self.unread.append(Problem(where, what, fix, severity="warning"))

    def _shown_column(self, position: int) -> str:
        return f"the column `{printable(self._header[position].strip())}`"
