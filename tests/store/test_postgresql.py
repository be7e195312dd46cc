"""Test the time-outs of connections to PostgreSQL: against the lease, and as the server has them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from newsletter.errors import DatabaseBusy, StoreError
from newsletter.sending.hold_policy import SendTimings
from newsletter.store import ledger, postgresql
from newsletter.store.database import Database
from newsletter.store.postgresql import defaults
from tests import samples


@pytest.fixture
def opened(tmp_path: Path, postgresql_url: str) -> Iterator[Database]:
    database = Database.open(samples.newsletter(tmp_path, NEWS_DATABASE_URL=postgresql_url))
    yield database
    database.close()


def settings(connection: Connection) -> dict[str, str]:
    names = ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout")
    return {name: connection.scalar(text(f"show {name}")) for name in names}


def is_connected(database: Database, process: int) -> bool:
    query = text("select count(*) from pg_stat_activity where pid = :process")
    with database.reading() as connection:
        return bool(connection.scalar(query, {"process": process}))


def test_a_suspended_process_loses_its_locks_before_its_lease() -> None:
    timing = SendTimings()
    heartbeat, lease = timing.heartbeat.total_seconds(), timing.lease.total_seconds()
    assert lease > postgresql.IDLE_SECONDS + heartbeat
    assert lease > postgresql.LOCK_SECONDS > postgresql.IDLE_SECONDS, "a healthy process outlasts it"
    assert timing.max_lock_wait > timing.lease, "another one can wait for the end of the lease"
    assert heartbeat > ledger.SEND_LOCK_SECONDS


def test_every_transaction_has_its_limits_also_behind_a_pooler(opened: Database) -> None:
    """They are set in the transaction: a pooler refuses start-up parameters, and shares its connections."""
    limits = {
        "lock_timeout": "75s",
        "idle_in_transaction_session_timeout": "1min",
        "statement_timeout": "0",  # a migration and an import of a million may be slow
    }
    with opened.writing() as connection:
        assert settings(connection) == limits
    with opened.reading() as connection:
        assert settings(connection) == limits
        outside = "select reset_val from pg_settings where name = 'lock_timeout'"
        assert connection.scalar(text(outside)) == "0", "nothing is set for the session"
    with opened.writing(lock_seconds=2, idle_seconds=1800) as connection:
        assert settings(connection) == limits | {
            "lock_timeout": "2s",
            "idle_in_transaction_session_timeout": "30min",
        }


def test_a_lost_network_is_noticed_before_the_lease_ends() -> None:
    added = defaults({"host": "db.example.com"})
    idle, interval, count = (int(added[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    lease = SendTimings().lease.total_seconds()
    assert idle + interval * count < lease and int(added["tcp_user_timeout"]) / 1000 < lease
    assert added["connect_timeout"] == 10
    assert "options" not in added, "PgBouncer refuses it"


def test_the_url_and_the_environment_have_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "keepalives_idle" not in defaults({"host": "db.example.com", "keepalives_idle": "7"})
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "3")
    assert "connect_timeout" not in defaults({"host": "db.example.com"})


def test_an_idle_transaction_is_ended_with_a_sentence(opened: Database) -> None:
    with pytest.raises(StoreError) as raised, opened.writing(idle_seconds=0.05) as connection:
        process = connection.scalar(text("select pg_backend_pid()"))
        while is_connected(opened, process):
            time.sleep(0.02)
        connection.execute(text("select 1"))
    assert raised.value.what.startswith("ended a transaction of this process, which was suspended")
    assert "nothing of that transaction was recorded" in raised.value.hint
    with opened.writing() as connection:
        assert connection.scalar(text("select 1")) == 1, "the next transaction has a new connection"


def test_a_lock_is_told_in_the_same_words_as_for_a_file(opened: Database) -> None:
    with opened.writing() as connection:
        connection.execute(text("lock table send in exclusive mode"))
        with pytest.raises(DatabaseBusy) as raised, opened.writing(lock_seconds=0.05) as other:
            other.execute(text("delete from send"))
    assert raised.value.what.startswith("another process is writing to the database (")
    assert raised.value.hint.startswith("wait until it has ended; if it was suspended, continue or end it;")
