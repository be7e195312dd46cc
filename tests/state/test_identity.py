"""Tests of the identity of a state: no other list uses it, and a moved newsletter finds it again."""

import shlex
from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import Problem, StateError
from newsletter.state.identity import FILE
from newsletter.store.database import Database
from tests import repositories, samples
from tests.repositories import git


def use(folder: Path, **environment: str) -> Path:
    newsletter = loader.load(folder, environment)
    Database.open(newsletter).close()
    return newsletter.state


def refused(folder: Path, **environment: str) -> Problem:
    with pytest.raises(StateError) as raised:
        use(folder, **environment)
    (problem,) = raised.value.problems
    assert problem.fix
    return problem


def test_another_list_is_refused(tmp_path: Path) -> None:
    samples.write(tmp_path)
    state = use(tmp_path)
    samples.write(tmp_path, extra="list_id: other.example.com\n")
    problem = refused(tmp_path)
    before, now = "the list the-soup-letter.example.com", "that of other.example.com"
    assert problem.what == f"is the state of {before}, and newsletter.yml is {now}"
    assert problem.fix.startswith("if the newsletter has a new name, or a sender with another domain, keep")
    assert "`list_id: the-soup-letter.example.com` in newsletter.yml" in problem.fix
    samples.write(tmp_path, extra="list_id: the-soup-letter.example.com\n")
    assert use(tmp_path) == state


def test_a_state_of_an_earlier_version_gets_an_identity(tmp_path: Path) -> None:
    state = use(samples.write(tmp_path))
    (state / FILE).unlink()
    use(tmp_path)
    assert "the-soup-letter.example.com" in (state / FILE).read_text()


def test_a_moved_folder_gets_the_command_that_moves_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples.write(tmp_path / "our news")
    repositories.repository(tmp_path)
    before = use(tmp_path / "our news")
    git(tmp_path, "mv", "our news", "letter")
    problem = refused(tmp_path / "letter")
    assert problem.where == ".git/news/letter"
    assert problem.what == (
        "does not exist, and .git/news/our news holds the state of the same list, whose folder was our news"
    )
    command = problem.fix.rpartition(": ")[2]
    assert shlex.split(command) == ["mv", ".git/news/our news", ".git/news/letter"]
    before.rename(tmp_path / ".git" / "news" / "letter")
    after = use(tmp_path / "letter")
    assert '"path": "letter"' in (after / FILE).read_text() and not before.exists()


def test_a_copied_newsletter_is_no_moved_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        samples.write(tmp_path / name)
    repositories.repository(tmp_path)
    assert use(tmp_path / "a") != use(tmp_path / "b")


@pytest.mark.parametrize("content", ["", "{}", "[]", '"x"', "[" * 10_000, "\0", '{"list_id": "x"}'])
def test_an_identity_that_cannot_be_read_is_refused(content: str, tmp_path: Path) -> None:
    state = use(samples.write(tmp_path))
    (state / FILE).write_text(content)
    assert refused(tmp_path).what == "does not name the list of this state"


def test_a_configured_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "letter.odt").write_text("not a state")
    problem = refused(samples.write(tmp_path / "letter"), NEWS_STATE_DIR=str(home))
    assert "is not empty, and holds no state" in problem.what
    assert [file.name for file in home.iterdir()] == ["letter.odt"]
    assert home.stat().st_mode & 0o777 == 0o755
