"""A run of GitHub Actions sends only the newest files of the default branch."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.errors import StateError, Unavailable
from newsletter.services.stale_run import stale_reason
from tests import repositories, samples

RUN = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The checkout of a run, whose origin is a bare repository with the default branch `main`."""
    repositories.repository(samples.write(tmp_path / "run"))
    repositories.git(tmp_path, "clone", "-q", "--bare", "run", "origin.git")
    repositories.git(tmp_path / "run", "remote", "add", "origin", str(tmp_path / "origin.git"))
    return tmp_path / "run"


def merge(folder: Path, file: str, content: str) -> str:
    """Merge a change of a file into the default branch; return its commit. The run's checkout stays."""
    other = folder.parent / "other"
    if not other.exists():
        repositories.git(folder.parent, "clone", "-q", "origin.git", "other")
    (other / file).parent.mkdir(parents=True, exist_ok=True)
    (other / file).write_text(content)
    repositories.commit(other)
    repositories.git(other, "push", "-q", "origin", "HEAD:main")
    return repositories.git(other, "rev-parse", "HEAD").strip()


def reason(folder: Path, **environment: str) -> str:
    return stale_reason(loader.load(folder, {}), {**RUN, **environment})


def test_the_run_of_the_newest_commit(folder: Path) -> None:
    assert reason(folder) == ""


def test_outside_of_github_actions_nothing_is_asked(folder: Path) -> None:
    repositories.git(folder, "remote", "remove", "origin")
    assert reason(folder, GITHUB_ACTIONS="") == ""


@pytest.mark.parametrize("file", ["issues/2026-04-27.yml", "templates/footer.txt.j2", "newsletter.yml"])
def test_a_file_that_changed_since(file: str, folder: Path) -> None:
    commit = merge(folder, file, "changed")
    changed = file.partition("/")[0]
    expected = (
        f"{changed} changed since the commit of this run; the run of commit {commit[:10]} sends what is due"
    )
    assert reason(folder) == expected


def test_another_file_that_changed_since(folder: Path) -> None:
    merge(folder, "README.md", "changed")
    assert reason(folder) == ""


def test_a_correction_that_was_undone(folder: Path) -> None:
    merge(folder, "newsletter.yml", "changed")
    merge(folder, "newsletter.yml", (folder / "newsletter.yml").read_text())
    assert reason(folder) == ""


def test_another_branch(folder: Path) -> None:
    for ref in ("refs/heads/draft", "refs/tags/main", "refs/pull/1/merge", ""):
        assert reason(folder, GITHUB_REF=ref) == (
            f"this run is of {ref}, and issues are sent from refs/heads/main only"
        )


def test_a_default_branch_of_another_name(folder: Path) -> None:
    origin = folder.parent / "origin.git"
    repositories.git(origin, "branch", "-m", "main", "letters")
    repositories.git(origin, "symbolic-ref", "HEAD", "refs/heads/letters")
    assert reason(folder, GITHUB_REF="refs/heads/letters") == ""
    assert reason(folder)


def test_a_newsletter_in_a_folder_of_its_repository(folder: Path) -> None:
    samples.write(folder / "b", extra="list_id: b.example.com\n")
    repositories.commit(folder)
    repositories.git(folder, "push", "-q", "origin", "HEAD:main")
    merge(folder, "issues/2026-04-27.yml", "changed: another newsletter")
    assert reason(folder / "b") == "" and reason(folder)
    merge(folder, "b/newsletter.yml", "changed")
    assert reason(folder / "b").startswith("b/newsletter.yml changed since")


def test_a_shallow_checkout(folder: Path) -> None:
    """actions/checkout fetches one commit only."""
    repositories.git(
        folder.parent, "clone", "-q", "--depth=1", f"file://{folder.parent}/origin.git", "shallow"
    )
    assert reason(folder.parent / "shallow") == ""
    merge(folder, "newsletter.yml", "changed")
    assert reason(folder.parent / "shallow")


def test_a_remote_that_gives_no_reply(folder: Path) -> None:
    (folder.parent / "origin.git").rename(folder.parent / "moved.git")
    with pytest.raises(Unavailable, match="does not say what its default branch holds now"):
        reason(folder)
    repositories.git(folder, "remote", "remove", "origin")
    with pytest.raises(StateError, match="has no remote `origin`"):
        reason(folder)


def news(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["-C", str(folder), *arguments], env={**RUN, "CI": "true"})


def test_a_stale_run_sends_nothing_and_succeeds(folder: Path) -> None:
    commit = merge(folder, "issues/2026-04-27.yml", samples.ISSUE.replace("Leek", "Leeks"))
    stale = news(folder, "send", "--ready", "--yes")
    assert stale.exit_code == 0
    assert stale.output == (
        "Nothing was sent: issues changed since the commit of this run; the run of commit "
        f"{commit[:10]} sends what is due.\n"
    )
    assert not (folder / "outbox").exists()


def test_a_run_that_cannot_ask_fails(folder: Path) -> None:
    (folder.parent / "origin.git").rename(folder.parent / "moved.git")
    failed = news(folder, "send", "--ready", "--yes")
    assert failed.exit_code == 1 and "GITHUB_TOKEN: ${{ github.token }}" in failed.stderr
