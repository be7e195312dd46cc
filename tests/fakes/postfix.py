"""Debian's Postfix on loopback, as a plain process in a separate folder; it delivers into a maildir."""

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POSTFIX = "/usr/sbin/postfix"
START_SECONDS = 60

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/log/maillog
maillog_file_prefixes = {folder}
myhostname = mail.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = error:no mail leaves this machine
relay_transport = error:no mail leaves this machine
virtual_mailbox_domains = example.com
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
alias_maps =
transport_maps = inline:{{ bounce@example.com=gone: }}
smtpd_recipient_restrictions = check_recipient_access inline:{recipients}, permit_mynetworks, reject
smtpd_forbid_bare_newline = yes
smtpd_tls_security_level = {tls}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtputf8_enable = no
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
gone unix - n n - - pipe user=nobody argv=/bin/sh -c {{exit 67}}
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix: accepts mail for example.com on `port`.

    It refuses `refuse@`, defers `defer@`, and accepts mail for `bounce@`, which it returns to the sender.
    """

    port: int
    mailbox: Path
    log: Path

    def messages(self, count: int, seconds: float = 20) -> list[bytes]:
        """Wait for `count` delivered messages, at most `seconds`; return those that have arrived."""
        deadline = time.monotonic() + seconds
        while len(files := sorted(self.mailbox.glob("new/*"))) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return [file.read_bytes() for file in files]


def absent() -> str | None:
    """Return the reason why Postfix cannot run on this machine, None if it can."""
    if not Path(POSTFIX).exists():
        return "Postfix is not installed (Debian: apt-get install postfix)"
    if os.geteuid() != 0:
        return "Postfix can only be started by root"
    return None


@contextmanager
def running(folder: Path, certificate: Path | None = None, key: Path | None = None) -> Iterator[Postfix]:
    """Start Postfix in an empty folder that every user may enter; yield it, and stop it at the end."""
    port, mail = _free_port(), folder / "mail"
    for part in ("etc", "spool", "data", "log", "mail"):
        (folder / part).mkdir()
    postfix, nobody = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
    os.chown(folder / "data", postfix.pw_uid, postfix.pw_gid)
    os.chown(mail, nobody.pw_uid, nobody.pw_gid)
    values = {"folder": folder, "uid": nobody.pw_uid, "gid": nobody.pw_gid, "port": port}
    values |= {"tls": "may" if certificate else "none", "certificate": certificate or "", "key": key or ""}
    values["recipients"] = (
        "{ {refuse@example.com=550 5.1.1 no such user}, {defer@example.com=450 4.2.1 later} }"
    )
    (folder / "etc" / "main.cf").write_text(MAIN_CF.format(**values))
    (folder / "etc" / "master.cf").write_text(MASTER_CF.format(**values))
    process = subprocess.Popen(
        [POSTFIX, "-c", str(folder / "etc"), "start-fg"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait(process, port, folder / "log" / "maillog")
        yield Postfix(port, mail / "all", folder / "log" / "maillog")
    finally:
        subprocess.run([POSTFIX, "-c", str(folder / "etc"), "stop"], capture_output=True, check=False)
        process.communicate(timeout=20)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                if connection.recv(3) == b"220":
                    return
        except OSError:
            time.sleep(0.05)
    logged = log.read_text() if log.exists() else ""
    process.terminate()
    _, error = process.communicate()
    raise RuntimeError(f"Postfix did not start: {error.decode()}\n{logged}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
