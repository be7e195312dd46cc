"""SpamAssassin, where it is installed: its local rules over one message, without a connection or a trace."""

import logging
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from newsletter.errors import cannot_be

log = logging.getLogger(__name__)

SECONDS = 60
_START, _END = "news-report-starts", "news-report-ends"
# Lines of Mail::SpamAssassin::Conf(3pm), read after the machine's own. What is learned from a message (Bayes,
# AWL, TxRep) would change the next score, and a machine's own settings may keep it in a shared place.
_SETTINGS = (
    "use_bayes 0",
    "bayes_auto_learn 0",
    "use_auto_welcomelist 0",
    "use_txrep 0",
    "dns_available no",
    "clear_report_template",
    f"report {_START} _SCORE_ _REQD_",
    "report _SUMMARY_",
    f"report {_END}",
)
_REPORT = re.compile(rf"^{_START} (-?[\d.]+) (-?[\d.]+)$(.*?)^{_END}$", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"\s*(-?\d+(?:\.\d+)?) +(\w+) +(\S.*)")


@dataclass(frozen=True)
class Rule:
    """A rule that fired, with the points that it gives."""

    points: float
    name: str
    description: str


@dataclass(frozen=True)
class Report:
    """What SpamAssassin says: from `required` points on, mail counts as spam."""

    score: float
    required: float
    rules: tuple[Rule, ...]


class Failed(Exception):
    """SpamAssassin gave no report; says why, as the end of a sentence about it."""


def program() -> str | None:
    """Where it is; None where it is not installed."""
    return shutil.which("spamassassin")


def score(message: bytes, program: str, seconds: float = SECONDS) -> Report:
    """The report of the local rules on a message; raises Failed."""
    with TemporaryDirectory(prefix="news-spam-", ignore_cleanup_errors=True) as home:
        return _read(_run([program, *_arguments(Path(home))], message, Path(home), seconds))


def _arguments(home: Path) -> list[str]:
    """`--local` keeps it off the network, `--test-mode` has it report on any mail."""
    preferences = home / "user_prefs"
    preferences.touch()
    settings = [f"--cf={line}" for line in _SETTINGS]
    return ["--local", "--test-mode", f"--prefspath={preferences}", "--nocreate-prefs", *settings]


def _run(command: list[str], message: bytes, home: Path, seconds: float) -> str:
    # LANGUAGE too: rules have descriptions in several languages.
    environment = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
    except OSError as failure:
        raise Failed(cannot_be("run", failure)) from failure
    try:
        said, complaint = process.communicate(message, seconds)
    except subprocess.TimeoutExpired as failure:
        raise Failed(f"did not end within {seconds:g} seconds") from failure
    finally:
        _end(process)
    log.debug("SpamAssassin run", extra={"exit_code": process.returncode})
    if process.returncode:
        raise Failed(f"ended with code {process.returncode}: {_last_line(complaint)}")
    return said.decode("utf-8", "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends what it has started as well: that would hold its pipes open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with suppress(OSError):
                stream.close()


def _last_line(complaint: bytes) -> str:
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it did not say why"


def _read(said: str) -> Report:
    """The report stands behind the message, which may hold what looks like one."""
    reports = _REPORT.findall(said)
    try:
        score, required = map(float, reports[-1][:2])
    except (IndexError, ValueError) as failure:
        raise Failed("said nothing that can be read as a report") from failure
    return Report(score, required, tuple(_rules(reports[-1][2])))


def _rules(table: str) -> list[Rule]:
    """The lines of the table; a long description goes on in the next line."""
    rules: list[Rule] = []
    for line in table.splitlines():
        if found := _RULE.fullmatch(line):
            rules.append(Rule(float(found[1]), found[2], found[3].strip()))
        elif rules and line.startswith("      "):
            rules[-1] = Rule(rules[-1].points, rules[-1].name, f"{rules[-1].description} {line.strip()}")
    return rules
