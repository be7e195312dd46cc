"""Tests of the spam score with the installed SpamAssassin, and with programs that fail."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from newsletter.checks.external import spamassassin
from newsletter.checks.proof import Proof
from newsletter.checks.registry import SPAM
from newsletter.checks.runner import run
from newsletter.errors import Problem
from newsletter.services.prepare import proof
from tests.checks.material import opened
from tests.render import material
from tests.required import need


def only_problem(proof: Proof) -> Problem:
    (problem,) = run(proof, SPAM)
    assert problem.check == "spam"
    return problem


@pytest.fixture
def real() -> None:
    need(None if shutil.which("spamassassin") else "spamassassin (Debian: apt install spamassassin)")


@pytest.mark.usefixtures("real")
def test_our_issue_is_not_spam() -> None:
    from newsletter.config import loader

    read = proof(loader.load(material.REPOSITORY, {}), material.real_issue())
    note = only_problem(read)
    assert note.severity == "note" and "points to the mail; 5 or more are spam" in note.what
    assert any("HTML_MESSAGE" in line for line in note.details)


@pytest.mark.usefixtures("real")
def test_spam_is_found_and_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    # SpamAssassin's test string (GTUBE), which it always reports as spam.
    gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    problem = only_problem(opened(tmp_path / "letter", text=f"{gtube}\n", html=f"<p>{gtube}</p>"))
    assert problem.severity == "error" and any("GTUBE" in line for line in problem.details)
    assert list(home.iterdir()) == []


REPORT = """\
cat >/dev/null
echo 'news-report-starts {score} 5.0'
echo ' {score} SOME_RULE              BODY: Something about it that goes on'
echo '                            in the next line'
echo 'news-report-ends'
"""


@pytest.mark.parametrize(
    ("script", "severity", "what"),
    [
        pytest.param(REPORT.format(score="1.9"), "note", "gives 1.9 points", id="fine"),
        pytest.param(REPORT.format(score="2.0"), "warning", "gives 2.0 points", id="suspicious"),
        pytest.param(REPORT.format(score="5.0"), "error", "gives 5.0 points", id="spam"),
        pytest.param("echo broken >&2; exit 3", "warning", "ended with code 3: broken", id="fails"),
        pytest.param("echo nothing", "warning", "printed no report that can be read", id="unreadable"),
    ],
)
def test_each_report_has_its_severity(
    script: str, severity: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path / "bin", script, monkeypatch)
    problem = only_problem(opened(tmp_path / "letter"))
    assert problem.severity == severity and what in problem.what and problem.fix
    assert "SOME_RULE" not in script or problem.details == (
        f"  {problem.what.split()[2]}  SOME_RULE: BODY: Something about it that goes on in the next line",
    )


def test_a_program_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = installed(tmp_path, "sleep 30 & sleep 30", monkeypatch)
    with pytest.raises(spamassassin.Failed, match=r"did not end within 0\.2 seconds"):
        spamassassin.score(b"Subject: x\n\nx\n", program, seconds=0.2)


def test_a_missing_program_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    problem = only_problem(opened(tmp_path / "letter"))
    assert problem.severity == "note" and "not installed" in problem.what and "apt-get install" in problem.fix


def installed(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a script as the first `spamassassin` in PATH; return its path."""
    folder.mkdir(exist_ok=True)
    program = folder / "spamassassin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return str(program)
