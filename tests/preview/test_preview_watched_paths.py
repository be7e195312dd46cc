"""Tests of the paths that the preview watches, without a watch."""

import os
from pathlib import Path

import pytest

from newsletter.preview.watched_paths import find

EMPTY = ("newsletter.yml", "issues", "templates", "pictures")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a newsletter's folder, which has folders and files of other purposes, beside another folder."""
    folder = tmp_path.resolve() / "letter"
    for name in ("issues", "templates", "drafts/old", "outbox/new", "shared/deep/.hidden", ".git/objects"):
        (folder / name).mkdir(parents=True)
    for name in ("newsletter.yml", "issues/2026-01-05.yml", "drafts/a.yml", "templates/footer.mjml.j2"):
        (folder / name).touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/back").symlink_to(folder / "drafts")
    return folder


def watched(folder: Path, name: str | None = None) -> tuple[set[str], set[str]]:
    """Return the watched folders and files, relative to `folder`, without those of an empty newsletter."""
    found = find(folder, name)

    def inside(paths: frozenset[Path]) -> set[str]:
        return {os.path.relpath(path, folder) for path in paths if path.is_relative_to(folder.parent)}

    return inside(found.folders) - set(EMPTY), inside(found.files) - set(EMPTY)


@pytest.mark.parametrize(
    ("link", "target", "folders", "files"),
    [
        pytest.param("issues/b.yml", "../drafts/a.yml", "", "issues/b.yml drafts/a.yml", id="issue"),
        pytest.param("issues/b.yml", "{}/drafts/a.yml", "", "issues/b.yml drafts/a.yml", id="absolute"),
        pytest.param("issues/b.yml", "../new/a.yml", "", "issues/b.yml new/a.yml", id="target-to-come"),
        pytest.param("issues/b.yml", "b.yml", "", "issues/b.yml", id="loop"),
        pytest.param("issues/b.yml", "../../outside/a", "", "issues/b.yml", id="outside"),
        pytest.param("issues/b.yml", "/etc/passwd", "", "issues/b.yml", id="system"),
        pytest.param("issues/b.yml", "../../letter-2/a.yml", "", "issues/b.yml", id="name-that-begins-alike"),
        pytest.param(
            "issues/b.yml", "../../outside/back/a.yml", "", "issues/b.yml drafts/a.yml", id="out-and-back"
        ),
        pytest.param(
            "templates/x",
            "../shared",
            "shared shared/deep shared/deep/.hidden",
            "templates/x shared",
            id="folder",
        ),
        pytest.param("templates/x", "../outside", "", "templates/x outside", id="folder-to-come"),
        pytest.param("templates/x", "../../outside", "", "templates/x", id="folder-outside"),
        pytest.param("templates/x", "..", ".", "templates/x", id="up-adds-nothing-beside"),
        pytest.param("templates/x", "../.git", ".git", "templates/x .git", id="hidden-has-no-templates"),
        pytest.param("templates/x", ".", "", "templates/x", id="itself"),
    ],
)
def test_links_are_followed_inside_the_folder(
    folder: Path, link: str, target: str, folders: str, files: str
) -> None:
    (folder / link).symlink_to(target.format(folder))
    assert watched(folder) == (set(folders.split()), set(files.split()))


def test_a_chain_of_links_is_watched_at_each_link(folder: Path) -> None:
    for link, target in (("one", "drafts"), ("two", "one/old/.."), ("issues/b.yml", "../two/a.yml")):
        (folder / link).symlink_to(target)
    assert watched(folder)[1] == {"issues/b.yml", "two", "one", "drafts/a.yml"}


@pytest.mark.parametrize("root", ["issues", "templates", "pictures"])
def test_a_linked_folder_may_be_moved(folder: Path, root: str) -> None:
    (folder / "moved").mkdir()
    if (folder / root).exists():
        (folder / root).rename(folder / "moved")
    (folder / root).symlink_to("moved")
    assert watched(folder) == ({"moved"}, {"moved"})
    assert find(folder).movable >= {folder / root, folder / "moved"}


def test_a_folder_that_appears_changes_what_is_watched(folder: Path) -> None:
    (folder / "issues/b.yml").symlink_to("../new/a.yml")
    before = find(folder)
    (folder / "new").mkdir()
    assert find(folder) != before and folder / "new" in find(folder).parents


def test_a_file_that_was_named_is_followed_everywhere_unless_it_is_of_the_newsletter(folder: Path) -> None:
    outside = folder.parent / "outside"
    (outside / "a.yml").symlink_to("b.yml")
    assert watched(folder, str(outside / "a.yml"))[1] == {"../outside/a.yml", "../outside/b.yml"}
    (folder / "drafts/b.yml").symlink_to(outside / "a.yml")
    assert watched(folder, str(folder / "drafts/b.yml"))[1] == {"drafts/b.yml"}


def test_pictures_that_come_later_are_watched(folder: Path) -> None:
    before = find(folder)
    assert before.are_relevant([folder / "pictures"])
    (folder / "pictures/may").mkdir(parents=True)
    (folder / "pictures/may/b.png").symlink_to("../../drafts/b.png")
    found = find(folder)
    assert found != before
    assert found.are_relevant([folder / "pictures/may/a.png"]) and found.are_relevant(
        [folder / "drafts/b.png"]
    )


def test_a_change_beside_a_linked_file_is_not_relevant(folder: Path) -> None:
    (folder / "issues/b.yml").symlink_to("../drafts/a.yml")
    found = find(folder)
    assert folder / "drafts" in found.parents
    assert found.are_relevant([folder / "drafts/a.yml"])
    assert not found.are_relevant([folder / "drafts/other.yml", folder / "outbox/new/mail.eml"])
