"""Private folders and files: their permissions, and writes that are complete or not there."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.disk.writing import create, replacing, write_atomically


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


# The system kills this process in the middle of its write.
KILLED = """
import resource, signal, sys
from pathlib import Path
from newsletter.disk.writing import create
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
create(Path(sys.argv[1]), b"x" * 1000)
"""


def test_a_new_file_is_whole_or_not_there_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "2026-05-04.yml"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(file)], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGXFSZ, killed.stderr
    assert not file.exists()
    create(file, b"content")
    assert file.read_bytes() == b"content"


@pytest.mark.parametrize("there", ["file", "link", "folder"])
def test_a_new_file_replaces_nothing(there: str, tmp_path: Path) -> None:
    file = tmp_path / "new"
    {"file": file.touch, "link": lambda: file.symlink_to("nowhere"), "folder": file.mkdir}[there]()
    with pytest.raises(FileExistsError):
        create(file, b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert not (tmp_path / "nowhere").exists()


def refuse_links(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse hard links in a folder named `exfat`, as that file system does; a hook stays for ever."""
    if event == "os.link" and "/exfat/" in str(arguments[0]):
        raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_file_system_without_hard_links_gets_new_files_too(tmp_path: Path) -> None:
    sys.addaudithook(refuse_links)
    file = tmp_path / "exfat" / "new"
    create(file, b"content")
    assert file.read_bytes() == b"content"
    with pytest.raises(FileExistsError):
        create(file, b"other")
    assert file.read_bytes() == b"content" and os.listdir(file.parent) == ["new"]


def test_a_failure_names_the_file_and_not_its_draft(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long") as failed:
        create(tmp_path / ("x" * 300), b"content")
    assert failed.value.filename == str(tmp_path / ("x" * 300)) and os.listdir(tmp_path) == []
