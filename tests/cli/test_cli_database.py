"""`news db …` in the terminal: the question, the rows of each table, and the setting to change afterwards."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.store.schema import REVISION, metadata
from tests import samples


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(samples.write(tmp_path))
    for variable in ("CI", "NEWS_DATABASE_URL", "NEWS_DATABASE_URL_TO"):
        monkeypatch.delenv(variable, raising=False)
    assert news("subscribers", "add", "ada@example.com").exit_code == 0


def news(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=answer)


def test_a_copy_names_both_databases_asks_and_says_what_to_set(tmp_path: Path) -> None:
    refused = news("db", "copy", "--to", "new.db", answer="n\n")
    assert refused.exit_code == 1 and "the answer was no; nothing was copied" in refused.output
    copied = news("db", "copy", "--to", "new.db", answer="y\n")
    assert copied.exit_code == 0, copied.output
    lines = [line.split() for line in copied.output.splitlines()]
    assert ["To:", "new.db"] in lines
    assert sorted(line[0] for line in lines if line[2:3] == ["checksum"]) == sorted(metadata.tables)
    assert ["subscriber", "1", "checksum"] in [line[:3] for line in lines]
    assert [f"NEWS_DATABASE_URL=sqlite:///{tmp_path}/new.db"] in lines
    assert "is closed: nothing is sent from it any more" in copied.output


def test_a_closed_database_says_what_to_do_and_opens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert news("db", "copy", "--to", "new.db", "--yes").exit_code == 0
    listed = news("subscribers", "list")
    assert listed.exit_code == 1
    assert "news.db: error: is closed: its content was copied to another database" in listed.output
    doctor = news("doctor", "--offline")
    assert "is closed: its content was copied" in " ".join(doctor.output.split())
    assert news("db", "reopen", answer="n\n").exit_code == 1
    assert "is open again" in news("db", "reopen", answer="y\n").output
    assert "ada@example.com" in news("subscribers", "list").output


def test_the_way_back_to_the_file_of_the_state_ends_with_unset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert news("db", "copy", "--to", "new.db", "--yes").exit_code == 0
    monkeypatch.setenv("NEWS_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    back = news("db", "copy", "--to", ".news/news.db", "--yes")
    assert back.exit_code == 0 and "Unset this variable" in back.output
    monkeypatch.delenv("NEWS_DATABASE_URL")
    assert "ada@example.com" in news("subscribers", "list").output


def test_copying_to_the_same_closed_database_opens_nothing() -> None:
    assert news("db", "copy", "--to", "new.db", "--yes").exit_code == 0
    again = news("db", "copy", "--to", ".news/news.db", "--yes")
    assert again.exit_code == 1 and "is the database that is copied" in again.output
    assert news("subscribers", "list").exit_code == 1


def test_a_complete_copy_that_was_not_opened_asks_first(tmp_path: Path) -> None:
    assert news("db", "copy", "--to", "new.db", "--yes").exit_code == 0
    mark = f"{REVISION} 202601010000 abcdef"
    for file, role in ((".news/news.db", "closed"), ("new.db", "copy")):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("update alembic_version set version_num = ?", (f"{role} {mark}",))
    refused = news("db", "copy", "--to", "new.db", answer="n\n")
    assert refused.exit_code == 1 and "both databases stay closed" in refused.output
    opened = news("db", "copy", "--to", "new.db", answer="y\n")
    assert opened.exit_code == 0 and "was a complete copy already, and is open now" in opened.output
