"""Debian's PostgreSQL as a plain process, with a separate socket and data folder."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30


def binaries() -> Path | None:
    """Return the folder of the newest installed PostgreSQL's programs, None if none is installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return programs[-1].parent if programs else None


def absent() -> str | None:
    """Return the reason why PostgreSQL cannot run on this machine, None if it can."""
    return None if binaries() else "PostgreSQL is not installed (Debian: apt-get install postgresql)"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start a server in an empty folder, yield the URL of an empty database, and stop the server."""
    bin_folder = binaries()
    assert bin_folder
    data, user = folder / "data", _user()
    if user:
        shutil.chown(folder, user)
    as_user = {"user": user} if user else {}
    subprocess.run(
        [bin_folder / "initdb", "-D", data, "-U", "news", "-A", "trust", "-E", "UTF8", "--locale=C"],
        check=True,
        capture_output=True,
        cwd=folder,
        **as_user,
    )
    server = subprocess.Popen(
        [bin_folder / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        **as_user,
    )
    try:
        _wait(server, folder, bin_folder)
        yield f"postgresql://news@/postgres?host={folder}"
    finally:
        server.terminate()
        server.communicate(timeout=30)


def _user() -> str | None:
    """Return the user for the server, None for this one: it refuses root; Debian's package makes a user."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None


def _wait(server: subprocess.Popen[bytes], folder: Path, bin_folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = [bin_folder / "pg_isready", "-q", "-h", folder]
    while time.monotonic() < deadline and server.poll() is None:
        if subprocess.run(ready, check=False).returncode == 0:
            return
        time.sleep(0.05)
    server.terminate()
    raise RuntimeError(f"PostgreSQL did not start: {server.communicate()[1].decode()}")
