"""Run the installed SpamAssassin's local rules on one message, without a network and without stored data."""

import logging
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from newsletter.disk.failures import cannot_be
from newsletter.disk.programs import find_program
from newsletter.limits.child_program import child_program

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60
_START, _END = "news-report-starts", "news-report-ends"
# Lines of Mail::SpamAssassin::Conf(3pm), read after the machine's settings. Learning from a message (Bayes,
# AWL, TxRep) would change the next score, and the machine's settings may store it in a shared place.
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
_REPORT = re.compile(rf" (-?[\d.]+) (-?[\d.]+)$(.*?)^{_END}$", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"\s*(-?\d+(?:\.\d+)?) +(\w+) +(\S.*)")


@dataclass(frozen=True)
class Rule:
    """A rule that matched the message, with its points."""

    points: float
    name: str
    description: str


@dataclass(frozen=True)
class Report:
    """SpamAssassin's report; a score of `required` points or more means spam."""

    score: float
    required: float
    rules: tuple[Rule, ...]


class Failed(Exception):
    """The error for a run without a report; its text is the predicate of a sentence about SpamAssassin."""


def program(folder: Path) -> str | None:
    """Return the path of the program; None if it is not installed outside the work tree of a folder."""
    return find_program("spamassassin", folder)


def score(message: bytes, program: str, seconds: float = TIMEOUT_SECONDS) -> Report:
    """Return the report of the local rules on a message. Raise Failed if there is none."""
    with TemporaryDirectory(prefix="news-spam-", ignore_cleanup_errors=True) as home:
        return _parse(_run([program, *_arguments(Path(home))], message, Path(home), seconds))


def _arguments(home: Path) -> list[str]:
    """Return the arguments: `--local` prevents network tests, `--test-mode` adds a report to every mail."""
    preferences = home / "user_prefs"
    preferences.touch()
    settings = [f"--cf={line}" for line in _SETTINGS]
    return ["--local", "--test-mode", f"--prefspath={preferences}", "--nocreate-prefs", *settings]


def _run(command: list[str], message: bytes, home: Path, seconds: float) -> str:
    # LANGUAGE is set too, because rules have descriptions in several languages.
    environment = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}
    pipe = subprocess.PIPE
    try:
        with child_program(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as process:
            output, errors = process.communicate(message, seconds)
    except OSError as failure:
        raise Failed(cannot_be("run", failure)) from failure
    except subprocess.TimeoutExpired as failure:
        raise Failed(f"did not end within {seconds:g} seconds") from failure
    log.debug("SpamAssassin run", extra={"exit_code": process.returncode})
    if process.returncode:
        raise Failed(f"ended with code {process.returncode}: {_last_line(errors)}")
    return output.decode("utf-8", "replace")


def _last_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "no error message"


def _parse(output: str) -> Report:
    """Parse the last report in the output: it follows the message, whose text may look like a report."""
    report = _REPORT.match(f"\n{output}".rpartition(f"\n{_START}")[2])
    try:
        score, required = map(float, report.groups()[:2] if report else ())
    except ValueError as failure:
        raise Failed("printed no report that can be read") from failure
    return Report(score, required, tuple(_rules(report[3] if report else "")))


def _rules(table: str) -> list[Rule]:
    """Parse the lines of the table; a long description continues in the next line."""
    rules: list[Rule] = []
    for line in table.splitlines():
        if match := _RULE.fullmatch(line):
            rules.append(Rule(float(match[1]), match[2], match[3].strip()))
        elif rules and line.startswith("      "):
            rules[-1] = Rule(rules[-1].points, rules[-1].name, f"{rules[-1].description} {line.strip()}")
    return rules
