"""Failures of a database in sentences: which database, what happened, what to do."""

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL

from newsletter.display import display_path
from newsletter.errors import StoreError

_BACKUP = "restore it from a backup; do not send from a new one, which knows of no earlier send"
_AGAIN = "then run the same command again"
# SQLite makes the file with its locks as large as this, and reports a disk fault where that does not fit.
_SHM_BYTES = 32 * 1024

# By the beginning of the error's name (https://www.sqlite.org/rescode.html), and by PostgreSQL's SQLSTATE
# (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_SQLITE = {
    "SQLITE_FULL": ("the disk is full", f"make room on the disk that this file is on, {_AGAIN}"),
    "SQLITE_READONLY": ("may only be read", "check the permissions of this file and of its folder"),
    "SQLITE_PERM": ("may not be used", "check the permissions of this file and of its folder"),
    "SQLITE_CANTOPEN": (
        "cannot be opened",
        "check that it is a file, and the permissions of this file and of its folder",
    ),
    "SQLITE_CORRUPT": ("the database is damaged", _BACKUP),
    "SQLITE_NOTADB": ("is not a database", _BACKUP),
    "SQLITE_BUSY": ("another process is writing to the database", f"wait until it has ended, {_AGAIN}"),
    "SQLITE_LOCKED": ("another process is writing to the database", f"wait until it has ended, {_AGAIN}"),
    "SQLITE_IOERR": (
        "the disk fails",
        f"check that the disk has room and works, and that no limit (ulimit -f) applies, {_AGAIN}",
    ),
}
_POSTGRESQL = {
    "53100": ("its disk is full", f"make room on the disk of the database server, {_AGAIN}"),
    "25006": ("may only be read", "name a server in NEWS_DATABASE_URL that may be written to"),
    "42501": ("its user lacks a right", "give the user in NEWS_DATABASE_URL the rights to these tables"),
    "53300": ("takes no more connections", f"wait, or raise max_connections of the server, {_AGAIN}"),
    "55P03": ("another process holds a lock", f"wait until it has ended, {_AGAIN}"),
}


def describe(url: URL) -> str:
    """Return what to call a database, without its password: a file's path, or its name and host."""
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(url)
        return display_path(path) if path else "SQLite"
    host = url.host or url.query.get("host") or "localhost"
    return f"PostgreSQL database {url.database or ''} on {host}"


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for one in memory."""
    given = url.database or ""
    given = unquote(urlsplit(given).path) if given.startswith("file:") else given
    return Path(given) if given and given != ":memory:" else None


def explain(failure: object, url: URL) -> StoreError:
    """Return the error of a database's driver as one that says which database, what, and what to do."""
    words = next((line for line in str(failure).strip().splitlines() if line), "no reason given")
    what, hint = f"does not answer as it should: {words}", ""
    if isinstance(failure, sqlite3.Error):
        code = getattr(failure, "sqlite_errorname", "")
        if code.startswith("SQLITE_IOERR") and _is_full(sqlite_path(url)):
            code = "SQLITE_FULL"
        found = next((told for name, told in _SQLITE.items() if code.startswith(name)), None)
        hint = "look at this file; if it is damaged, restore it from a backup"
    else:
        found = _POSTGRESQL.get(getattr(failure, "sqlstate", None) or "")
        hint = "check NEWS_DATABASE_URL and that the database is up"
    if found:
        sentence, hint = found
        what = f"{sentence} ({words})"
    return StoreError(what, hint, where=describe(url))


def _is_full(file: Path | None) -> bool:
    """Return whether the disk of a database's file has no room for what SQLite writes beside it."""
    with suppress(OSError):
        return file is not None and shutil.disk_usage(file.absolute().parent).free < _SHM_BYTES
    return False
