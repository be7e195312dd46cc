"""SpamAssassin, the real one, and ones that fail."""

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


def only(read: Proof) -> Problem:
    (problem,) = run(read, SPAM)
    assert problem.check == "spam"
    return problem


@pytest.fixture
def real() -> None:
    need(None if shutil.which("spamassassin") else "spamassassin (Debian: apt install spamassassin)")


@pytest.mark.usefixtures("real")
def test_our_own_issue_is_no_spam() -> None:
    from newsletter.config import loader

    read = proof(loader.load(material.REPOSITORY, {}), material.real_issue())
    note = only(read)
    assert note.severity == "note" and "points; from 5 on it is spam" in note.what
    assert any("HTML_MESSAGE" in line for line in note.details)


@pytest.mark.usefixtures("real")
def test_spam_is_found_and_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    # The string that every SpamAssassin takes for spam (GTUBE), to test it by.
    gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    found = only(opened(tmp_path / "letter", text=f"{gtube}\n", html=f"<p>{gtube}</p>"))
    assert found.severity == "error" and any("GTUBE" in line for line in found.details)
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
        pytest.param(REPORT.format(score="1.9"), "note", "gives it 1.9 points", id="fine"),
        pytest.param(REPORT.format(score="2.0"), "warning", "gives it 2.0 points", id="suspicious"),
        pytest.param(REPORT.format(score="5.0"), "error", "gives it 5.0 points", id="spam"),
        pytest.param("echo broken >&2; exit 3", "warning", "ended with code 3: broken", id="fails"),
        pytest.param("echo nothing", "warning", "said nothing that can be read", id="unreadable"),
    ],
)
def test_what_it_may_say(
    script: str, severity: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path / "bin", script, monkeypatch)
    found = only(opened(tmp_path / "letter"))
    assert found.severity == severity and what in found.what and found.fix
    assert "SOME_RULE" not in script or found.details == (
        f"  {found.what.split()[3]}  SOME_RULE: BODY: Something about it that goes on in the next line",
    )


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = installed(tmp_path, "sleep 30 & sleep 30", monkeypatch)
    with pytest.raises(spamassassin.Failed, match=r"did not end within 0\.2 seconds"):
        spamassassin.score(b"Subject: x\n\nx\n", program, seconds=0.2)


def test_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = only(opened(tmp_path / "letter"))
    assert found.severity == "note" and "not installed" in found.what and "apt-get install" in found.fix


def installed(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program of that name that does this, the first that is found."""
    folder.mkdir(exist_ok=True)
    program = folder / "spamassassin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return str(program)
