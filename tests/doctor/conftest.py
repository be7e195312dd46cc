"""Fixtures of the doctor's tests: a newsletter without problems, and no proxy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doctor import world as worlds
from tests.doctor.world import World


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return a certificate that this process trusts."""
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    return certificate


@pytest.fixture
def world(tmp_path: Path, trusted: tuple[Path, Path]) -> Iterator[World]:
    with worlds.opened(tmp_path / "newsletter", trusted) as opened:
        yield opened
