"""Forks are normal processes, and the fork server ends with the tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.forks import Fork, ForkServer, run_fork_server


def started(forks: ForkServer, folder: Path, *arguments: str, **environment: str) -> tuple[Fork, Path]:
    output = folder / "output"
    with output.open("wb") as file:
        number = file.fileno()
        fork = forks.start(
            *arguments,
            folder=folder,
            output=number,
            errors=number,
            environment={"PATH": "/bin", **environment},
        )
    return fork, output


def test_a_program_has_its_own_output_environment_and_folder(forks: ForkServer, tmp_path: Path) -> None:
    statement = "import os; print(dict(os.environ), os.getcwd())"
    fork, output = started(forks, tmp_path, "timeit", "-n1", statement, WHO="me")
    assert fork.wait(60) == 0
    assert "'WHO': 'me'" in output.read_text() and str(tmp_path) in output.read_text()
    assert "HOME" not in output.read_text()


def test_codes_are_those_of_a_process_that_was_not_forked(forks: ForkServer, tmp_path: Path) -> None:
    for arguments in (["--version"], ["nonsense"], ["-C", "nowhere", "check"]):
        fork, output = started(forks, tmp_path, "newsletter", *arguments)
        command = [sys.executable, "-m", "newsletter", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (fork.wait(60), output.read_text()) == (done.returncode, done.stdout + done.stderr)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_goes_on_can_be_ended_by_a_signal(number: int, forks: ForkServer, tmp_path: Path) -> None:
    fork, _ = started(forks, tmp_path, "timeit", "-n1", "-r1", "-s", "import time", "time.sleep(60)")
    with pytest.raises(subprocess.TimeoutExpired):
        fork.wait(0.2)
    fork.send_signal(number)
    assert fork.wait(30) == -number


def test_a_worker_that_ends_in_the_middle_of_an_order_stops_no_other_one(
    forks: ForkServer, tmp_path: Path
) -> None:
    for order in (b"", b"{", b'{"module": "newsletter", '):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(forks.address)
            connection.sendall(order)
    fork, output = started(forks, tmp_path, "newsletter", "--version")
    assert fork.wait(60) == 0
    assert output.read_text().startswith("news, version ")


def test_a_fork_server_that_has_ended_is_told_at_once(tmp_path: Path) -> None:
    with run_fork_server() as address:
        pass
    with pytest.raises(AssertionError, match="the fork server has ended"):
        started(ForkServer(address), tmp_path, "newsletter", "--version")


def test_the_end_of_the_tests_ends_what_they_have_started(tmp_path: Path) -> None:
    with run_fork_server() as address:
        fork, _ = started(
            ForkServer(address), tmp_path, "timeit", "-n1", "-r1", "-s", "import time", "time.sleep(60)"
        )
    with pytest.raises(AssertionError, match="the fork server has ended"):
        fork.wait(60)
    with pytest.raises(ProcessLookupError):
        for _ in range(3000):
            os.kill(fork.pid, 0)
            time.sleep(0.01)
