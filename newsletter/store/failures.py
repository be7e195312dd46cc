"""Translate errors of a database into messages with its name, the error, and a hint."""

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL

from newsletter.display import display_path
from newsletter.errors import DatabaseBusy, StoreError
from newsletter.state.database_files import file_of_name

_BACKUP = "restore it from a backup; do not send with a new database, which does not record the earlier sends"
_AGAIN = "then run the same command again"
# The same for both databases: another process holds a lock, or was suspended while it held one.
_BUSY = (
    "another process is writing to the database",
    f"wait until it has ended; if it was suspended, continue or end it; {_AGAIN}",
)
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
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
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
    "55P03": _BUSY,
    "40P01": ("two processes have locked what the other one needs", "run the same command again"),
    "25P03": (
        "ended a transaction of this process, which was suspended or had lost the network for too long",
        "nothing of that transaction was recorded; run the same command again",
    ),
    "57014": ("did not respond in time", f"look at the load of the database server, {_AGAIN}"),
}
_ALTERNATIVES = (
    "or, if you trust each machine between here and the server, write into NEWS_DATABASE_URL: "
    "sslmode=require (encrypted, not verified) or sslmode=disable (not encrypted)"
)
# Parts of libpq's texts: https://www.postgresql.org/docs/current/libpq-ssl.html. All of them come before the
# password is sent.
_TLS = {
    "server does not support SSL": (
        "offers no encryption (TLS), and the password was not sent",
        f"switch it on in the server (ssl = on); {_ALTERNATIVES}",
    ),
    "certificate verify failed": (
        "has a certificate of an authority that is not trusted here, and the password was not sent",
        f"name the authority's certificate in NEWS_DATABASE_URL: sslrootcert=/path/ca.pem; {_ALTERNATIVES}",
    ),
    "does not match host name": (
        "has a certificate for another host name, and the password was not sent",
        f"use the host name that the certificate is for; {_ALTERNATIVES}",
    ),
    "root certificate file": (
        "cannot be verified: the file of trusted authorities cannot be read",
        f"correct sslrootcert in NEWS_DATABASE_URL: sslrootcert=/path/ca.pem; {_ALTERNATIVES}",
    ),
}


def describe(url: URL) -> str:
    """Return the description of a database for messages: a file's path, or its name and host; no password."""
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(url)
        return display_path(path) if path else "SQLite"
    if service := url.query.get("service"):
        return f"PostgreSQL database of the service {service}"
    hosts = url.host or url.query.get("host") or url.query.get("hostaddr") or os.environ.get("PGHOST")
    hosts = hosts or "localhost"
    host = hosts if isinstance(hosts, str) else ", ".join(hosts)
    return f"PostgreSQL database {url.database or ''} on {host}"


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for one in memory."""
    return None if url.query.get("mode") == "memory" else file_of_name(url.database or "")


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
        known = known or next((texts for part, texts in _TLS.items() if part in str(failure)), None)
        hint = "check NEWS_DATABASE_URL, and that the database server runs"
    if known:
        sentence, hint = known
        what = f"{sentence} ({words})"
    return (DatabaseBusy if known == _BUSY else StoreError)(what, hint, where=describe(url))


def _is_full(file: Path | None) -> bool:
    """Return True if the disk of a database's file has no space for SQLite's shared-memory file."""
    with suppress(OSError):
        return file is not None and shutil.disk_usage(file.absolute().parent).free < _SHM_BYTES
    return False
