"""Tests of the move of `.news/` out of the work tree: no kill and no second process loses anything."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import StateError
from newsletter.state import process_lock
from newsletter.state.location import StateLocation, locate
from newsletter.state.migration import move_old_state
from newsletter.store.database import Database
from tests import killed_move, repositories, samples
from tests.killed_move import FILES, ROWS
from tests.repositories import git

ROOT = Path(__file__).parents[2]


@pytest.fixture
def location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateLocation:
    """Return the location of a newsletter whose state is still in `.news/`."""
    repositories.repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    state = tmp_path / ".news"
    state.mkdir()
    (state / ".gitignore").write_text("*\n")
    (state / "secret").write_text("a key")
    return locate(tmp_path)


def refused(location: StateLocation) -> str:
    with pytest.raises(StateError) as raised:
        move_old_state(location)
    (problem,) = raised.value.problems
    assert problem.fix
    return f"{problem.where}: {problem.what}"


@pytest.mark.parametrize("way", ["rename", "copy"])
def test_a_kill_at_any_call_loses_nothing(way: str, tmp_path: Path, every_case: bool) -> None:
    step = 1 if every_case or way == "rename" else 13
    command = [sys.executable, "-m", "tests.killed_move", way, str(step), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(cases) > 5 and [case["killed"] for case in cases] == [-9] * (len(cases) - 1) + [0]
    whole = {"old": False, "files": list(FILES), "rows": [list(row) for row in ROWS]}
    for number, case in enumerate(cases, 1):
        assert case["code"] == 0 and case.items() >= whole.items(), (number, case)
        assert case["left"] == ["%lock", ".gitignore"], (number, case)


def test_a_second_process_waits_and_finds_the_state_moved(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from tests import killed_move\n"
        "for number in range(4):\n"
        "    location = killed_move.newsletter(Path(sys.argv[1], str(number)))\n"
        "    way = ('rename', 'copy')[number % 2]\n"
        "    if (other := os.fork()) == 0:\n"
        "        code, said = killed_move.in_fork(location, way)\n"
        "        os._exit(2 * code + bool(said))\n"
        "    code, said = killed_move.in_fork(location, way)\n"
        "    others = os.waitstatus_to_exitcode(os.waitpid(other, 0)[1])\n"
        "    assert (code, bool(said) + others) == (0, 1), (said, others)\n"
        "    assert killed_move.result(location)['rows'] == killed_move.ROWS\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=True, timeout=60)


def test_the_move_is_said_once(location: StateLocation) -> None:
    said = move_old_state(location)
    assert said == (
        "moved this newsletter's state from .news/ to .git/news/_/, where no checkout overwrites it"
    )
    assert move_old_state(location) is None
    assert (location.folder / "secret").read_text() == "a key" and not location.old.exists()


def test_secrets_and_results_that_are_there_already_stay(location: StateLocation) -> None:
    location.folder.mkdir(parents=True)
    location.env.write_text("SMTP_PASSWORD=hush")
    (location.folder / "links.json").write_text("{}")
    assert move_old_state(location)
    assert {file.name for file in location.folder.iterdir()} == {".gitignore", "secret", "env", "links.json"}
    assert location.env.read_text() == "SMTP_PASSWORD=hush"


def test_a_cache_alone_is_no_state(location: StateLocation) -> None:
    (location.old / "secret").unlink()
    (location.old / "links.json").write_text("{}")
    assert move_old_state(location) is None
    assert not location.old.exists() and not location.folder.exists()


@pytest.mark.parametrize("name", ["news.db", "secret", "newsletter.json", "runs"])
def test_two_states_are_not_mixed(location: StateLocation, name: str) -> None:
    location.folder.mkdir(parents=True)
    (location.folder / name).write_text("in use")
    assert refused(location) == ".news: holds a state, and .git/news/_ holds one too, which is in use"
    assert (location.old / "secret").read_text() == "a key"
    assert (location.folder / name).read_text() == "in use"


def test_a_new_old_state_does_not_replace_the_copied_one(location: StateLocation) -> None:
    location.moving.mkdir(parents=True)
    (location.moving / "%source").write_text("1 2")
    assert "holds one that was being moved" in refused(location)
    assert (location.old / "secret").read_text() == "a key" and location.moving.exists()


@pytest.mark.skipif(not process_lock.HAS_LOCKS, reason="no locks")
def test_a_running_send_keeps_its_state(location: StateLocation) -> None:
    alive = location.old / "runs" / "somewhere_1_abcd" / "alive"
    alive.parent.mkdir(parents=True)
    file = os.open(alive, os.O_RDWR | os.O_CREAT)
    process_lock.lock(file)
    assert refused(location) == ".news: is in use: a process is sending with it"
    os.close(file)
    assert move_old_state(location)


def test_a_copy_waits_for_no_writer(location: StateLocation, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_file_system(source: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    with closing(sqlite3.connect(location.old / "news.db", isolation_level=None)) as connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute("begin immediate")
        with pytest.raises(StateError, match="another process writes to it"):
            move_old_state(location, rename=other_file_system, busy_seconds=0.05)
        connection.execute("rollback")
    assert move_old_state(location, rename=other_file_system)
    assert (location.folder / "news.db").exists()


def test_a_damaged_database_is_moved_as_it_is(location: StateLocation) -> None:
    (location.old / "news.db").write_text("no database at all, " * 100)
    assert move_old_state(location, rename=killed_move._other_file_system)
    assert (location.folder / "news.db").read_text() == "no database at all, " * 100


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_folder_is_left_alone(location: StateLocation, kind: str, tmp_path: Path) -> None:
    location.old.rename(tmp_path / "elsewhere")
    if kind == "link":
        location.old.symlink_to(tmp_path / "elsewhere")
    else:
        location.old.write_text("")
    assert refused(location) == ".news: is not a folder"
    assert (tmp_path / "elsewhere" / "secret").exists()


def test_outside_git_and_with_a_configured_folder_nothing_moves(tmp_path: Path) -> None:
    (tmp_path / ".news").mkdir()
    (tmp_path / ".news" / "secret").write_text("a key")
    for location in (locate(tmp_path), locate(tmp_path, str(tmp_path / "state"))):
        assert move_old_state(location) is None
    assert (tmp_path / ".news" / "secret").exists()


def test_a_state_of_an_earlier_version_in_another_work_tree_is_not_forgotten(tmp_path: Path) -> None:
    """An empty state, made from another work tree, would take the place of the list and the ledger."""
    main = samples.write(tmp_path / "main")
    Database.open(loader.load(main, {})).close()
    assert (main / ".news" / "news.db").exists()
    repositories.repository(main)
    git(main, "worktree", "add", "-q", str(tmp_path / "other"))
    with pytest.raises(StateError, match=r"main/\.news: holds the state of this newsletter"):
        Database.open(loader.load(tmp_path / "other", {}))
    assert loader.load(main, {}).notices
    Database.open(loader.load(tmp_path / "other", {})).close()
