"""Both databases: each test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from newsletter.store.database import Database
from newsletter.store.schema import metadata
from tests import samples
from tests.fakes import postgresql
from tests.required import need


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running PostgreSQL."""
    need(postgresql.absent())
    folder = tmp_path_factory.mktemp("postgresql")
    for parent in (folder.parent, folder.parent.parent):
        parent.chmod(0o755)  # PostgreSQL's own user has to come in
    with postgresql.running(folder) as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """The address of an empty database."""
    engine = create_engine(postgresql_server.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    engine.dispose()
    return postgresql_server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    environment = {}
    if request.param == "postgresql":
        environment["NEWS_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    opened = Database.open(samples.newsletter(tmp_path, **environment))
    yield opened
    opened.close()


def emptied(database: Database) -> None:
    """Deletes every row."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
