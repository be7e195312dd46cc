"""One thread that writes to the database for many callers: what waits is committed together (group commit).

A commit waits for the disk, about as long for fifty changes as for one.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, Full, Queue
from typing import Any, TypeVar

from sqlalchemy import Connection

from newsletter.errors import NewsError, Unavailable
from newsletter.store.database import Database, has_ended, translate_db_errors

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Change = Callable[[Connection], Result]

LOCK_SECONDS = 5.0
"""The longest wait for another process that writes; then the requests are answered with 503."""
MAX_WAITING = 2000
_MAX_CHANGES_PER_COMMIT = 500


class _Job:
    """A change that waits, and the place of its result."""

    def __init__(self, change: Change[Any]) -> None:
        self.future: Future[Any] = Future()
        self._change = change
        self._result: Any = None
        self._failure: Exception | None = None

    def run(self, connection: Connection) -> None:
        """Make the change in a savepoint: a change that fails does not undo the others.

        Raise the failure if the database has ended the transaction: then the others are undone, too.
        """
        self._result = self._failure = None
        try:
            with translate_db_errors(connection.engine.url), connection.begin_nested():
                self._make(connection)
        except Exception as failure:  # of the change; the one who asked for it gets it
            self._failure = self._failure or failure
        if self._failure and has_ended(connection):
            raise self._failure

    def _make(self, connection: Connection) -> None:
        """Make the change; keep its failure, because that of the savepoint would hide it."""
        try:
            with translate_db_errors(connection.engine.url):
                self._result = self._change(connection)
        except Exception as failure:
            self._failure = failure
            raise

    def answer(self) -> None:
        """Give the result after the commit."""
        if self._failure:
            self.future.set_exception(self._failure)
        else:
            self.future.set_result(self._result)


class Writer:
    """Make changes in one thread, several in a transaction; a result is given after the commit.

    `first` is called at the beginning of each transaction. It takes the locks that the changes need: taken by
    the changes, one after another, they could be waited for many times, or by two processes in two orders.
    """

    def __init__(
        self,
        database: Database,
        first: Callable[[Connection], None] = lambda connection: None,
        *,
        lock_seconds: float = LOCK_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._database, self._first, self._lock_seconds = database, first, lock_seconds
        self._jobs: Queue[_Job | None] = Queue(max_waiting)
        self._is_closed, self._closing = False, threading.Lock()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Return True while changes are made."""
        return self._thread.is_alive() and not self._is_closed

    def submit(self, change: Change[Result]) -> "Future[Result]":
        """Queue a change; return the future of its result. Raise Unavailable if too many wait."""
        job = _Job(change)
        with self._closing:
            if not self.is_alive:
                raise Unavailable("the server is stopping", "try again in a moment")
            try:
                self._jobs.put_nowait(job)
            except Full as failure:
                what = "too many requests wait for the database"
                raise Unavailable(what, "try again in a moment") from failure
        return job.future

    async def write(self, change: Change[Result]) -> Result:
        """Make a change and return its result; it is made too if the one who asked for it has gone."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(change)))

    def write_now(self, change: Change[Result]) -> Result:
        """Make a change for another thread; wait for its result, and return it."""
        return self.submit(change).result()

    def close(self) -> None:
        """Make the changes that wait, then end the thread."""
        with self._closing:
            self._is_closed = True
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs, is_last = self._with_waiting(job)
            self._commit(jobs)
            if is_last:
                return

    def _with_waiting(self, job: _Job) -> tuple[list[_Job], bool]:
        """Return a job with those that wait already; True if the writer is to end after them."""
        jobs = [job]
        while len(jobs) < _MAX_CHANGES_PER_COMMIT:
            try:
                following = self._jobs.get_nowait()
            except Empty:
                break
            if following is None:
                return jobs, True
            jobs.append(following)
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            with self._database.writing(lock_seconds=self._lock_seconds) as connection:
                self._first(connection)
                for job in jobs:
                    job.run(connection)
        except Exception as failure:  # the thread goes on: the next transaction may work
            is_known = isinstance(failure, NewsError)
            fields = {"changes": len(jobs), "reason": str(failure) if is_known else ""}
            log.error("changes not written", extra=fields, exc_info=None if is_known else failure)
            for job in jobs:
                job.future.set_exception(failure)
            return
        for job in jobs:
            job.answer()
