"""Tests of a remote: its name, its refusals, the servers that get a token, and a git that hangs."""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from newsletter.errors import StateError, Unavailable
from newsletter.state.git_remote import is_denied, open_remote
from newsletter.state.remote_url import repository_name
from tests.repositories import git, repository


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://GitHub.com/Me/letter.git", "github.com/Me/letter"),
        ("https://me@github.com:443/Me/letter/", "github.com/Me/letter"),
        ("git@github.com:Me/letter.git", "github.com/Me/letter"),
        ("ssh://git@github.com:22/Me/letter.git/", "github.com/Me/letter"),
        ("ssh://git@[2001:db8::1]:22/letter", "[2001:db8::1]/letter"),
        ("host.example:/srv/letter.git", "host.example/srv/letter"),
        ("file:///srv/letter.git", "/srv/letter.git"),
        ("/srv/../srv/letter.git", "/srv/letter.git"),
    ],
)
def test_a_repository_has_one_name_whatever_the_way_to_it(url: str, name: str) -> None:
    assert repository_name(url) == name


def test_origin_may_be_a_relative_path(letter: Path, tmp_path: Path) -> None:
    (letter / "news").mkdir()
    remote = open_remote(letter / "news")
    assert remote.name == str(tmp_path / "origin.git")
    assert remote.run("ls-remote", "--", remote.url).code == 0


def test_the_users_rewriting_applies(letter: Path, tmp_path: Path) -> None:
    git(letter, "config", f"url.{tmp_path}/.insteadOf", "https://example.com/")
    git(letter, "remote", "set-url", "origin", "https://example.com/origin.git")
    remote = open_remote(letter)
    assert remote.url == "https://example.com/origin.git" and remote.name == str(tmp_path / "origin.git")
    assert remote.run("ls-remote", "--", remote.url).code == 0


def test_a_folder_outside_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="is not in a Git repository"):
        open_remote(tmp_path)


def test_a_repository_without_origin_is_refused(tmp_path: Path) -> None:
    folder = repository(tmp_path / "letter")
    git(folder, "remote", "add", "upstream", "https://example.com/me/letter.git")
    with pytest.raises(StateError, match="has no remote `origin`; git remote add origin URL"):
        open_remote(folder)


def test_git_that_is_missing_is_named(letter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(letter))
    with pytest.raises(Unavailable, match="git is not installed"):
        open_remote(letter)


def test_another_repository_in_the_environment_is_not_used(letter: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    variables = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_CONFIG_PARAMETERS": "'remote.origin.url=https://example.com/other'",
        "GIT_TRACE": "1",
    }
    remote = open_remote(letter, inherited={**os.environ, **variables})
    assert remote.name == str(tmp_path / "origin.git") and not variables.keys() & remote.environment.keys()
    assert remote.run("rev-parse", "HEAD").output.decode() == git(letter, "rev-parse", "HEAD")


def test_a_program_of_the_work_tree_does_not_run(letter: Path) -> None:
    (letter / "bin").mkdir()
    ssh = letter / "bin" / "ssh"
    ssh.write_text(f"#!/bin/sh\ntouch {letter}/ran\n")
    ssh.chmod(0o755)
    path = f"{letter}/bin{os.pathsep}{os.environ['PATH']}"
    remote = open_remote(
        letter, "git@127.0.0.1:me/state.git", inherited={"PATH": path, "GIT_SSH_VARIANT": "ssh"}
    )
    assert remote.run("ls-remote", "--", remote.url).code != 0
    assert not (letter / "ran").exists()


class Server:
    """An HTTP server on this machine that refuses everything, and keeps the credentials that it was shown."""

    def __init__(self) -> None:
        self.shown: list[list[str]] = []
        shown = self.shown

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shown.append(self.headers.get_all("Authorization") or [])
                self.send_error(403)

            def log_message(self, *arguments: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


TOKEN = "ghs_" + "secret" * 6
HEADER = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


def ask_as_workflow(letter: Path, server: Server, **variables: str) -> None:
    """Ask an `origin` at a server as a step of a workflow does; the checkout left a header of its own."""
    git(letter, "config", "remote.origin.url", f"{server.url}/me/letter.git")
    git(letter, "config", f"http.{server.url}/.extraheader", "Authorization: Basic b2xk")
    step = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
    workflow = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": server.url, "GITHUB_TOKEN": TOKEN}
    remote = open_remote(letter, inherited={**step, **workflow, **variables})
    reply = remote.run("ls-remote", "--", remote.url)
    assert reply.code and is_denied(reply) and "403" in remote.reason(reply)
    assert TOKEN not in repr(remote) and HEADER not in repr(remote)
    assert TOKEN not in reply.errors


def test_the_token_of_a_workflow_replaces_the_header_of_a_checkout(letter: Path, server: Server) -> None:
    ask_as_workflow(letter, server)
    assert server.shown == [[HEADER]]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"GITHUB_SERVER_URL": "https://github.com"}, id="other-host"),
        pytest.param({"GITHUB_SERVER_URL": "http://[::1"}, id="invalid-server"),
        pytest.param({"GITHUB_ACTIONS": ""}, id="no-workflow"),
        pytest.param({"GITHUB_TOKEN": ""}, id="no-token"),
    ],
)
def test_no_other_server_gets_a_token(letter: Path, server: Server, variables: dict[str, str]) -> None:
    ask_as_workflow(letter, server, **variables)
    assert server.shown == [["Basic b2xk"]]


def test_configuration_in_the_environment_stays(letter: Path, server: Server) -> None:
    given = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.userAgent", "GIT_CONFIG_VALUE_0": "a"}
    ask_as_workflow(letter, server, **given)
    workflow = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": server.url, "GITHUB_TOKEN": TOKEN}
    remote = open_remote(letter, inherited={**os.environ, **given, **workflow})
    assert remote.run("config", "http.userAgent").output == b"a\n"
    assert remote.environment["GIT_CONFIG_COUNT"] == "3"


STALL = "alias.stall=!trap '' INT TERM; echo $$ > pids; sleep 300"
"""A command of git whose process ignores signals, and writes its id at the top of the work tree."""


def wait_until_it_ends(pids: Path) -> None:
    pid = int(pids.read_text())
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return  # it has ended, and its parent has not asked for its exit code yet
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.01)
    pytest.fail("a child of git still runs")


def test_a_time_out_ends_git_and_its_children(letter: Path) -> None:
    for seconds in (0.3, 3, 30):  # a busy machine may need some time to start it
        remote = open_remote(letter, timeout_seconds=seconds)
        reply = remote.run("-c", STALL, "stall")
        assert reply.code is None and remote.reason(reply) == f"no reply within {seconds:g} seconds"
        if (letter / "pids").exists():
            break
    wait_until_it_ends(letter / "pids")


def test_ctrl_c_ends_git_and_its_children(letter: Path) -> None:
    program = (
        "from pathlib import Path\n"
        "from newsletter.state.git_remote import open_remote\n"
        f"open_remote(Path({str(letter)!r})).run('-c', {STALL!r}, 'stall')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        while not (pids := letter / "pids").exists() or not pids.read_text():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    wait_until_it_ends(pids)


def test_output_is_bounded(letter: Path) -> None:
    assert len(open_remote(letter).run("version", max_bytes=5).output) == 5
