"""Fixtures of the public server's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.visitors import PublicServer, served


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.every_case)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PublicServer]:
    """Serve a newsletter with high limits; on PostgreSQL only with --every-case (`tests/store` has both)."""
    is_server = request.param == "postgresql"
    url = {"NEWS_DATABASE_URL": request.getfixturevalue("postgresql_url")} if is_server else {}
    with served(tmp_path, extra="serve: {rate: 100k/h, rate_per_network: 100k/h}\n", **url) as opened:
        yield opened
