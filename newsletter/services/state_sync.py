"""Keep this machine's state and that on the state ref the same: take it before a command, and save it after.

Several processes of a machine may use the state at once, such as `news cancel` beside `news send`; they share
the record `ref.json`. `state_locks` has the rules.
"""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from newsletter.config.loader import Newsletter
from newsletter.display import display_path, printable
from newsletter.errors import NewsError, SaveLost, SendRefused, StateError, StoreError
from newsletter.sending.model import NextChunk
from newsletter.services.sealed_ref import SavedState, SealedRef
from newsletter.services.state_archive import has_content, make_archive, replace_state
from newsletter.services.state_locks import StateLocks
from newsletter.state import last_saved
from newsletter.state.archive import Lease
from newsletter.state.last_saved import LastSaved
from newsletter.state.location import DATABASE, SECRET
from newsletter.state.state_ref import LostRace
from newsletter.store.database import Database

log = logging.getLogger(__name__)

_TAKE = (
    "to replace it by the state on the ref: news state pull --replace; to save it there all the same: news "
    "state push --replace"
)
# The clocks of two machines may differ by this much.
CLOCK_MARGIN = timedelta(minutes=1)


class StateSync:
    """A newsletter's state on this machine and on its ref, as a process uses them; create it with `open`."""

    def __init__(
        self, newsletter: Newsletter, database: Database, sealed: SealedRef, locks: StateLocks
    ) -> None:
        self.newsletter, self.database, self.sealed, self._locks = newsletter, database, sealed, locks
        # The time until which another machine's process may have sent; None if this machine saved the state,
        # or nobody was sending. It stays the same after saves of this process.
        self.deadline = self._last().deadline
        # The size of the sealed state that was saved last.
        self.saved_bytes = 0
        # What the next save replaces on the ref, if it is not what this machine saw last.
        self._adopted: LastSaved | None = None

    @classmethod
    @contextmanager
    def open(cls, newsletter: Newsletter, *, for_test: bool = False) -> Iterator[Self]:
        """Open this machine's database and the state ref.

        `for_test` is that of `Database.open`. Raise the errors of `SealedRef.open`, and StateInUse if
        another process of this machine replaces the state now.
        """
        sealed = SealedRef.open(newsletter)
        with StateLocks.share(newsletter) as locks:
            database = Database.open(newsletter, for_test=for_test)
            try:
                yield cls(newsletter, database, sealed, locks)
            finally:
                database.close()

    @property
    def busy_until(self) -> datetime | None:
        """Return the time until which another machine may be sending; None if none is."""
        until = self.deadline + CLOCK_MARGIN if self.deadline else None
        return until if until and until > datetime.now(UTC) else None

    @property
    def has_seen_state(self) -> bool:
        """Return True if this machine has saved a state on the ref, or has taken one from there."""
        return bool(self._last().commit)

    def refuse_busy(self) -> None:
        """Raise SendRefused if another machine may be sending now."""
        if until := self.busy_until:
            by = printable((self._adopted or self._last()).saved_by)
            what = f"{by} is sending now, until {until:%H:%M:%S} UTC at the latest"
            raise SendRefused(what, "wait until it ends, then run the same command again")

    def take_alone(self) -> None:
        """Keep other processes of this machine out until the end; raise StateInUse if there is one."""
        self._locks.take_alone()

    def begin_sending(self) -> None:
        """Become the process of this machine that sends; raise SendRefused if there is another one."""
        self._locks.begin_sending()

    def pull(self, *, replace: bool = False) -> SavedState | None:
        """Take the state from the ref and return it; return None if this machine has the same or a newer one.

        `replace`: take it although this machine has seen a newer one, has a list that was never saved, or the
        repository has a new name. Raise StateError in these cases otherwise, and as `SealedRef.read` does;
        StateInUse if the state would be replaced while another process of this machine uses it.
        """
        # Another process of this machine may be saving: the ref and the record are read between two saves.
        with self._locks.saving():
            if not replace and self._has(self.sealed.existing_commit()):
                self.deadline = self._last().deadline
                return None
        with self._locks.alone():
            commit = self.sealed.existing_commit()  # another process may have taken or saved it meanwhile
            if not replace and self._has(commit):
                self.deadline = self._last().deadline
                return None
            saved = self.sealed.read(commit, renamed=replace)
            if not replace:
                self._refuse_older(saved)
                self._refuse_unsaved_list()
            with closing(Database.of_copy(saved.archive.database)) as copy:
                secret = saved.archive.secret_key
                replace_state(self.newsletter, self.database, copy, secret, keep_forever=replace)
            lease = saved.lease
            place, self.deadline = self.sealed.place, lease.deadline
            taken = LastSaved(
                place, commit, lease.generation, saved_by=lease.saved_by, deadline=lease.deadline
            )
            self._write(taken)
        log.info("state taken from its ref", extra={"generation": lease.generation})
        return saved

    def save(self, next_chunks: Sequence[NextChunk] = (), deadline: datetime | None = None) -> None:
        """Publish this machine's state with `next_chunks` already intended in it; `saved_bytes` is its size.

        If another process of this machine sends, its chunks stay intended, and its deadline counts. Raise
        SaveLost if another machine saved first; StoreError if it is not certain that this state was saved, or
        if it is too large.
        """
        with self._locks.saving():
            if self._adopted is None:
                self._refuse_other_database(self._last())
            last = self._adopted or self._last()
            if not self._locks.sends and self._locks.somebody_sends():
                next_chunks = [*next_chunks, *(NextChunk(*fields) for fields in last.own_chunks)]
                deadline = max(filter(None, (deadline, last.own_deadline)), default=None)
            lease = Lease(last.generation + 1, deadline, _process_name())
            self.database.set_generation(lease.generation)
            commit, self.saved_bytes = self._publish(last, lease, next_chunks)
            is_foreign = last.deadline is not None and last.deadline > datetime.now(UTC)
            foreign = (last.saved_by, last.deadline) if is_foreign else ("", None)
            chunks = tuple(astuple(chunk) for chunk in next_chunks)
            self._write(LastSaved(last.place, commit, lease.generation, "", *foreign, chunks, deadline))
            self._adopted = None
        log.info("state saved on its ref", extra={"generation": lease.generation, "until": deadline})

    def refuse_existing(self) -> None:
        """Raise StateError if the ref holds a state, or held one that this machine has seen."""
        place = self.sealed.place
        if self.sealed.commit():
            raise StateError.of(place, "holds a state already", "take it to this machine: news state pull")
        if self._last().commit:
            what = "held a state that this machine has seen, and somebody has deleted it"
            raise StateError.of(
                place, what, "save this machine's state there again: news state push --replace"
            )

    def adopt_head(self) -> None:
        """Let the next save replace what is on the ref now.

        Nothing is kept of that until the save: this machine's database does not contain what it replaces.
        Raise SendRefused if a process is sending, or if this machine has nothing that could be saved.
        """
        commit = self.sealed.commit()
        if commit and not has_content(self.database):
            what = "has no subscribers and no sends, and would replace a state on the ref"
            fix = "take the state from the ref: news state pull"
            raise SendRefused(f"{display_path(self.newsletter.state)} {what}", fix)
        if commit and self._has(commit):
            self._adopted = self._last()
        else:
            last, lease = self._last(), Lease(0, None, "")
            if commit:
                with suppress(StateError):  # damaged, or sealed with a key that is lost
                    lease = self.sealed.read_lease(commit)
            generation, self.deadline = max(last.generation, lease.generation), lease.deadline
            self._adopted = LastSaved(
                last.place, commit or "", generation, saved_by=lease.saved_by, deadline=lease.deadline
            )
        self.refuse_busy()

    def recognise_own_push(self) -> None:
        """Recognise what a killed process of this machine has pushed; raise as `SealedRef.commit` does."""
        if self._last().pending and (commit := self.sealed.commit()):
            self._has(commit)

    def _publish(self, last: LastSaved, lease: Lease, next_chunks: Sequence[NextChunk]) -> tuple[str, int]:
        try:
            archive = make_archive(self.newsletter, self.database, self.sealed.repository, next_chunks)
            return self.sealed.write(
                archive,
                lease,
                last.commit or None,
                lambda commit: self._write(replace(self._last(), pending=commit)),
            )
        except StoreError:
            raise
        except NewsError as failure:
            problem = failure.problems[0]
            kind = SaveLost if isinstance(failure, LostRace) else StoreError
            raise kind(problem.what, problem.fix, where=problem.where) from failure

    def _has(self, commit: str) -> bool:
        """Return True if this machine's database has all that a commit of the ref has."""
        last = self._last()
        if not self._is_newest(last):
            return False
        if commit == last.pending:
            # Its own push has arrived late: the database has all that it holds, and the journals besides.
            generation = max(last.generation + 1, self.database.generation())
            self._write(replace(last, commit=commit, pending="", generation=generation))
        return commit in (last.commit, last.pending)

    def _is_newest(self, last: LastSaved) -> bool:
        """Return True if this machine's database is the one that it saved or took last, or a newer one.

        It is another one if its file was deleted, or an older copy was put in its place.
        """
        secret = self.newsletter.secrets.secret_key or os.path.lexists(self.newsletter.state / SECRET)
        return not last.commit or (bool(secret) and self.database.generation() >= last.generation)

    def _refuse_other_database(self, last: LastSaved) -> None:
        """Raise StoreError unless this machine's database is the one that it saved or took last."""
        if not self._is_newest(last):
            what = (
                f"lacks {DATABASE} or {SECRET}, or holds an older state than this machine has seen on its ref"
            )
            raise StoreError(what, _TAKE, where=display_path(self.newsletter.state))

    def _refuse_older(self, saved: SavedState) -> None:
        """Raise StateError if the ref holds an older state than this machine has seen there."""
        last, generation = self._last(), saved.lease.generation
        if last.commit and saved.commit != last.commit and generation <= last.generation:
            what = (
                f"holds state number {generation}, and this machine has seen number {last.generation}: "
                "somebody has put an older one back, which does not record later sends"
            )
            fix = (
                "to save this machine's state there instead: news state push --replace; to accept the older "
                "one: news state pull --replace"
            )
            raise StateError.of(last.place, what, fix)

    def _refuse_unsaved_list(self) -> None:
        """Raise StateError if this machine has a list that it never saved on the ref, nor took from there.

        That includes the list of a backup. A database that was deleted has none, and is taken from the ref.
        """
        last, where = self._last(), display_path(self.newsletter.state)
        if not has_content(self.database):
            return
        if not last.commit:
            what = "has subscribers or sends that were never saved on the state ref"
            fix = "to replace them by the state on the ref: news state pull --replace"
            raise StateError.of(where, what, fix)
        self._refuse_other_database(last)

    def _last(self) -> LastSaved:
        """Return what this machine saw last, which another of its processes may have changed meanwhile."""
        last = last_saved.read(self.newsletter.state)
        place = self.sealed.place
        return last if last and last.place == place else LastSaved(place)

    def _write(self, last: LastSaved) -> None:
        last_saved.write(self.newsletter.state, last)


def _process_name() -> str:
    """Return a name of this process for people: the run of GitHub Actions, or the host."""
    run = os.environ.get("GITHUB_RUN_ID", "")
    return f"run {run}" if run.isdecimal() else f"process {os.getpid()} on {socket.gethostname()}"
