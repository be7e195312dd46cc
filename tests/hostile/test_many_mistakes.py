"""Tests that a file with thousands of mistakes fills neither a terminal nor the page of the preview."""

import cProfile
import pickle
from pathlib import Path

import pytest

from newsletter.checks import settings
from newsletter.config import loader
from newsletter.errors import ConfigError, InvalidInput, IssueError, Problem
from newsletter.issue import files
from newsletter.preview import payloads
from newsletter.preview.builder import build
from newsletter.render.issue_markdown import prepare
from tests import samples

KEYS = "".join(f"x{number}: a\n" for number in range(1_500))


def test_an_issue(tmp_path: Path) -> None:
    samples.write(tmp_path, issue=samples.ISSUE + KEYS)
    with pytest.raises(IssueError) as raised:
        files.load(tmp_path / "issues" / "2026-04-27.yml")
    *listed, last = raised.value.problems
    assert len(listed) == 100
    assert str(last).endswith("2026-04-27.yml: and 1,400 more mistakes; correct those that are listed first")
    assert pickle.loads(pickle.dumps(raised.value)).problems == raised.value.problems


def test_unknown_keys_beyond_the_reported_ones_are_not_compared(tmp_path: Path) -> None:
    """Each comparison takes a millisecond: 9,000 unknown keys took seconds."""
    folder = samples.write(tmp_path, extra=KEYS)
    profile = cProfile.Profile()
    with profile, pytest.raises(ConfigError):
        loader.load(folder, {})
    compared = [entry for entry in profile.getstats() if "get_close_matches" in str(entry.code)]
    assert sum(entry.callcount for entry in compared) == 100


def test_the_checks_of_newsletter_yml(tmp_path: Path) -> None:
    checks = "checks:\n" + "".join(f"  x{number}: note\n" for number in range(500))
    newsletter = loader.load(samples.write(tmp_path, extra=checks), {})
    with pytest.raises(ConfigError) as raised:
        settings.refuse_invalid(newsletter)
    assert len(raised.value.problems) == 101


def test_lines_of_wrong_pictures_beyond_the_reported_ones_are_not_found(tmp_path: Path) -> None:
    """The time to find a line grows with the text: that of 4,000 pictures took 17 seconds."""
    pictures = " ".join(f"![a](pictures/{number}.png)" for number in range(250))
    samples.write(tmp_path, issue=samples.ISSUE.replace("text: It is", f"text: See {pictures} It is"))
    newsletter = loader.load(tmp_path, {})
    issue = files.load(tmp_path / "issues" / "2026-04-27.yml")
    profile = cProfile.Profile()
    with profile, pytest.raises(IssueError) as raised:
        prepare(issue, newsletter.site)
    found = [entry for entry in profile.getstats() if entry.code is files.where.__code__]
    assert [entry.callcount for entry in found] == [100]
    assert "and 150 more mistakes" in str(raised.value.problems[-1])


def test_the_page_of_the_preview(tmp_path: Path) -> None:
    built = build(samples.write(tmp_path, extra=KEYS))
    assert len(payloads.page(tmp_path, built, None)["problems"]) == 101


def test_a_file_with_few_mistakes_is_complete() -> None:
    assert len(InvalidInput([problem(n) for n in range(100)]).problems) == 100


def problem(number: int) -> Problem:
    return Problem(f"a.yml:{number}", "is wrong")
