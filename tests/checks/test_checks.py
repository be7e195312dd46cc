"""Tests of each check with a case that trips it and a near miss, and of the severities of newsletter.yml."""

from pathlib import Path

import pytest

from newsletter.checks import registry
from newsletter.errors import ConfigError
from tests.checks import material
from tests.checks.material import DATA, PASSES, TRIPS, case_name, opened, problems_of, report

ALWAYS = {**registry.CONTENT, **registry.MAIL}


@pytest.fixture(autouse=True)
def _in_the_newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show files relative to the newsletter's folder."""
    monkeypatch.chdir(tmp_path)


def test_the_base_is_clean(tmp_path: Path) -> None:
    assert report(problems_of(tmp_path)) == ""


@pytest.mark.parametrize("name", ALWAYS)
def test_every_check_has_a_case_and_a_near_miss(name: str) -> None:
    cases = [path.name for path in (DATA / name).glob("*")]
    assert [case for case in cases if case.startswith("trips")], f"tests/data/checks/{name}/trips is missing"
    assert [case for case in cases if case.startswith("passes")], (
        f"tests/data/checks/{name}/passes is missing"
    )


@pytest.mark.parametrize("case", TRIPS, ids=case_name)
def test_what_trips(case: Path, tmp_path: Path) -> None:
    problems = problems_of(tmp_path, case)
    assert case.parent.name in {problem.check for problem in problems}
    assert report(problems) == (case / "expected").read_text(encoding="utf-8")
    assert all(problem.fix for problem in problems)


@pytest.mark.parametrize("case", PASSES, ids=case_name)
def test_near_misses(case: Path, tmp_path: Path) -> None:
    assert report(problems_of(tmp_path, case)) == ""


@pytest.mark.parametrize("name", registry.CHECKS)
def test_a_check_says_what_it_looks_for(name: str) -> None:
    sentence = registry.CHECKS[name].summary
    assert sentence.endswith(".") and 10 < len(sentence) < 100


def test_the_newsletter_chooses_severities(tmp_path: Path) -> None:
    heavy = opened(tmp_path).rendered.html + "x" * 110_000
    settings = tmp_path / "newsletter.yml"
    plain = settings.read_text(encoding="utf-8")
    settings = tmp_path / "over" / "newsletter.yml"
    settings.parent.mkdir()

    def severities(setting: str) -> list[str]:
        settings.write_text(f"{plain}checks:\n  weight: {setting}\n", encoding="utf-8")
        return [problem.severity for problem in problems_of(tmp_path / "mail", settings.parent, html=heavy)]

    assert severities("error") == ["error"]
    assert severities('{severity: note, reason: "we know"}') == ["note"]
    assert severities('{severity: warning, reason: "we know"}') == ["warning"]
    assert severities('{severity: "off", reason: "ours reads mail in Thunderbird"}') == []


def test_a_check_that_there_is_not(tmp_path: Path) -> None:
    settings = (tmp_path / "over" / "newsletter.yml").absolute()
    settings.parent.mkdir()
    plain = (material.BASE / "newsletter.yml").read_text(encoding="utf-8")
    settings.write_text(f"{plain}checks:\n  wieght: note\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        problems_of(tmp_path, settings.parent)
    (problem,) = refused.value.problems
    assert (problem.where, problem.what) == ("newsletter.yml:6", "there is no check `wieght`")
