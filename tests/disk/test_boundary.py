"""Lists of files below a folder, and the boundary of a newsletter."""

from pathlib import Path

import pytest

from newsletter.disk.boundary import entries, every_entry, refuse_outside, root_of


def test_links_are_listed_and_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "letter" / "templates"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "root").symlink_to("/")
    (folder / "self").symlink_to("self")
    names = {
        Path(entry.path).relative_to(folder).as_posix() for entry in entries(folder, tmp_path / "letter")
    }
    assert names == {"sub", "sub/loop", "root", "self"}


def test_a_folder_outside_or_missing_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "letter").mkdir()
    (tmp_path / "letter" / "issues").symlink_to("/")
    for name in ("issues", "templates"):
        assert list(entries(tmp_path / "letter" / name, tmp_path / "letter")) == []


def test_the_number_of_entries_is_limited(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
    assert len(list(entries(tmp_path, tmp_path, limit=2))) == 2


@pytest.mark.parametrize(
    ("path", "is_inside"),
    [
        ("letter/issues/a.yml", True),
        ("letter/linked/a.yml", True),
        ("back/issues/a.yml", True),
        ("issues-link/a.yml", True),
        ("letter/../other/a.yml", False),
        ("other/a.yml", False),
    ],
)
def test_a_path_through_the_newsletter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, is_inside: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("letter/issues").mkdir(parents=True)
    Path("other").mkdir()
    Path("letter/linked").symlink_to("../other")
    Path("back").symlink_to("letter")
    Path("issues-link").symlink_to("letter/issues")
    assert root_of(Path(path), Path("letter")) == (Path("letter") if is_inside else None)


def test_a_path_without_a_boundary_is_permitted() -> None:
    refuse_outside(Path("/dev/null"), None)


def test_a_folder_of_every_entry_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert sorted(entry.name for entry in every_entry(tmp_path)) == ["a", "file", "link"]
    assert list(every_entry(tmp_path / "none")) == []
    with pytest.raises(NotADirectoryError):
        list(every_entry(tmp_path / "a" / "file"))
