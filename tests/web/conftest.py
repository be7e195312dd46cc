"""Fixtures of the public server's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.store.database import Database, open_database
from tests import samples
from tests.web.visitors import PublicServer, served


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_server = request.param == "postgresql"
    url = {"NEWS_DATABASE_URL": request.getfixturevalue("postgresql_url")} if is_server else {}
    with open_database(samples.newsletter(tmp_path, **url)) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PublicServer]:
    """A public server whose limits are high, on each database."""
    is_server = request.param == "postgresql"
    url = {"NEWS_DATABASE_URL": request.getfixturevalue("postgresql_url")} if is_server else {}
    with served(tmp_path, extra="serve: {rate: 100k/h, rate_per_network: 100k/h}\n", **url) as opened:
        yield opened
