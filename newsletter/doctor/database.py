"""Examine the database: its tables, its connection, its permissions, its subscribers; change nothing."""

from collections.abc import Iterator

from newsletter.config.environment import DATABASE_URL
from newsletter.doctor.setup import Setup
from newsletter.errors import NewsError
from newsletter.findings import Finding
from newsletter.store import inspection
from newsletter.store.closed import DatabaseClosed
from newsletter.store.inspection import DatabaseStatus
from newsletter.store.postgresql import Security


def read(setup: Setup, timeout: float) -> DatabaseStatus | NewsError:
    """Return the database's status, or the error if it cannot be read; `timeout` is in seconds."""
    try:
        return inspection.contents(_database_url(setup), setup.state, timeout)
    except NewsError as failure:
        return failure


def is_file(setup: Setup) -> bool:
    """Return True if the database is a file, which can be read without a connection."""
    try:
        return inspection.named(_database_url(setup), setup.state)[1]
    except NewsError:
        return True  # the URL is invalid: to report that needs no connection


def database(setup: Setup, status: DatabaseStatus | NewsError) -> Iterator[Finding]:
    """Yield findings on the database: its URL, its tables, its connection, its permissions, its subscribers.

    `status` is the result of `read`.
    """
    if setup.variables[DATABASE_URL].state == "malformed":
        yield Finding("database", "skipped", f"not looked at: {DATABASE_URL} is malformed")
        return
    try:
        where, _ = inspection.named(_database_url(setup), setup.state)
    except NewsError as failure:
        yield from (Finding.of(problem, DATABASE_URL) for problem in failure.problems)
        return
    if isinstance(status, NewsError):
        yield from (Finding(where, "error", problem.what, problem.fix) for problem in status.problems)
        return
    yield from _tables(where, status)
    if status.security:
        yield _connection(where, status.security)
    if not status.writable:
        fix = "check the permissions of the file and its folder, or the rights of the database's user"
        yield Finding(where, "error", "cannot be written to: a send needs to record its progress there", fix)
    if status.subscribers is not None:
        yield _subscribers(status.subscribers)


def _tables(where: str, status: DatabaseStatus) -> Iterator[Finding]:
    match status.age:
        case "current":
            yield Finding(where, "ok", f"exists, and its tables are of this version ({status.revision})")
        case "missing":
            what = "does not exist yet; the first command that needs it creates it"
            fix = "news subscribers import FILE" if status.writable else ""
            yield Finding(where, "note", what, fix)
        case "older":
            what = f"is of an older version ({status.revision}); the next command upgrades it"
            yield Finding(where, "note", what, "back it up before that command")
        case "closed" if status.closed:
            yield from map(Finding.of, DatabaseClosed(status.closed, where).problems)
        case _:
            what = f"was created by a newer version of news ({status.revision}); this version cannot use it"
            yield Finding(where, "error", what, "install that version of news, or a newer one")


def _connection(where: str, security: Security) -> Finding:
    """Return the finding on the encryption of a connection to a server."""
    if security == "local":
        return Finding(where, "ok", "is reached on this machine, so that its network needs no encryption")
    if security == "verified":
        return Finding(where, "ok", "the connection is encrypted, and the server is verified")
    fix = (
        f"write sslmode=verify-full into {DATABASE_URL}, and sslrootcert=/path/ca.pem for an authority of "
        "your own"
    )
    what = {
        "authority": "encrypted, and the server is verified except for its host name",
        "unverified": "encrypted but not verified: another server could read everything, the password too",
        "plain": "not encrypted: the network between here and the server can read everything",
    }[security]
    return Finding(where, "warning", f"the connection is {what}", fix)


def _subscribers(number: int) -> Finding:
    if number == 0:
        what, fix = "the list is empty", "news subscribers import FILE"
        return Finding("subscribers", "warning", what, fix)
    return Finding("subscribers", "ok", f"{number:,} would receive an issue now")


def _database_url(setup: Setup) -> str | None:
    url = setup.secrets.database_url
    return url.get_secret_value() if url else None
