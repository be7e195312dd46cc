"""Test on both databases that one process at a time sends the mail about subscriptions."""

import pytest
from sqlalchemy import text

from newsletter.errors import SendRefused
from newsletter.store.database import Database
from newsletter.store.mailer_lock import _take, mailer_lock, only_mailer


def test_one_process_at_a_time_has_the_lock(database: Database) -> None:
    other = Database.at(database.url.render_as_string(hide_password=False))
    with mailer_lock(database) as first, mailer_lock(other, wait_seconds=0.1) as second:
        assert (first, second) == (True, False)
    with mailer_lock(other, wait_seconds=0.1) as again:
        assert again
    other.close()


def test_a_second_server_is_refused(database: Database) -> None:
    with only_mailer(database), pytest.raises(SendRefused, match="another process sends the mail of"):
        with mailer_lock(database, wait_seconds=0.1) as is_held:
            assert not is_held
        with only_mailer(database):
            raise AssertionError("two servers")


def test_the_lock_keeps_nobody_from_writing_alone(database: Database) -> None:
    with mailer_lock(database), database.writing_alone() as connection:
        connection.execute(text("select 1"))


def test_a_lost_connection_is_no_error_at_the_end(database: Database) -> None:
    if database.url.get_backend_name() != "postgresql":
        return  # the lock is on a file
    with mailer_lock(database), database.writing() as connection:
        others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
        connection.execute(text(others + "and datname = current_database()"))


def test_the_lock_outlasts_the_limit_of_an_idle_transaction(database: Database) -> None:
    """Every other transaction that does nothing is ended after a minute."""
    if database.url.get_backend_name() != "postgresql":
        return  # the lock is on a file
    with database.lasting_transaction(lock_seconds=1) as connection:
        assert connection.scalar(text("show idle_in_transaction_session_timeout")) == "1min"
        _take(database, connection)
        assert connection.scalar(text("show idle_in_transaction_session_timeout")) == "0"
    with mailer_lock(database), database.reading() as connection:
        query = "select count(*) from pg_stat_activity where state = 'idle in transaction'"
        assert connection.scalar(text(f"{query} and backend_xmin is null")) == 1, "it keeps no old rows"
