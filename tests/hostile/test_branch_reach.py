"""The reach of a stranger's branch: its programs, Git's folder, a home folder and the list's identity."""

import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.disk.programs import find_program, no_programs_of
from newsletter.errors import NewsError
from newsletter.issue import skeleton
from newsletter.preview import send_test
from newsletter.providers.factory import open_provider
from tests import repositories, samples
from tests.repositories import git

ISSUE = "2026-04-27"
OLD_STATE = ".news/news.db"
WRITING = [("render",), ("render", "-o", "build"), ("preview", "--screenshot", "build")]


def news(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a newsletter in a repository that has only its branch `main`."""
    folder = samples.write(tmp_path / "letter")
    repositories.repository(folder)
    monkeypatch.chdir(folder)
    for name in ("CI", "NEWS_STATE_DIR", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    return folder


def add_setting(folder: Path, line: str) -> None:
    file = folder / "newsletter.yml"
    file.write_text(f"{file.read_text()}{line}\n")


def program(file: Path, trace: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(f'#!/bin/sh\necho ran >> {trace}\nexec /usr/bin/{file.name} "$@"\n')
    file.chmod(0o755)


@pytest.mark.parametrize("command", [("check",), ("send", "2026-04-27", "--dry-run")], ids=" ".join)
@pytest.mark.parametrize("place", ["here", "elsewhere", "through a link"])
def test_a_program_of_the_branch_is_not_run_for_an_outbox_in_another_repository(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, command: tuple[str, ...]
) -> None:
    other = tmp_path / "other"
    (other / "box").mkdir(parents=True)
    (other / "box" / "a.txt").touch()
    repositories.repository(other)
    add_setting(folder, "outbox: {path: ../other/box}")
    program(folder / "bin" / "git", tmp_path / "ran")
    monkeypatch.setenv("PATH", f"{folder}/bin{os.pathsep}{os.environ['PATH']}")
    if place != "here":
        monkeypatch.chdir(tmp_path)
        (tmp_path / "link").symlink_to(folder)
    named = {"here": ".", "elsewhere": "letter", "through a link": "link"}[place]
    news("-C", named, *command)
    assert not (tmp_path / "ran").exists()


def test_the_path_is_restored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(folder / "bin" / "soup", folder / "ran")
    before = f"{folder}/bin{os.pathsep}bin{os.pathsep}/usr/bin"
    monkeypatch.setenv("PATH", before)
    elsewhere = folder.parent / "elsewhere"
    assert find_program("soup", elsewhere)
    with no_programs_of(folder / "issues"):
        assert os.environ["PATH"] == "/usr/bin"
        assert find_program("soup", elsewhere) is None
    assert os.environ["PATH"] == before


def test_a_submodule_runs_no_program_of_the_repository_around_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repositories.repository(folder.parent)
    git(folder.parent, "submodule", "add", "-q", "./letter", "module")
    program(folder.parent / "bin" / "soup", folder.parent / "ran")
    monkeypatch.setenv("PATH", f"{folder.parent}/bin{os.pathsep}/usr/bin")
    assert find_program("soup", folder.parent / "module") is None


@pytest.mark.parametrize("target", [".git/refs/heads", ".git/news/_/runs", ".git"])
@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_nothing_is_written_into_the_folder_of_git(
    folder: Path, target: str, command: tuple[str, ...]
) -> None:
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / "build").symlink_to(target)
    before = sorted((folder / ".git").rglob("*"))
    done = news(*command)
    assert done.exit_code == 1 and f"is or is behind a symbolic link that leads to {target}" in done.output
    assert sorted((folder / ".git").rglob("*")) == before


def test_no_issue_is_created_in_the_folder_of_git(folder: Path) -> None:
    (folder / "issues").rename(folder / "docs")
    (folder / "issues").symlink_to(".git/refs/heads")
    done = news("new", "2026-05-04")
    assert done.exit_code == 1 and "leads to .git/refs/heads" in done.output
    assert [file.name for file in (folder / ".git" / "refs" / "heads").iterdir()] == ["main"]


def test_a_hidden_folder_that_the_user_names_is_written(folder: Path) -> None:
    assert news("render", "-o", ".build").exit_code == 0
    (folder / "issues").rename(folder / "docs")
    (folder / "issues").symlink_to("docs")
    assert skeleton.create(loader.load(folder, review=True).issues, date(2026, 5, 4)).exists()


@pytest.fixture
def home(tmp_path: Path, folder: Path) -> Path:
    """Return the folder around the newsletter, with a program and with a folder for temporary files."""
    for name in ("tmp/a", "bin/tool", "docs/sub/readme"):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.touch()
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.name == "tool" else 0o644)
    return tmp_path


def modes(folder: Path) -> dict[str, int]:
    private = folder / "letter" / ".git"  # the state is restricted
    return {
        str(path): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_relative_to(private)
    }


@pytest.mark.parametrize("others", [[], ["new"], ["new", "cur"]], ids=["tmp", "tmp-new", "all"])
def test_a_home_folder_is_no_outbox(folder: Path, home: Path, others: list[str]) -> None:
    for name in others:
        (home / name).mkdir(mode=0o755)
    add_setting(folder, "outbox: {path: ..}")
    before = modes(home)
    open_provider(loader.load(folder, {})).check()  # as `news doctor` does
    sent = send_test.send(folder, ISSUE, "ada@example.com", "outbox")
    after = modes(home)
    changed = {Path(path).relative_to(home).parts[:1] for path in before if before[path] != after[path]}
    if len(others) < 2:
        assert not sent["ok"] and "is no maildir" in sent["said"]
        assert after == before
    else:  # a maildir, as far as one can see: only its own folders are restricted
        assert changed == {(), ("tmp",), ("new",), ("cur",)}


@pytest.mark.parametrize("state", [OLD_STATE, ".git/news/_/env", ""])
def test_a_test_message_gives_the_state_to_no_other_list(folder: Path, state: str) -> None:
    if state == OLD_STATE:
        news("subscribers", "add", "ada@example.com")
        (folder / ".git" / "news" / "_" / "newsletter.json").unlink()
    elif state:
        (folder / state).parent.mkdir(parents=True)
        (folder / state).write_text(f"NEWS_SECRET_KEY={'0123456789abcdef' * 2}\n")
    own = (folder / "newsletter.yml").read_text()
    add_setting(folder, "list_id: other.example")
    assert send_test.send(folder, ISSUE, "ada@example.com", "outbox")["ok"]
    assert news("send", ISSUE, "--to", "ada@example.com", "--yes").exit_code == 0
    (folder / "newsletter.yml").write_text(own)
    assert news("subscribers", "add", "bo@example.com").exit_code == 0
    identity = json.loads((folder / ".git" / "news" / "_" / "newsletter.json").read_text())
    assert identity["list_id"] != "other.example"


def test_a_test_message_of_another_list_is_refused(folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    add_setting(folder, "list_id: other.example")
    with pytest.raises(NewsError, match="is the state of the list"):
        send_test.send(folder, ISSUE, "ada@example.com", "outbox")
