"""Complete messages into a maildir on this machine: nothing leaves it, and any mail program opens it."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from newsletter.errors import Problem
from newsletter.message import Batch
from newsletter.mime import Unmailable, template
from newsletter.models import Accepted, Capabilities, NotSent, Outcome, Refused
from newsletter.private import make_private
from newsletter.shown import shown_path


class OutboxProvider:
    """Delivers into `new/` of a maildir, by way of `tmp/` (https://cr.yp.to/proto/maildir.html).

    A message's file is named after its Message-ID and content, so that one that is there already is not
    delivered again.
    """

    name = "outbox"
    capabilities = Capabilities(recipients_per_call=1, leaves_machine=False, tracking="none")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self) -> list[Problem]:
        there = next(folder for folder in (self._folder, *self._folder.absolute().parents) if folder.exists())
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            return []
        what = "is not a folder" if not there.is_dir() else "may not be written to"
        return [Problem(shown_path(there), what, "check `outbox.path`")]

    def submit(self, batch: Batch) -> Outcome:
        (recipient,) = batch.recipients
        try:
            # A maildir's files have the line ends of its machine; CR LF is for the wire.
            message = template(batch.mailing).fill(recipient).replace(b"\r\n", b"\n")
        except Unmailable as problem:
            return Refused(str(problem))
        digest = hashlib.sha256(message).hexdigest()[:8]
        name = f"{recipient.message_id[1:].partition('@')[0]}.{digest}.eml"
        draft = self._folder / "tmp" / f"{name}.{os.getpid()}"
        try:
            self._make_folders()
            self._write(draft, message)
            # A link, not a rename: it fails where the name is taken, and there it is this same message.
            try:
                os.link(draft, self._folder / "new" / name)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
            self._sync_folder()
        except OSError as failure:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            return NotSent(f"{shown_path(self._folder)}: {failure.strerror or failure}")
        return Accepted(name)

    def close(self) -> None:
        pass

    def _make_folders(self) -> None:
        make_private(self._folder)
        for part in ("tmp", "new", "cur"):
            (self._folder / part).mkdir(exist_ok=True)

    def _write(self, file: Path, message: bytes) -> None:
        with file.open("wb") as handle:
            handle.write(message)
            handle.flush()
            os.fsync(handle.fileno())

    def _sync_folder(self) -> None:
        handle = os.open(self._folder / "new", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
