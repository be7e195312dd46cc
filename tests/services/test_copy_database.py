"""Copy a newsletter's database between SQLite and PostgreSQL; nobody sends from one that was copied."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, event, text

from newsletter.config.loader import Newsletter
from newsletter.errors import DatabaseBusy, NewsError, SendRefused, StoreError
from newsletter.services.copy_database import DatabaseCopy, copy_database, reopen_database
from newsletter.state.database_files import with_companions
from newsletter.state.location import DATABASE
from newsletter.store.closed import ClosedMark, DatabaseClosed, Role
from newsletter.store.copy import TableCopy
from newsletter.store.database import Database
from newsletter.store.schema import metadata, send_table, subscriber_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.store import rows


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a newsletter with rows in every table."""
    folder = tmp_path_factory.mktemp("filled")
    with opened(samples.newsletter(folder)) as database, database.writing() as connection:
        rows.fill(connection)
    return folder


@pytest.fixture
def on_file(filled: Path, tmp_path: Path) -> Newsletter:
    """Return a newsletter whose database is the file of its state, with rows in every table."""
    shutil.copytree(filled, tmp_path / "soup")
    return samples.newsletter(tmp_path / "soup")


@contextmanager
def opened(newsletter: Newsletter) -> Iterator[Database]:
    with closing(Database.open(newsletter)) as database:
        yield database


def using(newsletter: Newsletter, url: str) -> Newsletter:
    return replace(newsletter, secrets=replace(newsletter.secrets, database_url=SecretStr(url)))


def copy(newsletter: Newsletter, to: str | Path, seen: list[TableCopy] | None = None) -> DatabaseCopy:
    """Copy to a file, or to the database of a URL."""

    def agree(source: str, target: str) -> None: ...

    on_table = [].append if seen is None else seen.append
    if isinstance(to, str):
        return copy_database(replace(newsletter, copy_target=SecretStr(to)), None, agree, on_table)
    return copy_database(newsletter, str(to), agree, on_table)


def dump(file: Path) -> list[str]:
    """Return all rows of a SQLite database as SQL, without its revision and its mark."""
    with closing(sqlite3.connect(file)) as connection:
        return sorted(line for line in connection.iterdump() if "alembic_version" not in line)


def highest_subscriber(newsletter: Newsletter) -> int:
    with opened(newsletter) as database:
        Subscribers(database).add(parse_subscriber("newcomer@example.com")[0])
        with database.reading() as connection:
            query = text("select id from subscriber where address_key = 'newcomer@example.com'")
            return int(connection.scalar(query) or 0)


def is_empty(newsletter: Newsletter, url: str) -> bool:
    with closing(Database.at(url)) as database, database.reading() as connection:
        return database.revision() is None or not any(
            connection.execute(table.select().limit(1)).first() for table in metadata.sorted_tables
        )


