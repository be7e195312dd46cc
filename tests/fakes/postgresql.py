"""Debian's PostgreSQL as a plain process, with a separate socket and data folder."""

import os
import pwd
import shutil
import signal
import socket
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
def running(folder: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Start a server in an empty folder, yield the URL of an empty database, and stop the server.

    With the files of a certificate and its key, the server also listens on a port of 127.0.0.1, with TLS.
    """
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
    port = _free_port()
    network = _tls(folder, certificate, user) if certificate else ["listen_addresses="]
    # Nothing is to survive a power cut, and no test makes enough rows for a clean-up.
    quick = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
    # The pipe of its log is read at the end only: a line for each copied database would fill it.
    quiet = "log_checkpoints=off"
    settings = [part for setting in (f"port={port}", *quick, quiet, *network) for part in ("-c", setting)]
    server = subprocess.Popen(
        [bin_folder / "postgres", "-D", data, "-k", folder, *settings],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        **as_user,
    )
    try:
        _wait(server, folder, port, bin_folder)
        yield f"postgresql://news@/postgres?host={folder}&port={port}"
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for clients
        server.communicate(timeout=30)


def _user() -> str | None:
    """Return the user for the server, None for this one: it refuses root; Debian's package makes a user."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _tls(folder: Path, certificate: tuple[Path, Path], user: str | None) -> list[str]:
    """Return the settings of a server with TLS; its key must belong to its user."""
    names = ("ssl_cert_file", "ssl_key_file")
    settings = ["listen_addresses=127.0.0.1", "ssl=on"]
    for name, file in zip(names, certificate, strict=True):
        copy = folder / name
        shutil.copy(file, copy)
        copy.chmod(0o600)
        if user:
            shutil.chown(copy, user)
        settings.append(f"{name}={copy}")
    return settings


def _wait(server: subprocess.Popen[bytes], folder: Path, port: int, bin_folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = [bin_folder / "pg_isready", "-q", "-h", folder, "-p", str(port)]
    while time.monotonic() < deadline and server.poll() is None:
        if subprocess.run(ready, check=False).returncode == 0:
            return
        time.sleep(0.05)
    server.terminate()
    raise RuntimeError(f"PostgreSQL did not start: {server.communicate()[1].decode()}")
