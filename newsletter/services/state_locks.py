"""Lock a newsletter's state on this machine, for the processes that use it, send, or save.

Several processes may use the state at once. Only one of them sends, only one saves at a time, and none of
them uses the state while it is replaced.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from newsletter.config.loader import Newsletter
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path
from newsletter.errors import SendRefused, StateError, Unavailable
from newsletter.state.folder import make_private_dir
from newsletter.state.process_lock import FileLock

IN_USE, SENDER, SAVE = "in-use.lock", "sender.lock", "save.lock"
"""The locks in the state's folder: of each process that uses it, of the one that sends, and for a save."""


class StateInUse(Unavailable):
    """The error for a state that another process of this machine uses."""


class StateLocks:
    """The locks on this machine's state; all of them end with the process."""

    def __init__(self, in_use: FileLock, sender: FileLock, save: FileLock) -> None:
        self._in_use, self._sender, self._save = in_use, sender, save
        self.sends = self._is_alone = False

    @classmethod
    @contextmanager
    def share(cls, newsletter: Newsletter) -> Iterator[Self]:
        """Share the state with other processes of this machine during the block.

        Raise StateError if its folder or a lock cannot be made.
        """
        folder = newsletter.state
        try:
            make_private_dir(folder)
        except OSError as failure:
            fix = write_hint(failure, "check that you have the permission to write to its folder")
            raise StateError.of(display_path(folder), cannot_be("made", failure), fix) from failure
        with ExitStack() as stack:
            locks = cls(*(stack.enter_context(FileLock(folder / name)) for name in (IN_USE, SENDER, SAVE)))
            locks._in_use.share()
            yield locks

    def take_alone(self) -> None:
        """Keep other processes out until the end; raise StateInUse if there is one."""
        self._is_alone = self._in_use.take()
        if not self._is_alone:
            self._in_use.share()
            what = "another news process on this machine uses the state of this newsletter now"
            raise StateInUse(what, "wait until it ends, then run the same command again")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out during the block; raise StateInUse if there is one."""
        if self._is_alone:
            yield
            return
        self.take_alone()
        try:
            yield
        finally:
            self._is_alone = False
            self._in_use.share()

    def begin_sending(self) -> None:
        """Become the process that sends, until the end; raise SendRefused if there is another one."""
        with self.saving():  # `somebody_sends` takes the lock for a moment, in a save
            self.sends = self.sends or self._sender.take()
        if not self.sends:
            what = "another news process on this machine is sending this newsletter now"
            raise SendRefused(what, "wait until it ends, then run the same command again")

    def somebody_sends(self) -> bool:
        """Return True if another process of this machine sends; call it in a save only."""
        if self._sender.take():
            self._sender.release()
            return False
        return True

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Let no other process save during the block; wait for one that does."""
        self._save.wait()
        try:
            yield
        finally:
            self._save.release()
