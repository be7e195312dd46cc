"""The connections to PostgreSQL: their time-outs, and the verification of a server that is not local."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event

from newsletter.network.hosts import is_loopback
from newsletter.store.failures import explain

# A process that is suspended, or that has lost the network, in the middle of a transaction keeps its locks.
# The server ends such a transaction after this time, and so before the lease on a send, of two minutes, ends.
# Between the statements of a healthy transaction there are milliseconds.
IDLE_SECONDS = 60.0
# The longest wait for a lock: longer than IDLE_SECONDS, so that a healthy process outlasts a suspended one.
LOCK_SECONDS = 75.0
CONNECT_SECONDS = 10
# A server that is out of reach is noticed after about 50 seconds, without waiting for the system's hours.
_KEEPALIVES = {"keepalives_idle": "20", "keepalives_interval": "10", "keepalives_count": "3"}
_UNACKNOWLEDGED_MS = "50000"
# Execution options of a transaction: they replace LOCK_SECONDS and IDLE_SECONDS.
LOCK_OPTION, IDLE_OPTION = "news_lock_seconds", "news_idle_seconds"
# An execution option of a transaction that writes: `shared` with other writers, or `alone`.
WRITER_OPTION = "news_writer"
_WRITER_LOCK = 0x6E657774  # arbitrary, the same for all processes
_WRITER_LOCKS = {
    "shared": f", pg_advisory_xact_lock_shared({_WRITER_LOCK})",
    "alone": f", pg_advisory_xact_lock({_WRITER_LOCK})",
    None: "",
}

# The files with a system's trusted authorities. psycopg's wheels have an OpenSSL of their own, which knows
# none of them, so that libpq's `sslrootcert=system` would trust nobody.
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)

Security = Literal[
    "local",  # to this machine: a socket, or a loopback address
    "verified",  # encrypted, and the server has the certificate of its host name
    "authority",  # encrypted, and the server has a certificate of a trusted authority, for any host name
    "unverified",  # encrypted, perhaps to another server
    "plain",  # not encrypted
]


def server_engine(
    url: URL, *, connect_seconds: int = CONNECT_SECONDS, statement_seconds: float = 0, **options: Any
) -> Engine:
    """Return an engine for a PostgreSQL server; it raises SQLAlchemy's errors for an invalid URL.

    `statement_seconds` limits each statement; 0 is no limit, because a migration or an import may be slow.
    """
    engine = create_engine(url, hide_parameters=True, **options)

    @event.listens_for(engine, "do_connect")
    def _add_defaults(dialect: Any, record: Any, arguments: Any, given: dict[str, Any]) -> None:
        given.update(defaults(given, connect_seconds))

    @event.listens_for(engine, "connect")
    def _record_security(connection: Any, record: Any) -> None:
        record.info["security"] = _security(connection.pgconn)

    @event.listens_for(engine, "begin")
    def _limit(connection: Connection) -> None:
        # Set in each transaction, not as a start-up parameter: PgBouncer refuses unknown parameters, and
        # gives each transaction another connection to the server (https://www.pgbouncer.org/config.html).
        limits = _limits(connection, statement_seconds)
        settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())
        # Last: the wait for this lock has these limits.
        lock = _WRITER_LOCKS[connection.get_execution_options().get(WRITER_OPTION)]
        connection.exec_driver_sql(f"select {settings}{lock}")

    return engine


def copy_in(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows by COPY, the values in the order of the table's columns; raise StoreError if it fails."""
    import psycopg

    quote = connection.dialect.identifier_preparer.quote_identifier
    columns = ", ".join(quote(column.name) for column in table.columns)
    statement = f"copy {quote(table.name)} ({columns}) from stdin"
    try:
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as failure:
        raise explain(failure, connection.engine.url) from failure


def security(connection: Connection) -> Security:
    """Return the encryption of a connection."""
    found: Security = connection.connection.info["security"]
    return found


