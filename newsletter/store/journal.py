"""What a run notes while its messages are under way: a few bytes each, without waiting for the disk.

A note survives the end of the process, kill -9 included, because the operating system has it by then. It does
not survive a power cut; so the notes of an earlier boot are not believed.
"""

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

from newsletter.display import display_path, printable
from newsletter.errors import StoreError, cannot_be
from newsletter.sending.model import Send
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.state.folder import make_private_dir
from newsletter.store.process_lock import HAS_LOCKS, lock

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BEGUN = "begun"
_LONG_AGO = 24 * 3600


@dataclass(frozen=True)
class Holder:
    """The process that holds the lease on a send; `has_ended` where it certainly does not run any more."""

    process: str
    host: str
    has_ended: bool


def lease_holder(send: Send, runs: Path, now: datetime) -> Holder | None:
    """Return the process that sends now, or that ended with its lease; None where neither is known."""
    if not send.lease_holder:
        return None
    has_ended = _is_dead(runs, send.lease_holder)
    if not has_ended and (send.lease_until is None or send.lease_until <= now):
        return None
    host, process, _ = send.lease_holder.rsplit("_", 2)
    return Holder(process, host, has_ended)


class SendProcess:
    """One process that goes on with sends; its folder is locked for as long as it lives."""

    def __init__(self, folder: Path) -> None:
        """Makes a folder below `folder`; raises StoreError where it cannot."""
        self._runs = folder
        host = re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname())[:60] or "somewhere"
        # Whoever finds its name at a send can see here that it has ended.
        self.has_lease = False
        self.name = f"{host}_{os.getpid()}_{secrets.token_hex(4)}"
        self._folder = folder / self.name
        draft = folder / f".{self.name}"
        try:
            make_private_dir(folder.parent)
            draft.mkdir(parents=True)
            self._alive = os.open(draft / "alive", os.O_RDWR | os.O_CREAT, 0o600)
            lock(self._alive)
            os.write(self._alive, _boot().encode())
            # It has its name only once it is locked: unlocked it would be taken for dead.
            draft.rename(self._folder)
            log.debug("process registered", extra={"run": self.name})
            self._sweep()
        except OSError as failure:
            raise _not_written(self._folder, failure) from failure

    def journal(self, chunk: str) -> "Journal":
        """A new journal for a chunk."""
        return Journal(self._folder / chunk)

    def is_dead(self, run: str) -> bool:
        """Whether another run's process has certainly ended; False where this machine cannot know."""
        return _is_dead(self._runs, run)

    def notes(self, run: str, chunk: str) -> dict[int, Outcome | None] | None:
        """What a dead run noted of each message that it began: its outcome, or None where there is none.

        None where there are no notes to be believed.
        """
        try:
            boot = (self._runs / run / "alive").read_text()
            lines = (self._runs / run / chunk).read_text(errors="replace").split("\n")
        except OSError:
            return None
        if not boot or boot != _boot():
            log.warning("notes of an earlier boot are not believed", extra={"run": run, "journal": chunk})
            return None
        noted: dict[int, Outcome | None] = {}
        try:
            for line in lines[:-1]:  # behind the last line end there is nothing, or half a note
                number, state, reason = line.split("\t", 2)
                noted[int(number)] = None if state == _BEGUN else _outcome(state, reason)
        except ValueError as failure:  # somebody else has written into it
            fields = {"run": run, "journal": chunk}
            log.warning("notes that cannot be read are not believed", extra=fields, exc_info=failure)
            return None
        log.info("notes read", extra={"run": run, "journal": chunk, "messages": len(noted)})
        return noted

    def delete_notes(self, run: str, chunk: str) -> None:
        """Deletes a dead run's notes of a chunk, once the ledger has what they said."""
        with suppress(OSError):
            (self._runs / run / chunk).unlink()

    def close(self) -> None:
        """Ends the run; what it noted is in the ledger by now, or is needed by the next one."""
        if os.listdir(self._folder) == ["alive"] and not self.has_lease:
            shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._alive)
        log.debug("process ended", extra={"run": self.name})

    def _sweep(self) -> None:
        """Deletes what is left of runs that died long ago; until then it says that they did."""
        for folder in self._runs.iterdir():
            long_ago = folder.stat().st_mtime < time.time() - _LONG_AGO
            if long_ago and self.is_dead(folder.name) and os.listdir(folder) == ["alive"]:
                shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


class Journal:
    """The notes of one chunk; written by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        except OSError as failure:
            raise _not_written(path, failure) from failure

    def starting(self, number: int) -> None:
        """Before a message could be delivered; raises StoreError, and then it must not be sent."""
        self._note(f"{number}\t{_BEGUN}\t\n")

    def finished(self, number: int, outcome: Outcome) -> None:
        """What came of it."""
        reason = "" if isinstance(outcome, Accepted) else printable(outcome.reason, 300)
        self._note(f"{number}\t{outcome.state}\t{reason}\n")

    def discard(self) -> None:
        """Deletes it: the ledger has it all."""
        with suppress(OSError):
            os.close(self._file)
            self._path.unlink()

    def _note(self, line: str) -> None:
        note = line.encode(errors="replace")
        try:
            if os.write(self._file, note) != len(note):
                raise OSError("no space left")
        except OSError as failure:
            raise _not_written(self._path, failure) from failure


def _is_dead(runs: Path, run: str) -> bool:
    """Return whether a run's process has certainly ended: its folder is here, and its lock is free."""
    if not HAS_LOCKS:
        return False
    try:
        alive = os.open(runs / run / "alive", os.O_RDWR)
    except OSError:
        return False
    try:
        lock(alive)
    except OSError:
        return False
    finally:
        os.close(alive)
    return True


def _outcome(state: str, reason: str) -> Outcome:
    if state == Accepted.state:
        return Accepted()
    if state == Refused.state:
        return Refused(reason)
    return NotSent(reason, stop=False) if state == NotSent.state else Unknown(reason)


def _boot() -> str:
    """What this boot of this machine is known by; empty where the system does not say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _not_written(path: Path, failure: OSError) -> StoreError:
    hint = "check the folder's permissions and the disk's space, then run the same command again"
    return StoreError(cannot_be("written", failure), hint, where=display_path(path))
