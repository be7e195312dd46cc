"""Test that a program is killed with its children wherever Ctrl-C or a time-out comes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from newsletter.limits.child_program import child_program

# A shell that ignores signals; its child holds the pipe of the output.
STALL = ("sh", "-c", "trap '' INT TERM; sleep 300 & echo $$ $!; sleep 300")


def wait_until_they_end(pids: list[str]) -> None:
    deadline = time.monotonic() + 30
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "a program still runs"
        time.sleep(0.01)


def is_running(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_program_that_still_runs_is_killed_with_its_children() -> None:
    with pytest.raises(subprocess.TimeoutExpired), child_program(STALL, stdout=subprocess.PIPE) as process:
        assert process.stdout
        pids = process.stdout.readline().decode().split()
        process.communicate(timeout=0.1)
    assert len(pids) == 2 and process.returncode == -9 and process.stdout.closed
    wait_until_they_end(pids)


def test_what_a_program_leaves_behind_is_not_killed() -> None:
    """Git may leave the master of shared SSH connections behind."""
    command = ("sh", "-c", "sleep 300 >/dev/null & echo $!")
    with child_program(command, stdout=subprocess.PIPE) as process:
        output, _ = process.communicate(timeout=30)
    pid = output.decode().strip()
    assert is_running(pid)
    subprocess.run(["kill", pid], check=True)


def test_a_program_that_cannot_be_started() -> None:
    with pytest.raises(FileNotFoundError), child_program(["/absent"]):
        pytest.fail("it was started")


CTRL_C_DURING_THE_START = """
import os, signal, subprocess, sys, threading, time
from newsletter.limits.child_program import child_program

class Popen(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        print(self.pid, flush=True)
        for _ in range(int(sys.argv[1])):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

subprocess.Popen = Popen
try:
    with child_program(["sleep", "300"]):
        time.sleep(300)
finally:
    time.sleep(0.5)  # the program ends later, for example after it has saved what was sent
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_a_program_is_started(times: int) -> None:
    command = [sys.executable, "-c", CTRL_C_DURING_THE_START, str(times)]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert b"KeyboardInterrupt" in done.stderr
    wait_until_they_end([done.stdout.decode().strip()])
