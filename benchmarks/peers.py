"""Other tools that send the same mail to the same sinks; missing ones are installed into build/peers.

Each function returns messages (or recipients) per second, or prints the reason and returns None. Peers are
timed without their start, news with it; mailmerge is a command, and is timed from start to end.
"""

import csv
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import measure
import sinks

HERE = Path(__file__).parent
FOLDER = measure.REPOSITORY / "build" / "peers"
MAILMERGE = FOLDER / "venv" / "bin" / "mailmerge"
NODEMAILER = FOLDER / "node_modules" / "nodemailer"
MJML = FOLDER / "node_modules" / "mjml"
SMTP_SOURCE = Path("/usr/sbin/smtp-source")
_SERVER = "[smtp_server]\nhost = 127.0.0.1\nport = {port}\n"


def sendgrid(form: str, letter: Path, recipients: int, latency: float = 0.0, threads: int = 1) -> float:
    """Measure the sendgrid package with its `helpers` or with `dicts`."""
    with sinks.Sink("http", latency) as sink:
        script = (sys.executable, HERE / "peer_sendgrid.py", form, letter)
        ran = measure.run(*script, str(recipients), str(sink.port), str(threads))
        _check_complete(sink.finish()["recipients"], recipients)
    return recipients / float(ran.output)


def mailmerge(letter: Path, messages: int) -> float | None:
    """Measure the command mailmerge, which opens a connection for each message."""
    if not installed(MAILMERGE):
        return None
    with tempfile.TemporaryDirectory() as name, sinks.fastest_smtp() as sink:
        folder = Path(name)
        _write_mailmerge(folder, json.loads(letter.read_text()), messages, sink.port)
        command = (MAILMERGE, "--no-dry-run", "--no-limit", "--output-format", "text")
        ran = measure.run(*command, cwd=folder)
        _check_complete(sink.finish()["messages"], messages)
    return messages / ran.seconds


def nodemailer(letter: Path, messages: int, connections: int, latency: float = 0.0) -> float | None:
    """Measure the connection pool of nodemailer."""
    if not installed(NODEMAILER):
        return None
    with _smtp(latency) as sink:
        script = ("node", HERE / "peer_nodemailer.js", letter)
        numbers = (str(messages), str(sink.port), str(connections))
        ran = measure.run(*script, *numbers, NODE_PATH=str(NODEMAILER.parent))
        _check_complete(sink.finish()["messages"], messages)
    return messages / float(ran.output)


def smtp_source(length: int, messages: int, sessions: int, latency: float = 0.0) -> float | None:
    """Measure Postfix's smtp-source, which repeats the same bytes and records nothing."""
    if not SMTP_SOURCE.exists():
        measure.row("smtp-source", "not installed (Debian: apt-get install postfix)")
        return None
    with _smtp(latency) as sink:
        sizes = ("-s", str(sessions), "-m", str(messages), "-l", str(length))
        mail = ("-f", "benchmark@example.com", "-t", "reader@example.com")
        start = time.perf_counter()
        subprocess.run([SMTP_SOURCE, "-d", *sizes, *mail, f"127.0.0.1:{sink.port}"], check=True)
        duration = time.perf_counter() - start
        _check_complete(sink.finish()["messages"], messages)
    return messages / duration


def _smtp(latency: float) -> sinks.Sink | sinks.PostfixSink:
    return sinks.Sink("smtp", latency) if latency else sinks.fastest_smtp()


def _check_complete(arrived: int, sent: int) -> None:
    if arrived != sent:
        raise SystemExit(f"{sent:,} were sent, but {arrived:,} arrived")


@functools.cache
def installed(peer: Path) -> bool:
    """Return True if a peer is installed, after an attempt to install it; print the reason if it is not."""
    if peer.exists():
        return True
    FOLDER.mkdir(parents=True, exist_ok=True)
    failure = _install_mailmerge() if peer == MAILMERGE else _install_with_npm(peer.name)
    if failure:
        measure.row(peer.name, f"left out, because it cannot be installed: {failure}")
    return failure is None


def _install_mailmerge() -> str | None:
    return _run(sys.executable, "-m", "venv", FOLDER / "venv") or _run(
        FOLDER / "venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "mailmerge"
    )


def _install_with_npm(package: str) -> str | None:
    if not shutil.which("node") or not shutil.which("npm"):
        return "node or npm is missing"
    quiet = ("--no-audit", "--no-fund", "--silent")
    return _run("npm", "install", "--prefix", FOLDER, *quiet, package)


def _run(*command: str | Path) -> str | None:
    """Run an installer; return the last line of its error, or None if it succeeded."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    output = (ran.stderr or ran.stdout).strip().splitlines()
    return (
        (output[-1] if output else f"{command[0]} exited with {ran.returncode}") if ran.returncode else None
    )


def _write_mailmerge(folder: Path, letter: dict[str, Any], messages: int, port: int) -> None:
    """Write mailmerge's template, list and server file; its template is the whole MIME message."""

    def spliced(text: str, **fields: str) -> str:
        """Return raw text for Jinja, with the placeholders as fields."""
        for placeholder, field in fields.items():
            text = text.replace(placeholder, f"{{% endraw %}}{{{{{field}}}}}{{% raw %}}")
        return f"{{% raw %}}{text}{{% endraw %}}"

    headers = {
        "To": "{{name}} <{{email}}>",
        "From": f"{letter['sender'][0]} <{letter['sender'][1]}>",
        "Reply-To": letter["reply_to"],
        "Subject": letter["subject"],
        "Message-ID": "{{message_id}}",
        "List-Id": f"<{letter['list_id']}>",
        **{name: value.replace("{token}", "{{token}}") for name, value in letter["headers"].items()},
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/alternative; boundary="=_part"',
    }
    lines = [*(f"{name}: {value}" for name, value in headers.items()), ""]
    for kind in ("text", "html"):
        lines += [
            "--=_part",
            f"Content-Type: text/{'plain' if kind == 'text' else 'html'}; charset=utf-8",
            "",
        ]
        lines.append(spliced(letter[kind], **{"[[unsubscribe_url]]": "link"}))
    (folder / "mailmerge_template.txt").write_text("\n".join([*lines, "--=_part--", ""]), encoding="utf-8")
    (folder / "mailmerge_server.conf").write_text(_SERVER.format(port=port))
    with (folder / "mailmerge_database.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_mailmerge_rows(letter, messages))


def _mailmerge_rows(letter: dict[str, Any], messages: int) -> Iterator[tuple[str, ...]]:
    yield "email", "name", "token", "link", "message_id"
    for number in range(1, messages + 1):
        token = f"{number}.{number:032x}"
        link = letter["unsubscribe_url"].replace("{token}", token)
        message_id = f"<2026-04-27.{number:024x}@example.com>"
        yield f"reader{number}@example.com", f"Reader {number}", token, link, message_id
