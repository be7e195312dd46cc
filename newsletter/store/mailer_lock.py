"""The lock of the process that sends the mail about subscriptions: one at a time for each database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from newsletter.errors import DatabaseBusy, SendRefused
from newsletter.state.process_lock import HAS_LOCKS, FileLock
from newsletter.store.database import Database, translate_db_errors
from newsletter.store.failures import sqlite_path

WAIT_SECONDS = 5.0
"""The time that PostgreSQL waits for the lock: it may take a moment to notice that a process was killed."""
_SUFFIX = ".mailer-lock"
_LOCK = 0x6E65776D  # arbitrary, the same for all processes
# A lock in a transaction and not in a session, so that PgBouncer keeps the connection for it. It must not end
# while it waits; nor may it stay for hours after a machine that has lost its power.
_SETTINGS = {
    "idle_in_transaction_session_timeout": "0",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


@contextmanager
def mailer_lock(database: Database, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[bool]:
    """Hold the lock during the block; yield False if another process has it.

    It ends with the process, kill -9 included, and with the connection to the server. Then mail that two
    processes send is still claimed by one of them.
    """
    if database.url.get_backend_name() == "postgresql":
        with _server_lock(database, wait_seconds) as is_held:
            yield is_held
    elif not HAS_LOCKS or (file := sqlite_path(database.url)) is None:
        yield True
    else:
        with FileLock(file.with_name(file.name + _SUFFIX)) as lock:
            yield lock.take()


@contextmanager
def only_mailer(database: Database) -> Iterator[None]:
    """Hold the lock during the block; raise SendRefused if another process has it."""
    with mailer_lock(database) as is_held:
        if not is_held:
            what = f"another process sends the mail of {database.description}"
            fix = "stop the other `news serve`; if it is `news signups pull`, wait until it ends"
            raise SendRefused(what, fix)
        yield


@contextmanager
def _server_lock(database: Database, wait_seconds: float) -> Iterator[bool]:
    """Hold an advisory lock with a connection of its own; yield False if another one has it."""
    with database.lasting_transaction(lock_seconds=wait_seconds) as connection:
        try:
            _take(database, connection)
        except DatabaseBusy:
            yield False
        else:
            yield True


def _take(database: Database, connection: Connection) -> None:
    with translate_db_errors(database.url):
        settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items())
        connection.exec_driver_sql(f"select {settings}")
        # Without parameters: with some, the snapshot would stay, and VACUUM would delete no row for days.
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
