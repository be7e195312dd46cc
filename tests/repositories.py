"""Real Git repositories for tests, made with the installed git, whatever its user's configuration says."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.required import need

# Maintenance is a process after each commit, which no test needs.
_SETTINGS = (
    "user.name=Ada Example",
    "user.email=ada@example.com",
    "protocol.file.allow=always",
    "maintenance.auto=false",
)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; return its output."""
    need(None if shutil.which("git") else "git (Debian: apt install git)")
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder,
        env=environment | isolated,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def repository(folder: Path) -> Path:
    """Make a repository of a folder; commit all its files to the branch `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main", "--template=")
    commit(folder)
    return folder


def commit(folder: Path, *forced: str) -> None:
    """Commit all files that are not ignored, and the forced ones."""
    git(folder, "add", "-A")
    if forced:
        git(folder, "add", "-f", "--", *forced)
    git(folder, "commit", "-q", "--allow-empty", "-m", "all files")
