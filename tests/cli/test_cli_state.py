"""`news state path`, and what other commands say about the place of the state."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import repositories, samples


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(samples.write(tmp_path))
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
