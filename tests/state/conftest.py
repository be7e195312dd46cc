"""Repositories for the tests of the state's remote."""

import shutil
from pathlib import Path

import pytest

from tests.repositories import git, repository


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a repository `letter`, whose `origin` is the bare one beside it."""
    folder = tmp_path_factory.mktemp("remote")
    letter = repository(folder / "letter")
    git(folder, "clone", "-q", "--bare", "--template=", "letter", "origin.git")
    git(letter, "remote", "add", "origin", "../origin.git")
    return folder


@pytest.fixture
def letter(made_once: Path, tmp_path: Path) -> Path:
    """Return a repository whose `origin` is a bare one beside it."""
    for name in ("letter", "origin.git"):
        shutil.copytree(made_once / name, tmp_path / name)
    return tmp_path / "letter"


@pytest.fixture
def origin(letter: Path) -> Path:
    return letter.parent / "origin.git"
