"""Every command on a system without POSIX's modules and functions works, or names an alternative.

The test process hides the parts that Windows lacks, after it has loaded the standard library, which does not
need them on Windows.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import samples

HIDING = """\
import asyncio, http.client, logging, multiprocessing, os, pathlib, shutil, signal, socket, sqlite3, ssl
import subprocess, sys, tempfile, uuid, webbrowser

for name in ("fcntl", "grp", "pwd", "pty", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
for name in (
    "chown fchmod fchown fork forkpty getegid geteuid getgid getpgid getpgrp getsid getuid initgroups killpg "
    "lchown mkfifo nice sched_getaffinity setgid setpgid setsid setuid statvfs sysconf uname wait3 wait4 "
    "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_SYNC"
).split():
    if hasattr(os, name):
        delattr(os, name)
for name in "SIGALRM SIGCHLD SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGUSR2 SIGWINCH".split():
    delattr(signal, name)
"""

COMMANDS = (
    HIDING
    + """\
import json
from click.testing import CliRunner
from newsletter.cli.main import main

for line in sys.stdin:
    done = CliRunner().invoke(main, json.loads(line))
    failure = "" if done.exception is None or isinstance(done.exception, SystemExit) else repr(done.exception)
    print(json.dumps([done.exit_code, done.output, failure]), flush=True)
"""
)

NEWS = HIDING + "from newsletter.cli.main import run\nrun()\n"

WORKING = [
    ("new", "2026-05-04"),
    ("check", "2026-04-27"),
    ("render", "2026-04-27"),
    ("schema",),
    ("doctor", "--offline"),
    ("subscribers", "import", "list.csv"),
    ("subscribers", "add", "bo@example.com"),
    ("subscribers", "remove", "bo@example.com"),
    ("subscribers", "list"),
    ("status",),
    ("status", "2026-04-27"),
    ("status", "2026-04-20", "--csv", "who.csv"),
]
SENDING = [
    ("send", "2026-04-27", "--yes"),
    ("send", "2026-04-27", "--to", "me@example.com", "--yes"),
    ("send", "--ready", "--yes"),
    ("resume", "2026-04-20", "--yes"),
    ("cancel", "2026-04-20", "--yes"),
    ("retry", "2026-04-20", "--refused", "--yes"),
    ("resolve", "2026-04-20", "--assume", "sent", "--yes"),
    ("status", "--due"),
]
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parent.parent)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a newsletter whose issue of 20 April was sent on a system that supports sending."""
    (tmp_path / "list.csv").write_text("address\nada@example.com\n")
    samples.write(tmp_path, name="2026-04-20")
    for arguments in (("subscribers", "import", "list.csv"), ("send", "2026-04-20", "--yes")):
        command = [sys.executable, "-m", "newsletter", *arguments]
        subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, check=True, capture_output=True)
    return samples.write(tmp_path)


def test_every_command_works_or_says_what_to_use(folder: Path) -> None:
    lines = "".join(json.dumps(command) + "\n" for command in (*WORKING, *SENDING))
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input=lines,
        capture_output=True,
        text=True,
        cwd=folder,
        env=ENVIRONMENT,
        check=True,
    )
    answers: list[Any] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(WORKING) + len(SENDING)
    for command, answer in zip(WORKING, answers, strict=False):
        assert (answer[0], answer[2]) == (0, ""), (command, answer)
    for command, (code, output, failure) in zip(SENDING, answers[len(WORKING) :], strict=True):
        assert (code, failure) == (1, ""), (command, output)
        assert "sending needs the file locks of Linux, macOS or another Unix" in output, command
        assert "on Windows run news in WSL" in output
    assert (folder / "who.csv").read_text().splitlines()[1] == "ada@example.com,accepted,"


def test_the_preview_works(tmp_path: Path) -> None:
    folder = samples.write(tmp_path)
    command = [sys.executable, "-c", NEWS, "preview", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[0]
            assert httpx.get(url, timeout=30).status_code == 200
            assert "Leek" in httpx.get(f"{url}mail.html", timeout=30).text
        finally:
            process.terminate()
