"""Tests of the findings on issues that a later run sends, and on files that are not named like an issue."""

from pathlib import Path

from newsletter.doctor.setup import Setup
from newsletter.doctor.upcoming import upcoming
from tests import samples


def test_files_with_a_wrong_name_are_findings(tmp_path: Path) -> None:
    samples.write(tmp_path)
    issue = tmp_path / "issues" / "2026-04-27.yml"
    assert list(upcoming(Setup.read(tmp_path, {}))) == []
    issue.rename(issue.with_name("2026-4-27.yml"))
    (issue.parent / "2026_06_08.yml").write_text("subject: Soup", encoding="utf-8")
    found = {
        finding.looked_at.rpartition("/")[2]: (finding.state, finding.fix)
        for finding in upcoming(Setup.read(tmp_path, {}))
    }
    assert found == {
        "2026-4-27.yml": ("error", "name it 2026-04-27.yml"),
        "2026_06_08.yml": ("warning", "name it 2026-06-08.yml"),
    }
