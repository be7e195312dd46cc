"""Private folders and files: their permissions, and writes that are complete or not there."""

import stat
from pathlib import Path

import pytest

from newsletter.disk.writing import replacing, write_atomically


def test_a_file_is_written_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "key"
    write_atomically(file, b"content")
    assert file.read_bytes() == b"content" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("replace", "expected"), [(False, b"first"), (True, b"second")])
def test_a_file_that_is_there_stays_or_is_replaced(tmp_path: Path, replace: bool, expected: bytes) -> None:
    file = tmp_path / "key"
    for content in (b"first", b"second"):
        write_atomically(file, content, replace=replace)
    assert file.read_bytes() == expected
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_get_its_name_leaves_nothing_behind(tmp_path: Path) -> None:
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "key", b"content", draft=drafts / "key")
    assert list(drafts.iterdir()) == []


def test_a_draft_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "draft").symlink_to("other")
    write_atomically(tmp_path / "key", b"content", draft=tmp_path / "draft")
    assert (tmp_path / "other").read_bytes() == b"other"
    assert (tmp_path / "key").read_bytes() == b"content" and not (tmp_path / "key").is_symlink()


def test_a_file_is_unchanged_until_all_is_written(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(file, private=True) as handle:
        handle.write(b"new")
        handle.flush()
        raise KeyboardInterrupt
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]
