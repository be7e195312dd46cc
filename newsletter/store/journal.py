"""The journals of a process: its notes on each message that it submits, written without a wait for the disk.

A note survives the end of the process, kill -9 included, because the operating system has it already. It does
not survive a power cut, so the notes of an earlier boot are ignored.
"""

import errno
import logging
import os
import re
import secrets
import shutil
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from newsletter.disk import reading
from newsletter.disk.boundary import refuse_outside
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path, printable
from newsletter.errors import StoreError
from newsletter.sending.model import Send
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.state.folder import FILE_MODE, make_private_dir
from newsletter.state.process_lock import HAS_LOCKS, is_locked, lock

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BEGUN = "begun"
_MAX_BYTES = 100_000_000
_KEEP_DEAD_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Holder:
    """The process that holds the lease on a send; `has_ended` is True if it certainly no longer runs."""

    process: str
    host: str
    has_ended: bool


def lease_holder(send: Send, runs: Path, now: datetime) -> Holder | None:
    """Return the process that delivers a send, or that ended before it released the lease; None if neither.

    `runs` is the folder with the folders of all processes.
    """
    if not send.lease_holder:
        return None
    has_ended = _is_dead(runs, send.lease_holder)
    if not has_ended and (send.lease_until is None or send.lease_until <= now):
        return None
    return parse_holder(send.lease_holder, has_ended=has_ended)


def parse_holder(name: str, *, has_ended: bool) -> Holder:
    """Return the holder of a lease from the name of its process."""
    host, process, _ = name.rsplit("_", 2)
    return Holder(process, host, has_ended)


class SendProcess:
    """A process that sends; its folder stays locked until the process ends."""

    def __init__(self, folder: Path) -> None:
        """Create and lock a folder below `folder`; raise StoreError if that fails."""
        self._parent = folder
        self.host = re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname())[:60] or "somewhere"
        # While a send names this process as its lease holder, the folder must stay: by the folder, other
        # processes know that this process has ended.
        self.has_lease = False
        self.name = f"{self.host}_{os.getpid()}_{secrets.token_hex(4)}"
        self._folder = folder / self.name
        draft = folder / f".{self.name}"
        try:
            refuse_outside(folder, folder.parent)
            make_private_dir(folder.parent)
            draft.mkdir(parents=True)
            self._alive = os.open(draft / "alive", os.O_RDWR | os.O_CREAT, FILE_MODE)
            lock(self._alive)
            os.write(self._alive, _boot().encode())
            # Rename after locking: `_is_dead` takes an unlocked folder for a dead process.
            draft.rename(self._folder)
            log.debug("process registered", extra={"run": self.name})
            self._sweep()
        except OSError as failure:
            raise _not_written(self._folder, failure) from failure

    def journal(self, chunk: str) -> "Journal":
        """Create the journal of a chunk; raise StoreError if that fails."""
        return Journal(self._folder / chunk)

    def is_dead(self, process: str) -> bool:
        """Return True if another process has certainly ended; False if this machine cannot know."""
        return _is_dead(self._parent, process)

    def notes(self, process: str, chunk: str) -> dict[int, Outcome | None] | None:
        """Return a dead process's notes on a chunk: the outcomes of its messages by recipient number.

        The outcome of a message that was begun and not finished is None. Return None instead of a dictionary
        if there are no valid notes.
        """
        try:
            boot = self._read(process, "alive")
            lines = self._read(process, chunk).split("\n")
        except OSError:
            return None
        if not boot or boot != _boot():
            log.warning("notes of an earlier boot are ignored", extra={"run": process, "journal": chunk})
            return None
        try:
            noted = dict(
                map(_parse_note, lines[:-1])
            )  # after the last line end is nothing, or an incomplete note
        except ValueError as failure:  # another program has written into the file
            fields = {"run": process, "journal": chunk}
            log.warning("notes that cannot be parsed are ignored", extra=fields, exc_info=failure)
            return None
        log.info("notes read", extra={"run": process, "journal": chunk, "messages": len(noted)})
        return noted

    def delete_notes(self, process: str, chunk: str) -> None:
        """Delete a dead process's notes on a chunk, after the ledger has recorded their outcomes."""
        with suppress(OSError):
            (self._parent / process / chunk).unlink()

    def _read(self, process: str, file: str) -> str:
        content = reading.read(self._parent / process / file, _MAX_BYTES, root=self._parent)
        return content.decode("utf-8", "replace")

    def close(self) -> None:
        """Unlock the folder; delete it unless another process needs it, for its journals or a lease."""
        if os.listdir(self._folder) == ["alive"] and not self.has_lease:
            shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._alive)
        log.debug("process ended", extra={"run": self.name})

    def _sweep(self) -> None:
        """Delete the folders of processes that died more than a day ago.

        Until then a folder tells other processes that its process is dead.
        """
        for folder in self._parent.iterdir():
            is_old = folder.stat().st_mtime < time.time() - _KEEP_DEAD_SECONDS
            if is_old and self.is_dead(folder.name) and os.listdir(folder) == ["alive"]:
                shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


class Journal:
    """The journal of one chunk: notes on its messages, written by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, FILE_MODE)
        except OSError as failure:
            raise _not_written(path, failure) from failure

    def starting(self, number: int) -> None:
        """Record that a message is about to be submitted; after a StoreError it must not be submitted."""
        self._note(f"{number}\t{_BEGUN}\t\n")

    def finished(self, number: int, outcome: Outcome) -> None:
        """Record the message's outcome; raise StoreError if that fails."""
        reason = "" if isinstance(outcome, Accepted) else printable(outcome.reason, 300)
        self._note(f"{number}\t{outcome.state}\t{reason}\n")

    def discard(self) -> None:
        """Delete the journal, after the ledger has recorded its outcomes."""
        with suppress(OSError):
            os.close(self._file)
            self._path.unlink()

    def _note(self, line: str) -> None:
        note = line.encode(errors="replace")
        try:
            if os.write(self._file, note) != len(note):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as failure:
            raise _not_written(self._path, failure) from failure


def _is_dead(folder: Path, process: str) -> bool:
    """Return True if a process has certainly ended: its folder is on this machine, and is not locked."""
    if not HAS_LOCKS:
        return False
    try:
        alive = os.open(folder / process / "alive", os.O_RDWR)
    except OSError:
        return False
    try:
        return not is_locked(alive)
    finally:
        os.close(alive)


def _parse_note(line: str) -> tuple[int, Outcome | None]:
    """Return the number and the outcome in the line of a note; raise ValueError for any other line."""
    number, state, reason = line.split("\t", 2)
    return int(number), None if state == _BEGUN else _outcome(state, reason)


def _outcome(state: str, reason: str) -> Outcome:
    if state == Accepted.state:
        return Accepted()
    if state == Refused.state:
        return Refused(reason)
    return NotSent(reason, stop=False) if state == NotSent.state else Unknown(reason)


def _boot() -> str:
    """Return the id of this boot of the machine; empty if the system has none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _not_written(path: Path, failure: OSError) -> StoreError:
    hint = write_hint(failure, "check the permissions of its folder, then run the same command again")
    return StoreError(cannot_be("written", failure), hint, where=display_path(path))