def test_all_rows_come_back_from_postgresql_as_they_were(
    on_file: Newsletter, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")  # the time zone of a session
    before, back = dump(on_file.state / DATABASE), tmp_path / "back.db"
    there: list[TableCopy] = []
    result = copy(on_file, postgresql_url, there)
    assert {table.table: table.rows for table in there} == dict.fromkeys(metadata.tables, rows.ROWS)
    assert (result.rows, result.database_url) == (rows.ROWS * len(metadata.tables), "")
    assert dump(on_file.state / DATABASE) == before, "the source is as it was"
    moved, returned = using(on_file, postgresql_url), list[TableCopy]()
    assert copy(moved, back, returned).database_url == f"sqlite:///{back}"
    assert returned == there and dump(back) == before


def test_the_way_back_leads_into_the_closed_file_of_the_state(
    on_file: Newsletter, postgresql_url: str
) -> None:
    copy(on_file, postgresql_url)
    moved, file = using(on_file, postgresql_url), on_file.state / DATABASE
    newest = highest_subscriber(moved)
    assert copy(moved, file).database_url is None
    with opened(on_file) as database, database.reading() as connection:
        assert connection.scalar(text("select max(id) from subscriber")) == newest
    with pytest.raises(DatabaseClosed):
        Database.open(moved)


def test_an_id_that_was_deleted_is_given_to_nobody_after_a_copy(
    on_file: Newsletter, postgresql_url: str, tmp_path: Path
) -> None:
    """The unsubscribe link of an erased person has this id."""
    with opened(on_file) as database, database.writing() as connection:
        connection.execute(text("update sqlite_sequence set seq = 17 where name = 'subscriber'"))
        connection.execute(send_table.delete().where(send_table.c.id < 0))
    copy(on_file, postgresql_url)
    moved = using(on_file, postgresql_url)
    assert highest_subscriber(moved) == 18
    with opened(moved) as database, database.writing() as connection:
        connection.execute(subscriber_table.delete().where(subscriber_table.c.id == 18))
    copy(moved, tmp_path / "back.db")
    assert highest_subscriber(using(on_file, f"sqlite:///{tmp_path}/back.db")) == 19


def test_an_empty_store_is_copied_with_its_next_ids(tmp_path: Path, postgresql_url: str) -> None:
    newsletter = samples.newsletter(tmp_path / "soup")
    assert copy(newsletter, postgresql_url).rows == 0
    assert highest_subscriber(using(newsletter, postgresql_url)) == 1


def test_a_copied_database_is_closed_also_for_a_process_that_has_it_open(
    on_file: Newsletter, tmp_path: Path
) -> None:
    with opened(on_file) as early:
        copy(on_file, tmp_path / "new.db")
        with pytest.raises(DatabaseClosed), early.writing():
            pytest.fail("a send would be planned in both")
    with pytest.raises(DatabaseClosed) as raised:
        Database.open(on_file)
    assert raised.value.where.endswith(DATABASE)
    assert "set NEWS_DATABASE_URL to it" in raised.value.hint
    reopen_database(on_file, lambda database, closed_at: None)
    with opened(on_file) as database, database.writing():
        pass
    with pytest.raises(SendRefused, match="is not closed"):
        reopen_database(on_file, lambda database, closed_at: None)


def test_a_closed_database_is_not_copied_again(on_file: Newsletter, tmp_path: Path) -> None:
    copy(on_file, tmp_path / "first.db")
    with pytest.raises(DatabaseClosed):
        copy(on_file, tmp_path / "second.db")
    assert not (tmp_path / "second.db").exists()


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_a_kill_before_each_commit_leaves_one_database_open_at_most(
    on_file: Newsletter, tmp_path: Path, commit: int
) -> None:
    """The same command completes the copy then."""
    before, new = dump(on_file.state / DATABASE), tmp_path / "new.db"
    copy_until_killed(on_file, new, commit)
    moved = using(on_file, f"sqlite:///{new}")
    assert is_open(on_file) == (commit < 3)
    assert is_empty(on_file, f"sqlite:///{new}") if commit == 1 else not is_open(moved)
    assert (copy(on_file, new).rows is None) == (commit == 3)
    assert [is_open(on_file), is_open(moved)] == [False, True] and dump(new) == before


def test_after_a_kill_before_the_last_commit_reopen_and_a_new_copy_help(
    on_file: Newsletter, tmp_path: Path
) -> None:
    new = tmp_path / "new.db"
    copy_until_killed(on_file, new, commit=4)
    moved = using(on_file, f"sqlite:///{new}")
    assert [is_open(on_file), is_open(moved)] == [False, False]
    with pytest.raises(DatabaseClosed) as raised:
        copy(on_file, new)
    assert "is an unfinished copy: news db reopen" in raised.value.hint
    reopen_database(on_file, lambda database, closed_at: None)
    assert copy(on_file, new).rows
    assert [is_open(on_file), is_open(moved)] == [False, True]


def copy_until_killed(newsletter: Newsletter, to: Path, commit: int) -> None:
    """Copy in a process that is killed before one of its commits."""
    if (child := os.fork()) == 0:
        commits = iter(range(1, 9))

        def kill(connection: Connection) -> None:
            if next(commits) == commit:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "commit", kill)
        copy(newsletter, to)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def copy_file(database: Path, to: Path) -> None:
    """Copy a database's file, with what SQLite still keeps beside it after a kill."""
    for file in with_companions(database):
        if file.exists():
            shutil.copy(file, to.with_name(to.name + file.name.removeprefix(database.name)))


