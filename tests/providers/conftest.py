"""The real counterparts of providers, for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import postfix
from tests.fakes.postfix import Postfix
from tests.required import need


@pytest.fixture(scope="session")
def postfix_server(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[Postfix]:
    """Debian's Postfix, with STARTTLS."""
    need(postfix.absent())
    folder = tmp_path_factory.mktemp("postfix")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)  # Postfix's own users have to come in
    with postfix.running(folder, *certificate) as server:
        yield server
