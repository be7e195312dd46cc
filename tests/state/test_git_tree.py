"""Tests of the files of a commit, with real repositories."""

import hashlib
from pathlib import Path

import pytest

from newsletter.errors import Unavailable
from newsletter.state.git_tree import blob_id, find_commit
from tests import repositories
from tests.repositories import git


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a repository with one commit on `main`."""
    (tmp_path / "issues").mkdir()
    (tmp_path / "issues" / "a b.yml").write_text("one\n")
    (tmp_path / "issues" / "link.yml").symlink_to("a b.yml")
    return repositories.repository(tmp_path)


def test_the_files_of_a_commit(folder: Path) -> None:
    commit = find_commit(folder, "main")
    file = folder / "issues" / "a b.yml"
    assert commit.files(folder / "issues", folder / "newsletter.yml") == {file: blob_id(b"one\n", commit.id)}
    assert commit.content(commit.files(folder)[file], 100) == b"one\n"
    assert commit.content(commit.files(folder)[file], 2) == b"on"


@pytest.mark.parametrize("name", ["HEAD^", "main", "c9"])
def test_the_base_is_the_common_ancestor(folder: Path, name: str) -> None:
    first = git(folder, "rev-parse", "HEAD").strip()
    git(folder, "switch", "-qc", "branch")
    repositories.commit(folder)
    git(folder, "switch", "-q", "main")
    git(folder, "tag", "c9")
    (folder / "newer").touch()
    repositories.commit(folder)
    git(folder, "switch", "-q", "branch")
    assert find_commit(folder, name).id == first


def test_the_base_of_a_shallow_merge_is_its_first_parent(folder: Path, tmp_path: Path) -> None:
    git(folder, "switch", "-qc", "branch")
    repositories.commit(folder)
    git(folder, "switch", "-q", "main")
    (folder / "newer").touch()
    repositories.commit(folder)
    tip = git(folder, "rev-parse", "HEAD").strip()
    git(folder, "merge", "-q", "--no-edit", "branch")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{folder}", str(clone))
    assert find_commit(clone, "HEAD^").id == tip
    with pytest.raises(Unavailable, match="there is no such commit in this clone") as refused:
        find_commit(clone, "HEAD^^^")
    assert "fetch it" in refused.value.hint


def test_a_commit_without_a_common_ancestor_is_itself_the_base(folder: Path) -> None:
    git(folder, "switch", "-q", "--orphan", "other")
    repositories.commit(folder)
    assert find_commit(folder, "main").id == git(folder, "rev-parse", "main").strip()


def test_a_repository_with_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256", "--template=")
    (tmp_path / "file").write_text("one\n")
    repositories.commit(tmp_path)
    commit = find_commit(tmp_path, "main")
    assert len(commit.id) == 64
    assert commit.files(tmp_path / "file") == {
        tmp_path / "file": hashlib.sha256(b"blob 4\0one\n").hexdigest()
    }


@pytest.mark.parametrize("name", ["", "--output=pwned", "no\nname", "unknown", "0" * 40, "main:issues"])
def test_a_name_that_means_no_commit_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(Unavailable):
        find_commit(folder, name)
    assert not (folder / "pwned").exists()


def test_a_content_that_is_not_in_the_clone_is_refused(folder: Path) -> None:
    commit = find_commit(folder, "main")
    with pytest.raises(Unavailable, match="its files cannot be read"):
        commit.content("0" * 40, 100)


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="not in a Git repository"):
        find_commit(tmp_path, "main")