@pytest.mark.parametrize("link_to", [None, os.symlink, os.link])
def test_a_closed_database_is_not_opened_as_its_own_copy(
    on_file: Newsletter, tmp_path: Path, link_to: Callable[[Path, Path], None] | None
) -> None:
    copy(on_file, tmp_path / "new.db")
    same = on_file.state / DATABASE
    if link_to:
        link_to(same, same := tmp_path / "same.db")
    with pytest.raises(StoreError, match="is the database that is copied"):
        copy(on_file, same)
    assert not is_open(on_file)


def test_an_unfinished_copy_is_not_opened_by_itself(on_file: Newsletter, tmp_path: Path) -> None:
    """Its source is open still."""
    new = tmp_path / "new.db"
    copy_until_killed(on_file, new, commit=2)
    moved = using(on_file, f"sqlite:///{new}")
    with pytest.raises(DatabaseClosed, match="it is an unfinished copy") as raised:
        Database.open(moved)
    assert "use the database that was copied" in raised.value.hint
    with pytest.raises(StoreError, match="is the database that is copied"):
        copy(moved, new)
    with pytest.raises(DatabaseClosed, match="the database that was copied may still be in use"):
        reopen_database(moved, lambda database, closed_at: pytest.fail("it must not ask"))
    copy_file(new, tmp_path / "third.db")
    with pytest.raises(DatabaseClosed, match="unfinished copy"):
        copy(moved, tmp_path / "third.db")
    assert [is_open(on_file), is_open(moved)] == [True, False]


@pytest.mark.parametrize("commit", [3, 9])
def test_a_file_copy_of_the_closed_database_is_not_opened(
    on_file: Newsletter, tmp_path: Path, commit: int
) -> None:
    if commit == 9:
        copy(on_file, tmp_path / "new.db")
    else:
        copy_until_killed(on_file, tmp_path / "new.db", commit)
    copy_file(on_file.state / DATABASE, tmp_path / "backup.db")
    with pytest.raises(DatabaseClosed):
        copy(on_file, tmp_path / "backup.db")
    assert not is_open(using(on_file, f"sqlite:///{tmp_path}/backup.db"))


