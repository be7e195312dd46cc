"""Tests of the place of the state: in Git's folder, in `.news/`, or in NEWS_STATE_DIR."""

from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import StateError
from newsletter.state.location import folder_name, locate
from newsletter.store import inspection
from newsletter.store.database import Database
from tests import repositories, samples
from tests.repositories import git

OTHER = "list_id: other.example.com\n"


def used(folder: Path) -> Path:
    """Use the state of a newsletter once; return its folder."""
    newsletter = loader.load(folder, {})
    Database.open(newsletter).close()
    return newsletter.state


def test_outside_git_the_state_is_in_the_newsletters_folder(tmp_path: Path) -> None:
    assert used(samples.write(tmp_path)) == tmp_path / ".news"


def test_in_a_repository_the_work_tree_stays_as_it_is(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path))
    state = used(tmp_path)
    assert state == tmp_path / ".git" / "news" / "_" and (state / "news.db").exists()
    assert git(tmp_path, "status", "--short", "--ignored") == ""
    git(tmp_path, "gc", "-q", "--prune=now")
    git(tmp_path, "fsck", "--strict")
    assert (state / "news.db").exists()


def test_two_newsletters_in_one_repository_have_two_states(tmp_path: Path) -> None:
    samples.write(tmp_path / "weekly")
    samples.write(tmp_path / "weekly" / "runs", extra=OTHER)  # its name is that of a folder in a state
    repositories.repository(tmp_path)
    states = [used(tmp_path / "weekly"), used(tmp_path / "weekly" / "runs")]
    assert [state.name for state in states] == ["weekly", "weekly%2Fruns"]
    assert all(state.parent == tmp_path / ".git" / "news" for state in states)
    assert not (states[0] / "runs").exists()
    for state in states:
        assert inspection.contents(None, state, 5).subscribers == 0


def test_two_work_trees_share_the_state(tmp_path: Path) -> None:
    main = repositories.repository(samples.write(tmp_path / "main" / "weekly").parent)
    git(main, "worktree", "add", "-q", "../other")
    assert used(main / "weekly") == used(tmp_path / "other" / "weekly") == main / ".git" / "news" / "weekly"


def test_a_submodule_has_its_state_in_its_own_git_folder(tmp_path: Path) -> None:
    source = repositories.repository(samples.write(tmp_path / "source"))
    outer = repositories.repository(tmp_path / "outer")
    git(outer, "submodule", "--quiet", "add", str(source), "letter")
    assert used(outer / "letter") == outer / ".git" / "modules" / "letter" / "news" / "_"


def test_a_separate_git_folder(tmp_path: Path) -> None:
    folder = samples.write(tmp_path / "letter")
    git(folder, "init", "-q", "--separate-git-dir", str(tmp_path / "elsewhere"))
    assert used(folder) == tmp_path / "elsewhere" / "news" / "_"


def test_a_link_to_the_newsletter_leads_to_the_same_state(tmp_path: Path) -> None:
    folder = samples.write(tmp_path / "repository" / "weekly")
    repositories.repository(folder.parent)
    (tmp_path / "link").symlink_to(folder)
    assert used(tmp_path / "link") == used(folder)


def test_a_configured_folder_comes_first(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path / "letter"))
    newsletter = loader.load(tmp_path / "letter", {"NEWS_STATE_DIR": str(tmp_path / "state")})
    Database.open(newsletter).close()
    assert newsletter.state == tmp_path / "state" and (tmp_path / "state" / "news.db").exists()


@pytest.mark.parametrize("value", ["state", "./state", "~/state", "/a\nb"])
def test_a_configured_folder_is_absolute(value: str, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="NEWS_STATE_DIR is not an absolute path"):
        loader.load(samples.write(tmp_path), {"NEWS_STATE_DIR": value})


def test_a_branch_cannot_configure_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"NEWS_STATE_DIR={tmp_path / 'theirs'}\n")
    assert used(samples.write(tmp_path)) == tmp_path / ".news"


def test_every_path_has_a_name_of_its_own() -> None:
    long = "a" * 150 + "/" + "b" * 150
    paths = [".", "_", "%5F", "a", "a/b", "a%2Fb", "a%252Fb", "%", "ä/ß", long, long + "c", ".news"]
    found = [folder_name(path) for path in paths]
    assert len(set(found)) == len(paths) and found[:2] == ["_", "%5F"]
    assert not [name for name in found if "/" in name or len(name.encode()) > 255]
    assert not [name for name in found if name.startswith(("%lock", "%moved", "%copying"))]


def test_the_place_before_the_first_use(tmp_path: Path) -> None:
    assert locate(tmp_path).readable == tmp_path / ".news"
    repositories.repository(tmp_path)
    assert locate(tmp_path).readable == tmp_path / ".git" / "news" / "_"
    (tmp_path / ".news").mkdir()
    (tmp_path / ".news" / "secret").write_text("a key")
    assert locate(tmp_path).readable == tmp_path / ".news"