def defaults(given: Mapping[str, Any], connect_seconds: int = CONNECT_SECONDS) -> dict[str, Any]:
    """Return the parameters to add to those that a URL gives.

    What the URL, a service file or the environment (PGSSLMODE) says has priority.
    """
    resolved = _resolved(given)
    added: dict[str, Any] = {"connect_timeout": connect_seconds, "tcp_user_timeout": _UNACKNOWLEDGED_MS}
    added = {name: value for name, value in (added | _KEEPALIVES).items() if name not in resolved}
    # libpq's own default is `prefer`: it sends the password in clear to a server that declines encryption.
    mode = resolved.get("sslmode", "prefer")
    if _is_remote(resolved) and mode == "prefer" and "sslmode" not in given:
        added["sslmode"] = mode = "verify-full"
    if mode == "verify-full" and resolved.get("sslrootcert", "system") == "system":
        added |= _trusted(own=Path("~/.postgresql/root.crt") if "sslrootcert" not in resolved else None)
    return added


def _limits(connection: Connection, statement_seconds: float) -> dict[str, str]:
    """Return the server's settings for one transaction."""
    options = connection.get_execution_options()
    lock, idle = options.get(LOCK_OPTION) or LOCK_SECONDS, options.get(IDLE_OPTION) or IDLE_SECONDS
    seconds = {"lock_timeout": lock, "idle_in_transaction_session_timeout": idle}
    seconds |= {"statement_timeout": statement_seconds} if statement_seconds else {}
    limits = {name: f"{value * 1000:.0f}" for name, value in seconds.items()}
    if security(connection) != "local":
        limits["tcp_user_timeout"] = _UNACKNOWLEDGED_MS  # for a response that nobody receives
    return limits


def _resolved(given: Mapping[str, Any]) -> dict[str, str]:
    """Return all parameters of a connection as libpq reads them: from a service file and the environment too.

    An invalid parameter makes libpq stop after it has read all of them, before it connects.
    """
    import psycopg
    from psycopg.conninfo import make_conninfo

    texts = {name: str(value) for name, value in given.items() if isinstance(value, str | int)}
    try:
        conninfo = make_conninfo("", **(texts | {"target_session_attrs": "none of these"}))
        connection = psycopg.pq.PGconn.connect_start(conninfo.encode())
    except psycopg.Error:  # an unknown parameter, which the connection itself reports
        return texts
    try:
        return {one.keyword.decode(): one.val.decode() for one in connection.info if one.val is not None}
    finally:
        connection.finish()


def _is_remote(resolved: Mapping[str, str]) -> bool:
    """Return True if one host of a connection, or its address (`hostaddr`), is not this machine's."""
    hosts = [host for name in ("host", "hostaddr") for host in resolved.get(name, "").split(",")]
    return not all(map(_is_local, hosts))


def _is_local(host: str) -> bool:
    """Return True for the folder of a Unix socket, also an abstract or the default one, and for loopback."""
    return not host or host.startswith(("/", "@")) or is_loopback(host)


def _trusted(own: Path | None) -> dict[str, str]:
    """Return the parameter with the file of trusted authorities; none if the user's `own` file exists."""
    import ssl

    if own and own.expanduser().exists():
        return {}  # libpq reads it
    files = (ssl.get_default_verify_paths().cafile, *_AUTHORITIES)
    return {"sslrootcert": next((file for file in files if file and os.path.isfile(file)), "system")}


def _security(connection: Any) -> Security:
    """Return the encryption of libpq's connection."""
    if all(_is_local((host or b"").decode()) for host in (connection.host, connection.hostaddr)):
        return "local"
    if not connection.ssl_in_use:
        return "plain"
    (mode,) = (one.val for one in connection.info if one.keyword == b"sslmode")
    modes: dict[bytes, Security] = {b"verify-full": "verified", b"verify-ca": "authority"}
    return modes.get(mode, "unverified")
