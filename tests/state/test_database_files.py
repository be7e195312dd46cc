"""Test the files of a database's URL: they are those that the store opens."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from newsletter.state.database_files import file_of_url, with_companions
from newsletter.store.failures import sqlite_path


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///news.db", "news.db"),
        ("sqlite:////srv/news.db?timeout=5", "/srv/news.db"),
        ("sqlite+pysqlite:////srv/a%20b.db", "/srv/a b.db"),
        ("sqlite:///file:/srv/a%20b.db?mode=ro&uri=true", "/srv/a b.db"),
        ("sqlite:///file:/srv/a%2520b.db?uri=true", "/srv/a b.db"),
        ("sqlite://", None),
        ("sqlite:///", None),
        ("sqlite:///:memory:", None),
    ],
)
def test_the_file_of_a_url_is_the_one_that_the_store_opens(url: str, file: str | None) -> None:
    assert file_of_url(url) == sqlite_path(make_url(url)) == (Path(file) if file else None)


@pytest.mark.parametrize("url", ["", "news.db", "postgresql://user@host/news"])
def test_other_urls_have_no_file(url: str) -> None:
    assert file_of_url(url) is None


def test_sqlite_makes_three_files_beside_a_database() -> None:
    names = [file.name for file in with_companions(Path("data/list.db"))]
    assert names == ["list.db", "list.db-wal", "list.db-shm", "list.db-journal"]
