"""A state folder that cannot be used, and files in `.news/` that are none: each gets an answer."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.errors import ConfigError, StateError
from tests import repositories, samples

News = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(samples.write(tmp_path))
    for name in ("NEWS_DATABASE_URL", "NEWS_STATE_DIR", "CI"):
        monkeypatch.delenv(name, raising=False)
    return repositories.repository(tmp_path)


@pytest.fixture
def news(folder: Path) -> News:
    return lambda *arguments, **environment: CliRunner().invoke(main, arguments, env=environment)


@pytest.mark.parametrize("command", ["status", "subscribers list", "send 2026-04-27 --yes"])
def test_a_name_that_is_too_long_is_explained(news: News, command: str, folder: Path) -> None:
    done = news(*command.split(), NEWS_STATE_DIR=f"{folder}/{'x' * 300}")
    assert done.exit_code == 1 and "cannot be read (File name too long)" in " ".join(done.output.split())
    assert "set NEWS_STATE_DIR to another folder" in " ".join(done.output.split())


@pytest.mark.parametrize("variable", ["relative", "./x", "~/x", " "])
def test_a_relative_folder_is_refused(news: News, variable: str) -> None:
    done = news("status", NEWS_STATE_DIR=variable)
    assert done.exit_code == 1 and "NEWS_STATE_DIR is not an absolute path" in done.output


@pytest.mark.parametrize("place", [".", "issues", "newsletter.yml", ".git"])
def test_a_folder_of_something_else_stays_as_it_is(news: News, folder: Path, place: str) -> None:
    before = sorted(folder.rglob("*"))
    done = news("subscribers", "add", "a@example.com", NEWS_STATE_DIR=str(folder / place))
    assert done.exit_code == 1 and "holds no state" in " ".join(done.output.split())
    assert sorted(folder.rglob("*")) == before


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("make", [make_fifo, make_link])
@pytest.mark.parametrize("name", ["env", "news.db", "newsletter.json"])
def test_a_special_file_in_the_old_state_is_moved_and_not_opened(
    folder: Path, news: News, name: str, make: Callable[[Path], None]
) -> None:
    """The move is told beside the error, because it is told once."""
    (folder / ".news").mkdir()
    (folder / ".news" / "secret").write_text("a key that is long enough for a test")
    make(folder / ".news" / name)
    done = news("subscribers", "add", "a@example.com")
    said = " ".join(done.output.split())
    assert done.exit_code == 1 and f".git/news/_/{name}: error: is a" in said
    assert "moved this newsletter's state from .news/ to .git/news/_/" in said


@pytest.mark.parametrize("name", ["runs", "links.json", "x"])
def test_a_link_that_no_command_needs_is_moved_as_a_link(folder: Path, news: News, name: str) -> None:
    (folder / ".news").mkdir()
    (folder / ".news" / "secret").write_text("a key that is long enough for a test")
    (folder / ".news" / name).symlink_to("/nowhere/at/all")
    assert news("subscribers", "add", "a@example.com").exit_code == 0
    assert (folder / ".git" / "news" / "_" / name).is_symlink()


def test_a_move_is_told_with_a_mistake_in_the_configuration(folder: Path) -> None:
    (folder / ".news").mkdir()
    (folder / ".news" / "secret").write_text("a key that is long enough for a test")
    (folder / ".news" / "env").mkdir()
    (folder / ".env").write_text("not a variable\n")
    with pytest.raises(ConfigError) as refused:
        loader.load(folder, {})
    moved, mistake = refused.value.problems
    assert "moved this newsletter's state" in moved.what and moved.severity == "note"
    assert "NAME=value" in mistake.what
    with pytest.raises(StateError, match="not an absolute path"):
        loader.load(folder, {"NEWS_STATE_DIR": "x"})
