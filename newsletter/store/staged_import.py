"""Import files in two phases: read them into a temporary database, then move the people into the store.

The first phase takes no lock of the store, the second one short locks: another process that writes waits for
one chunk at most.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from types import TracebackType
from typing import Self

from newsletter.config.loader import Newsletter
from newsletter.errors import Problem
from newsletter.state.identity import claim
from newsletter.store.database import Conflict, Database
from newsletter.store.import_chunk import compare_chunk, move_chunk
from newsletter.store.import_outcome import UNUSUAL, Example, ImportOutcome
from newsletter.store.sqlite import POLL_SECONDS
from newsletter.store.staged_people import StagedPeople, StagedPerson
from newsletter.store.temporary_database import temporary_database
from newsletter.subscribers.import_row import ImportRow, KeptOut
from newsletter.subscribers.import_rules import Change

log = logging.getLogger(__name__)

# The time that a chunk takes about, in which no other process writes; the pause after it is longer than the
# time after which a waiting process looks for a free lock again.
CHUNK_SECONDS, PAUSE_SECONDS = 0.03, 2 * POLL_SECONDS
FIRST_CHUNK_ROWS, LEAST_CHUNK_ROWS, MOST_CHUNK_ROWS = 500, 50, 5000
_TRIES = 3

Clock = Callable[[], datetime]


class StagedImport:
    """The rows of an import in a temporary database, which is deleted at the end of the `with` block.

    `chunk_rows` is the number of people in a chunk; None: as many as the store takes in CHUNK_SECONDS.
    """

    def __init__(self, newsletter: Newsletter, *, chunk_rows: int | None = None) -> None:
        self._newsletter, self._chunk_rows = newsletter, chunk_rows
        self._stack = ExitStack()
        self._read = ImportOutcome()

    def __enter__(self) -> Self:
        """Make the temporary database in the newsletter's state; raise StoreError or StateError."""
        claim(self._newsletter.location, self._newsletter.list_id)
        with ExitStack() as stack:
            self._people = StagedPeople(stack.enter_context(temporary_database(self._newsletter.state)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, at)

    def add(self, rows: Iterable[ImportRow | KeptOut | Problem], source: str) -> None:
        """Read the rows of a file; `source` is its name, for the record of the consent."""
        source = source.encode(errors="backslashreplace").decode()  # a file name may be any bytes
        for row in rows:
            if isinstance(row, ImportRow):
                self._read.rows += 1
                self._people.add(row, source)
            elif isinstance(row, KeptOut):
                self._read.count_kept_out(row)
            else:
                self._read.count_problem(row)

    def compare(self, database: Database, clock: Clock = lambda: datetime.now(UTC)) -> ImportOutcome:
        """Return the outcome that `apply` would have now; change nothing."""
        outcome = self._read.copy()
        with self._people.sorted() as staged:
            while people := _chunk(staged, self._chunk_rows or MOST_CHUNK_ROWS):
                with database.reading() as connection:
                    changes = compare_chunk(connection, people, clock())
                _count(outcome, people, changes)
        return outcome

    def apply(self, database: Database, clock: Clock = lambda: datetime.now(UTC)) -> ImportOutcome:
        """Move the people into the store, a chunk in each transaction; return the outcome.

        After an error the chunks that were moved stay; a second import of the same files moves the others.
        """
        outcome = self._read.copy()
        size, pause_end = self._chunk_rows or FIRST_CHUNK_ROWS, 0.0
        with self._people.sorted() as staged:
            while people := _chunk(staged, size):
                # Most of the pause was spent to read these people.
                time.sleep(max(0.0, pause_end - time.monotonic()))
                changes, seconds = _move(database, people, clock)
                pause_end = time.monotonic() + PAUSE_SECONDS
                size = self._chunk_rows or next_chunk_rows(size, seconds)
                _count(outcome, people, changes)
        counts = {" ".join(filter(None, kind)): number for kind, number in outcome.counts.items()}
        log.info("subscribers imported", extra={"rows": outcome.rows, "counts": counts})
        return outcome


def _chunk(staged: Iterator[StagedPerson], size: int) -> list[StagedPerson]:
    """Return the next people, in the order of their first rows."""
    return sorted(islice(staged, size), key=attrgetter("number"))


def next_chunk_rows(rows: int, seconds: float) -> int:
    """Return the size of the next chunk, after one of `rows` people that took so many seconds.

    A slow disk or a busy machine gets smaller chunks, so that other processes wait no longer for them.
    """
    wanted = int(rows * min(CHUNK_SECONDS / max(seconds, 0.001), 2))
    return max(LEAST_CHUNK_ROWS, min(wanted, MOST_CHUNK_ROWS))


def _move(
    database: Database, people: Sequence[StagedPerson], clock: Clock, tries: int = _TRIES
) -> tuple[list[Change], float]:
    """Move a chunk in one transaction; return the changes, and its seconds without the wait for the lock.

    Try again if another process added one of these people meanwhile, which PostgreSQL permits.
    """
    try:
        with database.writing() as connection:
            start = time.monotonic()
            changes = move_chunk(connection, people, clock())
        return changes, time.monotonic() - start
    except Conflict:
        if tries == 1:
            raise
    return _move(database, people, clock, tries - 1)


def _count(outcome: ImportOutcome, people: Sequence[StagedPerson], changes: Sequence[Change]) -> None:
    outcome.counts.update(Counter((change.result, change.detail) for change in changes))
    for person, change in zip(people, changes, strict=True):
        if change.result in UNUSUAL:
            outcome.keep_example(change.result, change.detail, _example(person.row))
        if person.repeats:
            outcome.count_repeats(person.repeats, map(_example, person.repeated))


def _example(row: ImportRow) -> Example:
    return Example(row.where, row.address.given)
