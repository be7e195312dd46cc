"""Test the journals: notes survive the end of the process, and are ignored after a reboot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.errors import StoreError
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.state.process_lock import is_locked
from newsletter.store import journal
from newsletter.store.journal import SendProcess

KILLED = """\
import os, sys
from pathlib import Path
from newsletter.sending.outcomes import Accepted, Refused
from newsletter.store.journal import SendProcess

process = SendProcess(Path(sys.argv[1]))
notes = process.journal("1-1")
notes.starting(1)
notes.finished(1, Accepted("250 queued"))
notes.starting(2)
notes.finished(2, Refused("550 no\\tsuch\\nuser"))
notes.starting(3)
print(process.name, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def killed(tmp_path: Path) -> str:
    """Return the name of a process that was killed (-9) in the middle of its third message."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "runs")]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def test_notes_survive_kill_9(tmp_path: Path, killed: str) -> None:
    with SendProcess(tmp_path / "runs") as process:
        assert process.is_dead(killed)
        assert process.notes(killed, "1-1") == {
            1: Accepted(),
            2: Refused(r"550 no\u0009such\u000auser"),
            3: None,
        }
        assert process.notes(killed, "1-7") is None, "a chunk without a journal has no notes"
        process.delete_notes(killed, "1-1")
        assert process.notes(killed, "1-1") is None
        assert not process.is_dead("another"), "a process without a folder on this machine may be alive"


def test_notes_of_another_boot_are_not_believed(tmp_path: Path, killed: str) -> None:
    (tmp_path / "runs" / killed / "alive").write_text("another boot")
    with SendProcess(tmp_path / "runs") as process:
        assert process.is_dead(killed)
        assert process.notes(killed, "1-1") is None


def test_half_a_note_is_none(tmp_path: Path, killed: str) -> None:
    file = tmp_path / "runs" / killed / "1-1"
    file.write_bytes(file.read_bytes() + b"3\taccep")
    with SendProcess(tmp_path / "runs") as process:
        assert (process.notes(killed, "1-1") or {})[3] is None


def test_processes_that_test_the_lock_at_the_same_time_all_see_the_end(tmp_path: Path, killed: str) -> None:
    alive = os.open(tmp_path / "runs" / killed / "alive", os.O_RDWR)
    try:
        assert not is_locked(alive)  # this test keeps the shared lock, as if it were interrupted here
        with SendProcess(tmp_path / "runs") as process:
            assert process.is_dead(killed)
    finally:
        os.close(alive)


def test_a_run_that_is_alive_has_not_died(tmp_path: Path) -> None:
    with SendProcess(tmp_path / "runs") as first, SendProcess(tmp_path / "runs") as second:
        assert not second.is_dead(first.name)


def test_a_run_that_ends_well_leaves_nothing(tmp_path: Path) -> None:
    with SendProcess(tmp_path / "runs") as process:
        notes = process.journal("1-1")
        notes.starting(1)
        notes.discard()
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_dead_are_cleared_away_once_they_have_nothing_to_say(tmp_path: Path, killed: str) -> None:
    folder = tmp_path / "runs" / killed
    with SendProcess(tmp_path / "runs"):
        os.utime(folder, (0, 0))
    with SendProcess(tmp_path / "runs") as process:
        assert folder.exists(), "its notes are needed"
        process.delete_notes(killed, "1-1")
    with SendProcess(tmp_path / "runs") as process:
        assert process.is_dead(killed), "its folder stays for a day"
        os.utime(folder, (0, 0))
    with SendProcess(tmp_path / "runs"):
        assert not folder.exists()


@pytest.mark.parametrize(
    "outcome", [Accepted(), Refused("no"), NotSent("later", stop=False), Unknown("lost")], ids=repr
)
def test_each_outcome_is_read_as_it_was_written(tmp_path: Path, outcome: Outcome) -> None:
    with SendProcess(tmp_path / "runs") as process:
        notes = process.journal("1-5")
        notes.starting(5)
        notes.finished(5, outcome)
        assert process.notes(process.name, "1-5") == {5: outcome}
        notes.discard()


def test_a_full_disk_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with SendProcess(tmp_path / "runs") as process:
        notes = process.journal("1-1")
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, notes._file)
        os.close(full)
        with pytest.raises(StoreError, match="No space left") as refused:
            notes.starting(1)
        assert refused.value.hint.startswith("make room on that disk")
        notes.discard()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        SendProcess(tmp_path / "runs")


def test_a_system_without_boot_ids_believes_no_notes(
    tmp_path: Path, killed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_BOOT_ID", tmp_path / "absent")
    with SendProcess(tmp_path / "runs") as process:
        assert process.notes(killed, "1-1") is None
        (tmp_path / "runs" / killed / "alive").write_text("")
        assert process.notes(killed, "1-1") is None


@pytest.mark.parametrize("line", ["garbage", "", "5\tbegun", "1e3\tbegun\t", "\udcff"])
def test_what_is_no_note_makes_all_of_them_none(line: str, tmp_path: Path, killed: str) -> None:
    file = tmp_path / "runs" / killed / "1-1"
    file.write_bytes(file.read_bytes() + line.encode(errors="surrogateescape") + b"\n")
    with SendProcess(tmp_path / "runs") as process:
        assert process.notes(killed, "1-1") is None
