"""Tests of private folders: their permissions, and a warning where they cannot be set."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.state.folder import protect
from newsletter.store.database import Database
from tests import samples


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of all that is in a folder, without those of its `.gitignore`."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if path.name != ".gitignore"
    }


def test_a_state_that_was_open_to_others_is_restricted_on_use(tmp_path: Path) -> None:
    run = tmp_path / ".news" / "runs" / "somewhere_1_abcd"
    run.mkdir(parents=True)
    for file in (run / "1-1000", tmp_path / ".news" / "secret", tmp_path / ".news" / "news.db-wal"):
        file.touch()
    for path in (tmp_path / ".news").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (tmp_path / ".news").chmod(0o755)
    newsletter = loader.load(samples.write(tmp_path), {})
    Database.open(newsletter).close()
    assert newsletter.notices == ()
    assert stat.S_IMODE(newsletter.state.stat().st_mode) == 0o700
    folders = dict.fromkeys(["runs", "runs/somewhere_1_abcd"], 0o700)
    files = dict.fromkeys(["secret", "runs/somewhere_1_abcd/1-1000", "news.db", "newsletter.json"], 0o600)
    assert modes(newsletter.state) == folders | files
    assert (newsletter.state / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("configured", [False, True])
def test_a_new_database_is_for_its_owner_only(tmp_path: Path, configured: bool) -> None:
    url = {"NEWS_DATABASE_URL": f"sqlite:///{tmp_path}/mine.db"} if configured else {}
    before = os.umask(0o022)
    try:
        database = Database.open(loader.load(samples.write(tmp_path), url))
        with database.writing():
            folder, name = (tmp_path, "mine.db") if configured else (tmp_path / ".news", "news.db")
            files = [folder / f"{name}{suffix}" for suffix in ("", "-wal", "-shm")]
            assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3
        database.close()
    finally:
        os.umask(before)


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("")
    (tmp_path / "theirs").chmod(0o644)
    state = tmp_path / ".news"
    state.mkdir()
    (state / "link").symlink_to(tmp_path / "theirs")
    os.mkfifo(state / "pipe", 0o644)
    assert protect(state) == []
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o644


def no_permission(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize(
    ("fchmod", "reason"),
    [
        pytest.param(lambda *_: None, "its file system keeps no permissions", id="file-system"),
        pytest.param(no_permission, "cannot be changed (Operation not permitted)", id="other-owner"),
    ],
)
def test_what_cannot_be_restricted_gets_one_warning(
    fchmod: Callable[..., None], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = samples.write(tmp_path) / ".news"
    state.mkdir(mode=0o755)
    state.chmod(0o755)
    monkeypatch.setattr(os, "fchmod", fchmod)
    newsletter = loader.load(tmp_path, {})
    (warning,) = newsletter.notices
    assert warning.severity == "warning" and warning.what.endswith(reason) and warning.fix
    shown = CliRunner().invoke(main, ["-C", str(tmp_path), "subscribers", "list"])
    assert shown.exit_code == 0 and shown.output.count("other users of this machine may read it") == 1
