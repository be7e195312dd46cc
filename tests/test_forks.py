"""Forks are normal processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forks import Fork, Forks


def started(forks: Forks, folder: Path, *arguments: str, **environment: str) -> tuple[Fork, Path]:
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


def test_a_program_has_its_own_output_environment_and_folder(forks: Forks, tmp_path: Path) -> None:
    statement = "import os; print(dict(os.environ), os.getcwd())"
    fork, output = started(forks, tmp_path, "timeit", "-n1", statement, WHO="me")
    assert fork.wait(60) == 0
    assert "'WHO': 'me'" in output.read_text() and str(tmp_path) in output.read_text()
    assert "HOME" not in output.read_text()


def test_codes_are_those_of_a_process_that_was_not_forked(forks: Forks, tmp_path: Path) -> None:
    for arguments in (["--version"], ["nonsense"], ["-C", "nowhere", "check"]):
        fork, output = started(forks, tmp_path, "newsletter", *arguments)
        command = [sys.executable, "-m", "newsletter", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (fork.wait(60), output.read_text()) == (done.returncode, done.stdout + done.stderr)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_goes_on_can_be_ended_by_a_signal(number: int, forks: Forks, tmp_path: Path) -> None:
    fork, _ = started(forks, tmp_path, "timeit", "-n1", "-r1", "-s", "import time", "time.sleep(60)")
    with pytest.raises(subprocess.TimeoutExpired):
        fork.wait(0.2)
    fork.send_signal(number)
    assert fork.wait(30) == -number
