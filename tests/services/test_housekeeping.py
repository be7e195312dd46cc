"""The deletion of what has expired, from the database's files too."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from newsletter.services.housekeeping import Housekeeping
from newsletter.store import sign_ups, suppression
from newsletter.store.database import open_database
from newsletter.store.schema import service_mail_table, sign_up_table, suppressed_table
from newsletter.subscribers.address import parse
from tests import samples


def test_what_has_expired_is_deleted_once_an_hour(tmp_path: Path) -> None:
    newsletter, now = samples.newsletter(tmp_path), samples.NOW
    with open_database(newsletter) as database:

        def write(change):
            with database.writing() as connection:
                return change(connection)

        def rows() -> list[int]:
            tables = (sign_up_table, service_mail_table, suppressed_table)
            with database.reading() as connection:
                return [connection.scalar(select(func.count()).select_from(table)) for table in tables]

        def fill(connection: Connection) -> None:
            for name in ("sam", "kim"):
                sign_ups.ask(connection, parse(f"{name}@example.com"), "words", "sign-up form", now)
            suppression.pause(connection, ["a@example.com"], now, now + timedelta(days=30))
            suppression.forget(connection, ["b@example.com"], now)

        moment = now
        housekeeping = Housekeeping(database, write, lambda: moment)
        write(fill)
        for days, left in (
            (0, [2, 2, 2]),
            (6.99, [2, 2, 2]),
            (7.01, [2, 2, 2]),
            (7.1, [0, 0, 2]),
            (31, [0, 0, 1]),
        ):
            moment = now + timedelta(days=days)
            housekeeping.run_if_due()
            assert rows() == left, days
        files = [file for file in newsletter.state.iterdir() if file.is_file()]
        assert [file for file in files if b"sam@example.com" in file.read_bytes()] == []


class BusyFile:
    """A database whose file others read: what was deleted cannot be erased from it at once."""

    def __init__(self, *results: bool) -> None:
        self.results = list(results)

    def erase_deleted(self, seconds: float, *, rewrite: bool) -> bool:
        return self.results.pop(0)


def test_what_could_not_be_erased_from_the_file_is_erased_an_hour_later() -> None:
    moment, file, deleted = samples.NOW, BusyFile(False, False, True), [3, 0, 0, 0]
    housekeeping = Housekeeping(file, lambda change: deleted.pop(0), lambda: moment)
    for tries_left in (2, 1, 0, 0):
        housekeeping.run_if_due()
        assert len(file.results) == tries_left
        moment += timedelta(hours=1)
    assert deleted == []
