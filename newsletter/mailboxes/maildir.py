"""Read the reports in a maildir (https://cr.yp.to/proto/maildir.html), and move those that were read."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from newsletter.disk import reading
from newsletter.disk.boundary import UnsafeFile, refuse_outside
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.display import display_path
from newsletter.errors import Unavailable
from newsletter.mailboxes.model import MAX_MAIL_BYTES, FoundMail

_NEW, _CURRENT = "new", "cur"
# The mark `S` of a mail that was seen is among the letters after `:2,`.
_SEEN = re.compile(r":2,[A-Za-z]*S")
_MAX_HEADER_BYTES = 64 * 1024
_REPORT = re.compile(rb"^content-type:\s*multipart/report\b", re.IGNORECASE | re.MULTILINE)


class Maildir:
    """The mails in `new` and `cur` of a maildir without the mark "seen"; others are left as they are.

    With `root`, links must not lead out of this folder.
    """

    def __init__(self, folder: Path, root: Path | None) -> None:
        """Raise Unavailable if the folder is no maildir."""
        self._folder, self._root = folder, root
        if not all((folder / name).is_dir() for name in (_NEW, _CURRENT)):
            what = "is not a maildir: it has no folders `new` and `cur`"
            raise Unavailable(what, "correct `bounces.maildir` in newsletter.yml", where=display_path(folder))

    def unread_reports(self) -> Iterator[FoundMail]:
        """Yield the reports that are not marked; pass over mails that vanish, and over links and pipes."""
        for name in (_NEW, _CURRENT):
            for file in self._files(name):
                with suppress(FileNotFoundError, UnsafeFile):
                    if found := self._read(file):
                        yield found

    def mark_read(self, keys: Sequence[str]) -> None:
        """Move mails to `cur`, with the mark of a mail that was seen."""
        for key in keys:
            source = self._folder / key
            name, _, marks = source.name.partition(":2,")
            target = self._folder / _CURRENT / f"{name}:2,{''.join(sorted({*marks, 'S'}))}"
            try:
                with suppress(FileNotFoundError):
                    source.rename(target)
            except OSError as failure:
                raise self._unavailable("changed", failure) from failure

    def _files(self, name: str) -> list[Path]:
        """Return the files of a folder that are not marked, oldest first: their names begin with a time."""
        try:
            refuse_outside(self._folder / name, self._root)
            found = os.listdir(self._folder / name)
        except OSError as failure:
            raise self._unavailable("read", failure) from failure
        unread = (file for file in found if not file.startswith(".") and not _SEEN.search(file))
        return [self._folder / name / file for file in sorted(unread)]

    def _read(self, file: Path) -> FoundMail | None:
        try:
            with reading.open_regular(file, root=self._folder) as handle:
                content = handle.read(_MAX_HEADER_BYTES)
                header = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
                if not _REPORT.search(header):
                    return None
                content += handle.read(MAX_MAIL_BYTES - len(content))
                received_at = datetime.fromtimestamp(os.fstat(handle.fileno()).st_mtime, UTC)
        except (FileNotFoundError, UnsafeFile):
            raise
        except OSError as failure:
            raise self._unavailable("read", failure) from failure
        return FoundMail(f"{file.parent.name}/{file.name}", content, received_at)

    def _unavailable(self, participle: str, failure: OSError) -> Unavailable:
        hint = read_hint(failure, "check the permissions of the folder and of the mails in it")
        return Unavailable(cannot_be(participle, failure), hint, where=display_path(self._folder))
