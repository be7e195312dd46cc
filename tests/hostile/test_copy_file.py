"""The file of a copied list: its printed URL names the same file, and no commit publishes it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import samples


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("CI", "NEWS_DATABASE_URL", "NEWS_DATABASE_URL_TO"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(samples.write(tmp_path / "soup"))
    assert news("subscribers", "add", "ada@example.com").exit_code == 0
    return tmp_path / "soup"


def news(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    "name",
    [
        "a%20b.db",
        "a?mode=ro.db",
        "a?mode=memory",
        "a b #c.db ",
        "a${HOME}$HOME'\"\\`.db",
        "é+&=;@:.db",
        "a\nb.db",
        "file:x.db",
        ":memory:",
        "%00.db",
    ],
)
def test_the_printed_line_names_the_file_of_the_copy(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    copied = news("db", "copy", "--to", str(tmp_path / name), "--yes")
    assert copied.exit_code == 0, copied.output
    line = next(line.strip() for line in copied.output.splitlines() if "NEWS_DATABASE_URL=" in line)
    Path(news("state", "path").output.strip(), "env").write_text(f"{line}\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    listed = news("subscribers", "list")
    assert "ada@example.com" in listed.output
    assert {path.name for path in tmp_path.iterdir()} <= {*before, f"{name}-wal", f"{name}-shm"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda file: os.fsdecode(b"\xff.db"), "NEWS_DATABASE_URL cannot name", id="encoding"),
        pytest.param(
            lambda file: file.symlink_to("nothing"), "link to a file that does not exist", id="link"
        ),
        pytest.param(lambda file: file.symlink_to(file.name), "link to a file that does not", id="circle"),
        pytest.param(lambda file: "", "no file is named", id="empty"),
        pytest.param(lambda file: ".", "is a folder", id="point"),
        pytest.param(lambda file: "..", "is a folder", id="above"),
        pytest.param(lambda file: "/", "is a folder", id="root"),
        pytest.param(lambda file: os.mkfifo(file), "is not a regular file", id="pipe"),
        pytest.param(lambda file: "x" * 300, "File name too long", id="long"),
    ],
)
def test_what_cannot_be_the_file_is_refused_before_the_question(
    folder: Path, make: Callable[[Path], str | None], words: str
) -> None:
    named = make(folder / "new.db")
    before = sorted(folder.iterdir())
    refused = news("db", "copy", "--to", "new.db" if named is None else named, "--yes")
    assert refused.exit_code == 1 and words in refused.output
    assert "From: " not in refused.output
    assert sorted(folder.iterdir()) == before
    assert "ada@example.com" in news("subscribers", "list").output


@pytest.mark.parametrize(
    ("ignored", "accepted"),
    [(None, False), ("*.db\n", False), ("*.db*\n!wt.db\n", False), ("wt.db*\n", True), ("*.db*\n", True)],
)
def test_a_file_that_git_would_add_is_refused(folder: Path, ignored: str | None, accepted: bool) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    if ignored:
        (folder / ".gitignore").write_text(ignored)
    copied = news("db", "copy", "--to", "wt.db", "--yes")
    assert (copied.exit_code == 0) == accepted, copied.output
    if not accepted:
        assert "wt.db: error: is in a Git repository that does not ignore it" in copied.output
        assert not (folder / "wt.db").exists() and news("subscribers", "list").exit_code == 0


def test_a_link_from_outside_into_a_repository_is_followed_to_its_file(folder: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "wt.db").touch()
    (tmp_path / "link.db").symlink_to(folder / "wt.db")
    refused = news("db", "copy", "--to", str(tmp_path / "link.db"), "--yes")
    assert refused.exit_code == 1 and "does not ignore it" in refused.output


def test_the_state_in_a_repository_is_a_target(folder: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    assert news("db", "copy", "--to", str(tmp_path / "new.db"), "--yes").exit_code == 0
    state = Path(news("state", "path").output.strip())
    (state / "env").write_text(f"NEWS_DATABASE_URL=sqlite:///{tmp_path}/new.db\n")
    back = news("db", "copy", "--to", str(state / "news.db"), "--yes")
    assert back.exit_code == 0, back.output
