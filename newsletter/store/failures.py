"""Translate errors of a database into messages with its name, the error, and a hint."""

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL

from newsletter.display import display_path
from newsletter.errors import StoreError

_BACKUP = "restore it from a backup; do not send with a new database, which does not record the earlier sends"
_AGAIN = "then run the same command again"
# Size of SQLite's shared-memory file. SQLite reports a disk fault if the disk has no space for it.
_SHM_BYTES = 32 * 1024

# Keys: the beginning of the error's name (https://www.sqlite.org/rescode.html), and PostgreSQL's SQLSTATE
# (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_SQLITE = {
    "SQLITE_FULL": ("the disk is full", f"make room on the disk of this file, {_AGAIN}"),
    "SQLITE_READONLY": ("is read-only", "check the permissions of this file and of its folder"),
    "SQLITE_PERM": ("access is denied", "check the permissions of this file and of its folder"),
    "SQLITE_CANTOPEN": (
        "cannot be opened",
        "check that it is a file, and the permissions of this file and of its folder",
    ),
    "SQLITE_CORRUPT": ("the database is damaged", _BACKUP),
    "SQLITE_NOTADB": ("is not a database", _BACKUP),
    "SQLITE_BUSY": ("another process is writing to the database", f"wait until it has ended, {_AGAIN}"),
    "SQLITE_LOCKED": ("another process is writing to the database", f"wait until it has ended, {_AGAIN}"),
    "SQLITE_IOERR": (
        "the disk failed",
        f"check that the disk has free space and works, and that no limit (ulimit -f) applies, {_AGAIN}",
    ),
}
_POSTGRESQL = {
    "53100": ("its disk is full", f"make room on the disk of the database server, {_AGAIN}"),
    "25006": ("is read-only", "set NEWS_DATABASE_URL to a server that accepts writes"),
    "42501": (
        "its user lacks a privilege",
        "grant the user in NEWS_DATABASE_URL the privileges on these tables",
    ),
    "53300": ("accepts no more connections", f"wait, or raise max_connections of the server, {_AGAIN}"),
    "55P03": ("another process holds a lock", f"wait until it has ended, {_AGAIN}"),
}


def describe(url: URL) -> str:
    """Return the description of a database for messages: a file's path, or its name and host; no password."""
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(url)
        return display_path(path) if path else "SQLite"
    host = url.host or url.query.get("host") or "localhost"
    return f"PostgreSQL database {url.database or ''} on {host}"


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for one in memory."""
    path = url.database or ""
    path = unquote(urlsplit(path).path) if path.startswith("file:") else path
    return Path(path) if path and path != ":memory:" else None


def explain(failure: object, url: URL) -> StoreError:
    """Return the error of a database's driver as a StoreError, with the database's description and a hint."""
    words = next((line for line in str(failure).strip().splitlines() if line), "no reason given")
    what, hint = f"reports an error: {words}", ""
    if isinstance(failure, sqlite3.Error):
        code = getattr(failure, "sqlite_errorname", "")
        if code.startswith("SQLITE_IOERR") and _is_full(sqlite_path(url)):
            code = "SQLITE_FULL"
        known = next((texts for name, texts in _SQLITE.items() if code.startswith(name)), None)
        hint = "check this file; if it is damaged, restore it from a backup"
    else:
        known = _POSTGRESQL.get(getattr(failure, "sqlstate", None) or "")
        hint = "check NEWS_DATABASE_URL, and that the database server runs"
    if known:
        sentence, hint = known
        what = f"{sentence} ({words})"
    return StoreError(what, hint, where=describe(url))


def _is_full(file: Path | None) -> bool:
    """Return True if the disk of a database's file has no space for SQLite's shared-memory file."""
    with suppress(OSError):
        return file is not None and shutil.disk_usage(file.absolute().parent).free < _SHM_BYTES
    return False
