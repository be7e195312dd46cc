"""Make an archive of this machine's state, and replace this machine's state by that of an archive."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config.loader import Newsletter
from newsletter.disk import reading
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.disk.writing import write_atomically
from newsletter.display import display_path, printable
from newsletter.errors import StateError
from newsletter.sending.model import NextChunk
from newsletter.state.archive import Archive
from newsletter.state.location import DATABASE, SECRET
from newsletter.state.secret_key import read_key, secret_key
from newsletter.store.database import Database
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.published_copy import write_published_copy
from newsletter.store.schema import REVISION
from newsletter.store.subscribers import Subscribers

COPY, REPLACED = "published-copy.db", "replaced"
"""Names in the folder of the state: of the copy that is being made, and the prefix of replaced files."""
_MAX_COPY_BYTES = 1024**3


def make_archive(
    newsletter: Newsletter, database: Database, repository: str = "", next_chunks: Sequence[NextChunk] = ()
) -> Archive:
    """Return this machine's state in one piece; in it, `next_chunks` are intended already.

    Raise StoreError or StateError if the copy of the database cannot be made, and the errors of `secret_key`.
    """
    copy = newsletter.state / COPY
    _delete(copy)  # of a process that was killed
    try:
        write_published_copy(database, copy, next_chunks)
        content = reading.read(copy, _MAX_COPY_BYTES, root=newsletter.state)
    except OSError as failure:
        raise StateError.of(display_path(copy), cannot_be("read", failure), "try again") from failure
    finally:
        _delete(copy)
    secret = secret_key(newsletter, leaves_machine=True)
    return Archive(newsletter.list_id, repository, REVISION, datetime.now(UTC), secret, content)


def refuse_other(archive: Archive, newsletter: Newsletter, where: str) -> None:
    """Raise StateError if an archive is another list's, or has tables that this version does not know."""
    if archive.list_id != newsletter.list_id:
        what = (
            f"is the state of the list {printable(archive.list_id)}, and newsletter.yml is that of "
            f"{printable(newsletter.list_id)}"
        )
        fix = (
            "if the newsletter has a new name, or a sender with another domain, keep the list's id: "
            f"`list_id: {printable(archive.list_id)}`"
        )
        raise StateError.of(where, what, fix)
    if archive.revision > REVISION:
        what = f"was saved by a newer version of news (tables {printable(archive.revision)})"
        raise StateError.of(where, what, "install the newest version of news")


def has_content(database: Database) -> bool:
    """Return True if a database has a subscriber or a send."""
    return any(True for _ in Subscribers(database).iter_all()) or bool(LedgerQueries(database).sends())


def replace_state(
    newsletter: Newsletter, database: Database, copy: Database, secret: str, *, keep_forever: bool
) -> None:
    """Replace this machine's database by a copy, and its secret key by that of the same state.

    What is replaced is kept in `replaced-news.db` and `replaced-secret` until the next time; with
    `keep_forever`, in files whose names have the time. The database changes in one transaction. Raise
    StoreError or StateError if that fails.
    """
    start = f"{REPLACED}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}" if keep_forever else REPLACED
    if has_content(database):
        kept = newsletter.state / f"{start}-{DATABASE}"
        _delete(kept)
        database.copy_to(kept)
    _take_secret(newsletter.state / SECRET, secret, f"{start}-{SECRET}")
    database.replace_content(copy)


def _take_secret(file: Path, secret: str, kept: str) -> None:
    """Write the secret key into its file; keep the one that is replaced in a file of the name `kept`."""
    try:
        with suppress(FileNotFoundError):
            if (before := read_key(file)) == secret:
                return
            write_atomically(file.with_name(kept), f"{before}\n".encode(), replace=True)
        write_atomically(file, f"{secret}\n".encode(), replace=True)
    except OSError as failure:
        fix = write_hint(failure, "check the permissions of the file and its folder")
        raise StateError.of(display_path(file), cannot_be("written", failure), fix) from failure


def _delete(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as failure:
        fix = write_hint(failure, "move what is there to another place, or check the folder's permissions")
        raise StateError.of(display_path(file), cannot_be("deleted", failure), fix) from failure
