"""Write complete messages into a maildir on this machine, for any mail program to open."""

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.disk.boundary import UnsafeFile, refuse_outside
from newsletter.disk.writing import write_atomically
from newsletter.display import display_path
from newsletter.errors import Problem
from newsletter.findings import Finding, ProviderReport
from newsletter.mail.message import Batch, Recipient
from newsletter.mail.mime import MimeTemplate, Unmailable, template
from newsletter.sending.outcomes import (
    NOT_BEGUN,
    Accepted,
    Capabilities,
    NotSent,
    Outcome,
    Refused,
)
from newsletter.state.folder import make_private_dir, protect_maildir
from newsletter.state.tracked import tracked_problems

if TYPE_CHECKING:
    from newsletter.config.model import Config
    from newsletter.sending.interfaces import Recallable, SubmissionLog

log = logging.getLogger(__name__)

_PARTS = ("tmp", "new", "cur")


def mail_folder(outbox: Path) -> Path | None:
    """Return the folder of a maildir that has mail: `new`, or `cur`, where mail programs move it; or None."""
    return next((folder for name in ("new", "cur") if any((folder := outbox / name).glob("*"))), None)


def _holds_other_files(folder: Path) -> bool:
    """Return True if a folder is something else than an outbox: its permissions must not be changed."""
    try:
        names = set(os.listdir(folder)) - {".gitignore"}
    except OSError:
        return True
    # A home folder may have a folder `tmp` or `new` too; a mail program may keep files of its own.
    return not (names.issubset(_PARTS) or names.issuperset(_PARTS))


def _is_in_git_dir(folder: Path) -> bool:
    """Return True if a folder is Git's own or below it: mail in `refs/` would be broken branches and tags."""
    real = folder.resolve()
    return any((above / "HEAD").exists() and (above / "objects").is_dir() for above in (real, *real.parents))


class OutboxProvider:
    """Deliver into `new/` of a maildir, by way of `tmp/` (https://cr.yp.to/proto/maildir.html).

    A message's file is named after its Message-ID and content, so that a message is never delivered twice.
    """

    name = "outbox"
    capabilities = Capabilities(
        recipients_per_call=1, leaves_machine=False, tracking=PROVIDER_TRACKING["outbox"]
    )
    recallable: "Recallable | None" = None

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        """Deliver into `folder`; symbolic links must not lead from it out of `root`, if any."""
        self._folder, self._root = folder, root

    def check(self) -> list[Problem]:
        if problems := list(tracked_problems([self._folder])):
            return problems
        try:
            self._refuse_links()
        except UnsafeFile as failure:
            return [Problem(display_path(self._folder), failure.reason, failure.fix)]
        if _is_in_git_dir(self._folder):
            what = "is in the folder of a Git repository, which mail would damage"
            return [Problem(display_path(self._folder), what, "write another folder into `outbox.path`")]
        candidates = (self._folder, *self._folder.absolute().parents)
        existing = next(folder for folder in candidates if folder.exists())
        if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
            what = "is not a folder" if not existing.is_dir() else "is not writable"
            return [
                Problem(
                    display_path(existing), what, "check `outbox.path`, and the permissions of the folder"
                )
            ]
        if existing != self._folder:
            return []
        if _holds_other_files(self._folder):
            what = "is not empty, and is no maildir: it has no folders `new`, `cur` and `tmp`"
            return [Problem(display_path(self._folder), what, "write another folder into `outbox.path`")]
        return protect_maildir(self._folder, _PARTS)

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        try:
            mime_template = template(batch.mailing)
        except Unmailable as problem:
            return NotSent(f"the sender {batch.mailing.sender[1]}: {problem}")
        try:
            self._make_folders()
            outcome = self._deliver_each(batch, mime_template, submissions)
            self._sync_folder()
            return outcome
        except OSError as failure:
            with suppress(OSError):
                self._sync_folder()
            log.info("message not written", exc_info=failure)
            return self._not_sent(failure)

    def examine(self, config: "Config") -> ProviderReport:
        """Return the problems of `check` as findings, or one finding that the folder is writable."""
        problems = [Finding.of(problem) for problem in self.check()]
        state = "exists and" if self._folder.exists() else "is created by the first send, and"
        what = f"{state} is writable; its mail stays on this machine"
        ok = Finding(display_path(self._folder), "ok", what)
        return ProviderReport(tuple(problems) or (ok,), config.sender.domain)

    def close(self) -> None:
        pass

    def _deliver_each(
        self, batch: Batch, mime_template: MimeTemplate, submissions: "SubmissionLog"
    ) -> Outcome:
        for recipient in batch.recipients:
            try:
                # A maildir has the line ends of its machine; CR LF is only for transport.
                message = mime_template.fill(recipient).replace(b"\r\n", b"\n")
            except Unmailable as problem:
                submissions.finished(recipient, Refused(str(problem)))
                continue
            if not submissions.starting(recipient):
                return NOT_BEGUN
            try:
                name = self._deliver(recipient, message)
            except OSError as failure:
                submissions.finished(recipient, self._not_sent(failure))
                raise
            submissions.finished(recipient, Accepted(name))
        return Accepted()

    def _deliver(self, recipient: Recipient, message: bytes) -> str:
        """Write a message into `new/`; return its file name. It is durable only after `_sync_folder`."""
        digest = hashlib.sha256(message).hexdigest()[:8]
        name = f"{recipient.message_id[1:].partition('@')[0]}.{digest}.eml"
        draft = self._folder / "tmp" / f"{name}.{os.getpid()}"
        # An existing file of this name is the same message, because the name contains the message's digest.
        write_atomically(self._folder / "new" / name, message, draft=draft)
        return name

    def _not_sent(self, failure: OSError) -> NotSent:
        return NotSent(f"{display_path(self._folder)}: {failure.strerror or failure}")

    def _refuse_links(self) -> None:
        """Raise UnsafeFile if a link leads out of the newsletter's folder, or a part out of the maildir."""
        refuse_outside(self._folder, self._root)
        for part in _PARTS:
            refuse_outside(self._folder / part, self._folder)

    def _make_folders(self) -> None:
        self._refuse_links()
        make_private_dir(self._folder)
        for part in _PARTS:
            (self._folder / part).mkdir(exist_ok=True)

    def _sync_folder(self) -> None:
        handle = os.open(self._folder / "new", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
