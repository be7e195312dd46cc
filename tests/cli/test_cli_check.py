"""`news check`: its output for people and for programs."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests.checks.material import BASE
from tests.render import material

ISSUE = (BASE / "issues" / "2026-04-27.yml").read_text(encoding="utf-8")
TODO = ISSUE.replace("It is **cold** outside.", "It is TODO outside.")
DOUBLED = ISSUE.replace("It is **cold** outside.", "It is **is** cold outside.")

News = Callable[..., Result]


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Return a function that runs `news check` on a newsletter without problems, or with a given issue."""
    monkeypatch.chdir(tmp_path)
    Path("issues").mkdir()
    settings = (BASE / "newsletter.yml").read_text(encoding="utf-8")

    def run(*arguments: str, issue: str | bytes = ISSUE, extra: str = "") -> Result:
        content = issue.encode() if isinstance(issue, str) else issue
        Path("issues/2026-04-27.yml").write_bytes(content)
        Path("newsletter.yml").write_text(settings + extra, encoding="utf-8")
        return CliRunner().invoke(main, ["check", *arguments])

    return run


def test_clean(news: News) -> None:
    clean = news()
    assert clean.exit_code == 0
    assert clean.output == "issues/2026-04-27.yml: no problems found (16 of the 102 KB that Gmail shows)\n"


def test_errors_warnings_and_strict(news: News) -> None:
    assert news(issue=TODO).exit_code == 1
    assert news(issue=DOUBLED).exit_code == 0
    assert news("--strict", issue=DOUBLED).exit_code == 1


def test_findings_are_grouped_the_worst_first(news: News) -> None:
    both = TODO.replace("Cut, cook,", "Cut, cut, cook cook,")
    assert news(issue=both).output.splitlines() == [
        "Content",
        'issues/2026-04-27.yml:5: error: unfinished: "It is TODO outside." [unfinished]',
        "    finish it, or write it as `code` if it is meant",
        'issues/2026-04-27.yml:11: warning: "cook cook": the same word twice [doubled-words]',
        "    delete one of them",
        "",
        "issues/2026-04-27.yml: 1 error, 1 warning (16 of the 102 KB that Gmail shows)",
    ]


def test_several_issues(news: News, tmp_path: Path) -> None:
    news(issue=TODO)
    second = ISSUE.replace("Leek & potato", "Peas").replace("Leek and potato soup", "Pea soup")
    (tmp_path / "issues" / "2026-05-04.yml").write_text(second.replace("/leek", "/peas"), encoding="utf-8")
    result = CliRunner().invoke(main, ["check", "2026-04-27", "2026-05-04", "1999-01-04"])
    assert result.exit_code == 1
    assert "issues/2026-05-04.yml: no problems found" in result.output
    assert "issues/1999-01-04.yml: error: there is no such issue" in result.output


def test_files_with_a_wrong_name_are_named(news: News, tmp_path: Path) -> None:
    news()
    (tmp_path / "issues" / "2026-5-4.yml").write_text(ISSUE, encoding="utf-8")
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 0
    assert "issues/2026-5-4.yml: warning: is not named like an issue: no command reads it" in result.output
    (tmp_path / "issues" / "2026-5-4.yml").write_text(f"{ISSUE}ready: true\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["check", "2026-05-04"])
    assert result.exit_code == 1 and result.output.count("2026-5-4.yml: error: says `ready: true`") == 1
    assert "name it 2026-05-04.yml" in result.output


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        pytest.param("", "the file is empty", id="empty"),
        pytest.param(b"\xff\xfe", "not UTF-8 text", id="utf-16"),
        pytest.param("subject: [", "a bracket", id="no-yaml"),
        pytest.param("x" * 2_000_001, "is larger than 2,000,000 bytes", id="huge"),
        pytest.param(ISSUE.replace("subject:", "subjct:"), "did you mean `subject`", id="misspelt"),
    ],
)
def test_a_file_that_is_no_issue_is_a_finding(issue: str | bytes, expected: str, news: News) -> None:
    broken = news(issue=issue)
    assert broken.exit_code == 1 and expected in broken.output and "Files\n" in broken.output
    assert json.loads(news("--format", "json", issue=issue).output)["errors"] >= 1


@pytest.mark.parametrize(
    "issue",
    [
        pytest.param(b"\xef\xbb\xbf" + DOUBLED.encode(), id="bom"),
        pytest.param(DOUBLED.replace("\n", "\r\n").encode(), id="crlf"),
    ],
)
def test_lines_are_right_whatever_ends_them(issue: bytes, news: News) -> None:
    assert "issues/2026-04-27.yml:5: warning: " in news(issue=issue).output


def test_hostile_text_is_shown_and_harms_nothing(news: News) -> None:
    hostile = TODO.replace("Leek & potato", "'<&\">%0A::error::🥣'")
    for form in ("text", "json", "github", "sarif"):
        assert news("--format", form, issue=hostile).exit_code == 1


def test_a_configuration_that_cannot_be_read_is_a_finding(news: News) -> None:
    unknown = news(extra="checks: {wieght: note}\n")
    assert unknown.exit_code == 1
    assert "newsletter.yml:5: error: there is no check `wieght`" in unknown.output
    assert "did you mean `weight`?" in unknown.output
    assert (
        json.loads(news("--format", "json", extra="nam: x\n").output)["issues"][0]["path"] == "newsletter.yml"
    )


