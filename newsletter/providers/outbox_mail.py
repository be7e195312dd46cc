"""Delete the mail to some people from the maildir of the provider `outbox`."""

import logging
import re
from collections.abc import Collection
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path

from newsletter.disk import reading
from newsletter.disk.boundary import UnsafeFile, every_entry, refuse_outside

log = logging.getLogger(__name__)

# The names that `OutboxProvider` gives: in `tmp/` with the number of a process, in `cur/` with flags.
_NAME = re.compile(r"[^/]*\.[0-9a-f]{8}\.eml(?:\.\d+|[:;!]2,[A-Za-z]*)?")
_HEAD_BYTES = 64 * 1024


def delete_mail_to(outbox: Path, root: Path | None, address_keys: Collection[str]) -> int:
    """Delete the messages to these addresses; return their number. Other files of the maildir stay.

    Raise OSError if a message or a folder cannot be read, or a message not be deleted, and UnsafeFile,
    which is an OSError, if links lead out of `root`.
    """
    refuse_outside(outbox, root)
    deleted = 0
    for part in ("new", "cur", "tmp"):
        refuse_outside(outbox / part, outbox)
        for entry in every_entry(outbox / part):
            if not (_NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)):
                continue
            file = Path(entry.path)
            try:
                if _is_to(file, outbox, address_keys):
                    file.unlink()
                    deleted += 1
            except FileNotFoundError:  # it was moved or deleted meanwhile
                continue
    if deleted:
        log.info("mail deleted from the outbox", extra={"messages": deleted})
    return deleted


def _is_to(file: Path, outbox: Path, address_keys: Collection[str]) -> bool:
    with reading.open_regular(file, root=outbox) as handle:
        content = handle.read(_HEAD_BYTES)
    head, end, _ = content.partition(b"\n\n")
    if not end and len(content) == _HEAD_BYTES:
        raise UnsafeFile(
            f"has more than {_HEAD_BYTES:,} bytes before its text", "look who it is to, and delete it"
        )
    low = head.lower()
    if not any(key.encode() in low for key in address_keys):  # parsing takes longer
        return False
    to = BytesHeaderParser().parsebytes(head).get_all("To", [])
    return any(address.lower() in address_keys for _, address in getaddresses(map(str, to)))
