"""Fixtures: each test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.store.database import Database
from newsletter.store.schema import metadata
from tests import samples


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    environment = {}
    if request.param == "postgresql":
        environment["NEWS_DATABASE_URL"] = request.getfixturevalue("migrated_postgresql_url")
    opened = Database.open(samples.newsletter(tmp_path, **environment))
    yield opened
    opened.close()


def delete_rows(database: Database) -> None:
    """Delete all rows of all tables."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