LOWERED = """\
checks:
  unfinished: {severity: "off", reason: we write about TODO}
  weight: {severity: warning, reason: "50 % read it in Thunderbird"}
  monday: note
  shouting: error
"""
# The lines of newsletter.yml, whose settings have four lines.
NOTICES = (
    "::notice file=newsletter.yml,line=6,title=unfinished::unfinished is switched off: we write about TODO\n"
    "::notice file=newsletter.yml,line=7,title=weight::"
    "weight is lowered from error to warning: 50 %25 read it in Thunderbird\n"
    "::notice file=newsletter.yml,line=8,title=monday::monday is lowered from warning to note\n"
)


def test_lowered_checks_are_listed_for_people(news: News) -> None:
    off = news(issue=TODO, extra=LOWERED)
    assert off.exit_code == 0 and off.output.splitlines()[-3:] == [
        "    unfinished is switched off: we write about TODO",
        "    weight is lowered from error to warning: 50 % read it in Thunderbird",
        "    monday is lowered from warning to note",
    ]


def test_lowered_checks_are_notices_on_github(news: News) -> None:
    assert news("--format", "github", issue=TODO, extra=LOWERED).output == NOTICES
    twice = news("--format", "github", "2026-04-27", "2026-04-27", extra=LOWERED)
    assert (twice.exit_code, twice.output) == (0, NOTICES)
    assert news("--format", "github", "--strict", issue="", extra=LOWERED).output.endswith(f"\n{NOTICES}")


def test_lowered_checks_in_json(news: News) -> None:
    shown = json.loads(news("--format", "json", extra=LOWERED).output)
    assert shown["notes"] == 0 and shown["lowered_checks"][0] == {
        "check": "unfinished",
        "severity": "off",
        "default": "error",
        "reason": "we write about TODO",
        "file": "newsletter.yml",
        "line": 6,
    }
    assert [check["reason"] for check in shown["lowered_checks"][1:]] == ["50 % read it in Thunderbird", None]
    assert json.loads(news("--format", "json").output)["lowered_checks"] == []


def test_lowered_checks_in_sarif(news: News) -> None:
    (run,) = json.loads(news("--format", "sarif", extra=LOWERED).output)["runs"]
    (invocation,) = run["invocations"]
    assert invocation["ruleConfigurationOverrides"] == [
        {"descriptor": {"id": "unfinished"}, "configuration": {"enabled": False}},
        {"descriptor": {"id": "weight"}, "configuration": {"level": "warning"}},
        {"descriptor": {"id": "monday"}, "configuration": {"level": "note"}},
    ]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in run["tool"]["driver"]["rules"]}
    assert (levels["unfinished"], levels["monday"], levels["lowered-check"]) == ("error", "warning", "note")
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [result["ruleId"] for result in run["results"]] == ["lowered-check"] * 3
    assert places[0] == {"artifactLocation": {"uri": "newsletter.yml"}, "region": {"startLine": 6}}


def test_json(news: News) -> None:
    shown = json.loads(news("--format", "json", issue=DOUBLED).output)
    assert (shown["errors"], shown["warnings"], shown["notes"]) == (0, 1, 0)
    (issue,) = shown["issues"]
    assert issue["html_bytes"] > 10_000
    assert issue["problems"] == [
        {
            "check": "doubled-words",
            "severity": "warning",
            "file": "issues/2026-04-27.yml",
            "line": 5,
            "what": '"is is": the same word twice',
            "fix": "delete one of them",
            "details": [],
        }
    ]


def test_github(news: News) -> None:
    shown = news("--format", "github", issue=TODO.replace("TODO", "TODO, 50 %")).output
    assert shown == (
        "::error file=issues/2026-04-27.yml,line=5,title=unfinished::"
        'unfinished: "It is TODO, 50 %25 outside."%0Afinish it, or write it as `code` if it is meant\n'
    )
    assert news("--format", "github").output == ""


def test_sarif(news: News) -> None:
    shown = json.loads(news("--format", "sarif", issue=TODO).output)
    assert shown["version"] == "2.1.0"
    (run,) = shown["runs"]
    rules = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert len(rules) > 25 and all(rules.values())
    (result,) = run["results"]
    assert result["ruleId"] in rules and result["level"] == "error" and result["message"]["text"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "issues/2026-04-27.yml"},
        "region": {"startLine": 5},
    }


def test_a_send_refuses_errors_and_keeps_notes_to_itself(news: News, tmp_path: Path) -> None:
    short = TODO.replace("A soup for the first cold evening of the year.", "A soup.")
    assert "note: the preheader has 7 columns" in news(issue=short).output
    sent = CliRunner().invoke(main, ["send", "--issue", "2026-04-27", "--to", "me@example.com", "--yes"])
    assert sent.exit_code == 1 and "2026-04-27 has 1 error; nothing was sent" in sent.output
    assert "preheader" not in sent.output and not (tmp_path / "outbox").exists()


def computed(*arguments: str) -> tuple[float, str]:
    """Return the CPU seconds of a process of `news`, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", *arguments],
        cwd=material.REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(material.REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


@pytest.mark.every_case
def test_our_own_issue_is_clean_and_checked_in_less_than_three_times_of_rendering(tmp_path: Path) -> None:
    """Compare the fastest of three alternating runs, so that other load slows both commands."""
    rendered, checked = [], []
    for _ in range(3):
        rendered.append(computed("render", "2026-04-27", "-o", str(tmp_path))[0])
        seconds, output = computed("check", "2026-04-27")
        checked.append(seconds)
        assert output.startswith("issues/2026-04-27.yml: no problems found"), output
    print(f"rendered in {min(rendered):.2f} s, checked in {min(checked):.2f} s")
    assert min(checked) < 3 * min(rendered)
