"""Tests of the findings on the state: where it is, whose it is, its backup, and what Git tracks."""

import shlex
from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.doctor.secrets import secrets
from newsletter.doctor.setup import Setup
from newsletter.doctor.state import state
from newsletter.findings import Finding
from newsletter.store.database import Database
from tests import repositories, samples
from tests.doctor.findings import states
from tests.repositories import git


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(samples.write(tmp_path))
    return tmp_path


def findings(folder: Path, **environment: str) -> list[Finding]:
    return list(state(Setup.read(folder, environment)))


def test_outside_git(folder: Path) -> None:
    place, backup = findings(folder)
    assert (place.looked_at, place.state) == (".news", "ok")
    assert backup.state == "note" and backup.fix == "back up that folder: news state path"
    assert "a new clone has none of it" in backup.what


def test_in_a_repository(folder: Path) -> None:
    repositories.repository(folder)
    place, backup = findings(folder)
    assert (place.looked_at, place.state) == (".git/news/_", "ok") and "all work trees" in place.what
    assert "subscribers" in backup.what
    server = findings(folder, NEWS_DATABASE_URL="postgresql://127.0.0.1/news")[-1]
    assert "holds keys" in server.what
    (configured, _) = findings(folder, NEWS_STATE_DIR=f"{folder}/mine")
    assert configured.looked_at == "mine" and "NEWS_STATE_DIR names it" in configured.what
    (invalid,) = findings(folder, NEWS_STATE_DIR="mine")
    assert invalid.state == "error"


def test_a_state_that_waits_to_be_moved_is_examined_where_it_is(folder: Path) -> None:
    Database.open(loader.load(folder, {})).close()
    (folder / ".news" / "secret").write_text("a key for tests, and long enough\n")
    repositories.repository(folder)
    setup = Setup.read(folder, {})
    _, old, _ = state(setup)
    assert (old.looked_at, old.state) == (".news", "note") and "moves it to .git/news/_/" in old.what
    (key, *_) = [finding for finding in secrets(setup, (), True) if finding.looked_at == ".news/secret"]
    assert key.state == "ok"
    (unused,) = findings(folder, NEWS_STATE_DIR=f"{folder}/mine")[1:-1]
    assert "is not used" in unused.what
    assert (folder / ".news" / "secret").exists()


def test_a_dotenv_is_offered_the_move(folder: Path) -> None:
    repositories.repository(folder)
    (folder / ".env").write_text("SMTP_PASSWORD=hush\n")
    _, offer, _ = findings(folder)
    assert (offer.looked_at, offer.state) == (".env", "note")
    assert shlex.split(offer.fix.partition(": ")[2]) == [
        *("mkdir", "-p", "-m", "700", ".git/news/_", "&&"),
        *("mv", ".env", ".git/news/_/env"),
    ]
    (folder / ".git" / "news" / "_").mkdir(parents=True)
    assert findings(folder)[1].fix == "move it: mv .env .git/news/_/env"
    (folder / ".env").rename(folder / ".git" / "news" / "_" / "env")
    assert states(findings(folder)) == ["ok", "note"]
    setup = Setup.read(folder, {})
    assert setup.variables["SMTP_PASSWORD"].source == ".git/news/_/env"
    (folder / ".env").write_text("SMTP_PASSWORD=other\n")
    assert "move its lines to" in findings(folder)[1].fix
    (hidden,) = [
        finding for finding in secrets(Setup.read(folder, {}), (), True) if "differs" in finding.what
    ]
    assert hidden.what == "differs between .env and .git/news/_/env; that of .git/news/_/env is used"


def test_another_lists_state_is_an_error(folder: Path) -> None:
    Database.open(loader.load(folder, {})).close()
    samples.write(folder, extra="list_id: other.example.com\n")
    _, other, _ = findings(folder)
    assert other.state == "error" and "is the state of the list" in other.what


def test_files_that_git_tracks_are_errors_and_are_not_read(folder: Path) -> None:
    for name in (".news", "outbox"):
        (folder / name).mkdir()
        (folder / name / "x").write_text("")
    (folder / ".env").write_text("SMTP_PASSWORD=theirs\n")
    repositories.repository(folder)
    setup = Setup.read(folder, {})
    errors = [finding.looked_at for finding in state(setup) if finding.state == "error"]
    errors += [finding.looked_at for finding in secrets(setup, (), True) if finding.state == "error"]
    assert sorted(errors) == [".env", ".news", "outbox"]
    assert setup.variables["SMTP_PASSWORD"].state == "not set"
    git(folder, "rm", "-rq", "--cached", ".news", "outbox", ".env")
    assert "error" in states(findings(folder))  # still in the last commit
    git(folder, "commit", "-qm", "Remove private files")
    assert "error" not in states(findings(folder))
