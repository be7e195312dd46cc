"""`news state path`, and what other commands say about the place of the state."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import repositories, samples


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(samples.write(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def news(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=environment)


def test_the_path_is_absolute_and_nothing_is_made(folder: Path) -> None:
    assert news("state", "path").output == f"{folder}/.news\n"
    assert not (folder / ".news").exists()
    repositories.repository(folder)
    assert news("state", "path").output == f"{folder}/.git/news/_\n"
    assert not (folder / ".git" / "news").exists()
    assert news("state", "path", NEWS_STATE_DIR=f"{folder}/mine").output == f"{folder}/mine\n"


def test_the_path_needs_a_newsletter_and_no_valid_one(folder: Path) -> None:
    (folder / "newsletter.yml").write_text("name: [")
    assert news("state", "path").output == f"{folder}/.news\n"
    (folder / "newsletter.yml").unlink()
    missing = news("state", "path")
    assert missing.exit_code == 1 and "there is no newsletter in this folder" in missing.output


def test_the_move_is_shown_once_on_standard_error(folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    repositories.repository(folder)
    assert news("state", "path").output == f"{folder}/.news\n"  # until it is moved
    listed = news("subscribers", "list")
    assert listed.stdout == "ada@example.com\tactive\n"
    assert listed.stderr == (
        "note: moved this newsletter's state from .news/ to .git/news/_/, where no checkout overwrites it\n"
    )
    assert news("subscribers", "list").stderr == ""
    assert news("state", "path").output == f"{folder}/.git/news/_\n"


def test_status_says_where_the_state_is(folder: Path) -> None:
    repositories.repository(folder)
    news("subscribers", "add", "ada@example.com")
    sentence = "The state of this newsletter is in .git/news/_/\n"
    assert news("status").output.endswith(sentence)
    assert news("send", "2026-04-27", "--yes").exit_code == 0
    assert news("status", "2026-04-27").output.endswith(sentence)
    for for_programs in (["--json"], ["--list", "accepted"]):
        assert sentence not in news("status", "2026-04-27", *for_programs).output


def test_commands_that_send_nothing_make_no_state(folder: Path) -> None:
    repositories.repository(folder)
    for command in (["render"], ["check"], ["new", "2026-05-04"]):
        assert news(*command).exit_code == 0
    assert not (folder / ".git" / "news").exists() and not (folder / ".news").exists()


# Backups


def test_a_backup_without_a_state_ref_says_nothing_of_a_repository(folder: Path) -> None:
    saved = news("state", "save", "backup").output
    assert "Keep a copy of it apart from them: nobody can open them without it." in " ".join(saved.split())
    assert "GitHub" not in saved and "gh secret" not in saved and "repository" not in saved
    assert "0 subscribers, 0 real sends" in saved


@pytest.mark.parametrize("old", ["", "an earlier key, and long enough"], ids=["one-key", "replaced-key"])
def test_a_backup_names_the_earlier_keys_that_it_does_not_have(old: str, folder: Path) -> None:
    saved = news("state", "save", "backup", NEWS_SECRET_KEY_OLD=old)
    assert saved.exit_code == 0
    assert ("warning: NEWS_SECRET_KEY_OLD is not in the backup" in saved.stderr) == bool(old)
    assert "earlier key, and" not in saved.output


def test_a_backup_is_not_loaded_without_its_key_and_the_file_for_it_is_named(folder: Path) -> None:
    news("state", "save", "backup")
    (folder / ".news" / "env").unlink()
    loaded = news("state", "load", "backup", "--yes")
    assert loaded.exit_code == 1
    assert "write NEWS_STATE_KEY=… with the key of the backup into .news/env" in loaded.stderr
    assert "state init" not in loaded.stderr