def test_a_copy_is_opened_once_also_if_its_file_was_copied(on_file: Newsletter, tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    copy_until_killed(on_file, first, commit=3)
    copy_file(first, second)
    assert copy(on_file, first).rows is None
    with pytest.raises(DatabaseClosed):
        copy(on_file, second)
    assert not is_open(using(on_file, f"sqlite:///{second}"))


def test_a_complete_copy_is_opened_only_after_a_question(on_file: Newsletter, tmp_path: Path) -> None:
    new, moved = tmp_path / "new.db", using(on_file, f"sqlite:///{tmp_path}/new.db")
    copy_until_killed(on_file, new, commit=3)

    def refuse(source: str, target: str) -> None:
        raise SendRefused("the answer was no")

    with pytest.raises(SendRefused, match="the answer was no"):
        copy_database(on_file, str(new), refuse)
    assert [is_open(on_file), is_open(moved)] == [False, False]

    def open_in_another_process(source: str, target: str) -> None:
        copy(on_file, new)

    with pytest.raises(StoreError, match="by another process meanwhile"):
        copy_database(on_file, str(new), refuse, agree_to_open=open_in_another_process)
    assert [is_open(on_file), is_open(moved)] == [False, True]


def test_a_database_is_not_reopened_if_its_copy_was_opened_during_the_question(
    on_file: Newsletter, tmp_path: Path
) -> None:
    copy_until_killed(on_file, tmp_path / "new.db", commit=3)

    def copy_meanwhile(database: str, closed_at: datetime) -> None:
        copy(on_file, tmp_path / "new.db")

    with pytest.raises(StoreError, match="by another process meanwhile"):
        reopen_database(on_file, copy_meanwhile)
    assert not is_open(on_file)


def is_open(newsletter: Newsletter) -> bool:
    try:
        with opened(newsletter):
            return True
    except DatabaseClosed:
        return False


@pytest.mark.parametrize("on_server", [False, True])
def test_nobody_writes_to_the_source_during_a_copy(
    on_file: Newsletter, tmp_path: Path, postgresql_url: str, on_server: bool
) -> None:
    source = on_file
    if on_server:
        copy(on_file, postgresql_url)
        source = using(on_file, postgresql_url)
    with opened(source) as other:

        def write(copied: TableCopy) -> None:
            if copied.table == "send":
                with pytest.raises(DatabaseBusy), other.writing(lock_seconds=0.05):
                    pytest.fail("the row would be in one of the two databases only")

        assert copy_database(source, str(tmp_path / "new.db"), lambda source, target: None, write).rows


@pytest.mark.parametrize("role", Role)
def test_the_mark_of_a_closed_database_fits_where_alembic_keeps_its_revision(role: Role) -> None:
    mark = ClosedMark.new().to(role)
    assert ClosedMark.parse(str(mark)) == mark
    longest = str(replace(mark, revision="00001"))
    assert len(longest) <= 32 and ClosedMark.parse(longest)
    assert ClosedMark.parse(str(replace(mark, revision="000001"))) is None


def test_a_kill_in_the_middle_leaves_an_empty_target_and_an_open_source(
    on_file: Newsletter, postgresql_url: str
) -> None:
    def kill(copied: TableCopy) -> None:
        if copied.table == "recipient":
            os.kill(os.getpid(), signal.SIGKILL)

    for target in (postgresql_url, f"sqlite:///{on_file.folder}/new.db"):
        aimed = replace(on_file, copy_target=SecretStr(target))
        if (child := os.fork()) == 0:
            copy_database(aimed, None, lambda source, target: None, kill)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert is_empty(on_file, target)
        assert copy(on_file, target).rows
        reopen_database(on_file, lambda database, closed_at: None)


def test_ctrl_c_in_the_middle_leaves_an_empty_target_and_an_open_source(
    on_file: Newsletter, postgresql_url: str
) -> None:
    def interrupt(copied: TableCopy) -> None:
        if copied.table == "recipient":
            raise KeyboardInterrupt

    aimed = replace(on_file, copy_target=SecretStr(postgresql_url))
    with pytest.raises(KeyboardInterrupt):
        copy_database(aimed, None, lambda source, target: None, interrupt)
    assert is_empty(on_file, postgresql_url)
    with opened(on_file):
        pass


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "update subscriber set name = 'a' || char(0) where id = 3",
            "table subscriber, row with id 3: name has the character NUL",
        ),
        ("update attempt set first = 3000000000 where id = 2", "row with id 2: first is 3000000000"),
        (
            "update subscriber set consent_at = 'yesterday' where id = 1",
            "table subscriber has a value that cannot be read",
        ),
    ],
    ids=["NUL", "large", "no-time"],
)
def test_a_value_that_cannot_be_copied_is_named_with_its_row(
    on_file: Newsletter, postgresql_url: str, statement: str, words: str
) -> None:
    with closing(sqlite3.connect(on_file.state / DATABASE)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(StoreError) as raised:
        copy(on_file, postgresql_url)
    assert words in str(raised.value) and "nothing was copied" in raised.value.hint
    assert is_empty(on_file, postgresql_url)


def test_a_running_send_is_not_copied(on_file: Newsletter, tmp_path: Path) -> None:
    lease = {"lease_holder": "host_4711_ab", "lease_until": datetime.now(UTC) + timedelta(minutes=2)}
    with opened(on_file) as database, database.writing() as connection:
        connection.execute(send_table.update().where(send_table.c.id == 1).values(lease))
    with pytest.raises(SendRefused, match="process 4711 on host host is sending text 1 now"):
        copy(on_file, tmp_path / "new.db")
    with opened(on_file):
        assert (tmp_path / "new.db").stat().st_size == 0 or is_empty(on_file, f"sqlite:///{tmp_path}/new.db")


def other_newsletter(tmp_path: Path) -> Path:
    other = samples.newsletter(tmp_path / "bread", extra="list_id: bread.example.com\n")
    with opened(other):
        return other.state / DATABASE


def other_program(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("create table invoice (id integer)")
    return tmp_path / "other.db"


def with_rows(tmp_path: Path) -> Path:
    other = samples.newsletter(tmp_path / "second", NEWS_DATABASE_URL=f"sqlite:///{tmp_path}/filled.db")
    highest_subscriber(other)
    return tmp_path / "filled.db"


def of_revision(tmp_path: Path, revision: str) -> Path:
    with opened(samples.newsletter(tmp_path / "x", NEWS_DATABASE_URL=f"sqlite:///{tmp_path}/old.db")):
        pass
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection, connection:
        connection.execute("update alembic_version set version_num = ?", (revision,))
    return tmp_path / "old.db"


def closed_of_another_list(tmp_path: Path) -> Path:
    other = samples.newsletter(tmp_path / "second", NEWS_DATABASE_URL=f"sqlite:///{tmp_path}/filled.db")
    highest_subscriber(other)
    copy(other, tmp_path / "elsewhere.db")
    return tmp_path / "filled.db"


def closed_with_another_send(tmp_path: Path) -> Path:
    other = samples.newsletter(tmp_path / "second", NEWS_DATABASE_URL=f"sqlite:///{tmp_path}/filled.db")
    with opened(other) as database, database.writing() as connection:
        rows.fill(connection)
        connection.execute(send_table.update().values(started_at=samples.NOW))
    copy(other, tmp_path / "elsewhere.db")
    return tmp_path / "filled.db"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (lambda folder: folder / "soup" / ".news" / DATABASE, "is the database that is copied"),
        (lambda folder: link(folder), "is the database that is copied"),
        (with_rows, "has rows already: subscriber (1)"),
        (other_program, "has tables of another program: invoice"),
        (other_newsletter, "is in the state of the list bread.example.com"),
        (lambda folder: of_revision(folder, "0003"), "has tables of another version of news (0003"),
        (lambda folder: of_revision(folder, "9999"), "has tables of another version of news (9999"),
        (
            lambda folder: of_revision(folder, "closed 0003 202601010000 abcdef"),
            "another version of news (0003",
        ),
        (closed_of_another_list, "has the subscribers of another list"),
        (closed_with_another_send, "records sends that the newsletter's database does not: text 1"),
        (lambda folder: folder / "missing" / "new.db", "does not exist"),
        (lambda folder: "postgresql://news:secret@db.example.com/news", "the shell's history"),
    ],
)
def test_a_target_with_other_content_is_refused(
    on_file: Newsletter, tmp_path: Path, target: object, words: str
) -> None:
    assert callable(target)
    before, named = dump(on_file.state / DATABASE), target(tmp_path)
    with pytest.raises(NewsError) as raised:
        copy_database(on_file, str(named), lambda source, target: None)
    assert words in str(raised.value) and "secret@" not in str(raised.value)
    with opened(on_file):
        assert dump(on_file.state / DATABASE) == before


