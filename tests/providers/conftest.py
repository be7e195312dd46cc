"""Fixtures with the real servers that the providers are tested against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import postfix
from tests.fakes.folders import let_everybody_enter
from tests.fakes.postfix import Postfix
from tests.required import need


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxies of this machine from the environment."""
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def postfix_server(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[Postfix]:
    """Run Debian's Postfix, with STARTTLS: one for each file of tests, whose mail is none of another's."""
    need(postfix.absent())
    folder = tmp_path_factory.mktemp("postfix")
    let_everybody_enter(folder)
    with postfix.running(folder, *certificate) as server:
        yield server