def link(folder: Path) -> Path:
    (folder / "link.db").symlink_to(folder / "soup" / ".news" / DATABASE)
    return folder / "link.db"


def test_the_same_server_under_another_name_is_refused(on_file: Newsletter, postgresql_url: str) -> None:
    copy(on_file, postgresql_url)
    with pytest.raises(StoreError, match="is the database that is copied"):
        copy(using(on_file, postgresql_url), f"{postgresql_url}&application_name=other")


def test_a_target_on_a_server_with_rows_is_refused(on_file: Newsletter, postgresql_url: str) -> None:
    highest_subscriber(using(on_file, postgresql_url))
    with pytest.raises(StoreError, match=r"has rows already: subscriber \(1\)"):
        copy(on_file, postgresql_url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://localhost/x", "NEWS_DATABASE_URL_TO names neither"),
        ("sqlite://", "NEWS_DATABASE_URL_TO names a database in memory"),
        ("nonsense", "NEWS_DATABASE_URL_TO is not a database URL"),
        (None, "no database is named to copy to"),
    ],
)
def test_an_invalid_target_is_named_by_its_variable(on_file: Newsletter, url: str | None, words: str) -> None:
    aimed = replace(on_file, copy_target=SecretStr(url) if url else None)
    with pytest.raises(StoreError, match=words):
        copy_database(aimed, None, lambda source, target: None)


def test_a_state_on_a_git_ref_and_a_file_in_ci_are_refused(tmp_path: Path) -> None:
    on_ref = samples.newsletter(tmp_path, extra="state: git\n")
    with pytest.raises(NewsError, match=r"on a Git ref.*news state pull"):
        copy(on_ref, tmp_path / "new.db")
    in_ci = replace(samples.newsletter(tmp_path), in_ci=True)
    with pytest.raises(SendRefused, match="would be deleted"):
        copy(in_ci, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_the_number_of_a_save_is_not_copied(on_file: Newsletter, tmp_path: Path) -> None:
    with opened(on_file) as database:
        database.set_generation(7)
    copy(on_file, tmp_path / "new.db")
    with opened(using(on_file, f"sqlite:///{tmp_path}/new.db")) as database:
        assert database.generation() == 0
