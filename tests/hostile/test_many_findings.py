"""A check reports 100 problems at most, and the number of the others, whose places it does not look for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.checks import runner
from newsletter.checks.proof import Proof
from newsletter.checks.registry import Check
from newsletter.cli.check_formats import FORMATS
from newsletter.config.loader import load
from newsletter.errors import Problem, Severity
from newsletter.issue import files
from newsletter.preview import payloads
from newsletter.preview.builder import build
from newsletter.render.pipeline import to_mjml
from newsletter.render.template_data import TemplateInput
from newsletter.render.template_files import BUILT_IN
from newsletter.services.check import Checked
from tests.checks.material import opened


def found(proof: Proof, number: int, severities: dict[int, Severity]) -> Iterator[Problem]:
    for n in range(number):
        yield Problem(proof.where("soup"), f"finding {n}", severity=severities.get(n, "note"))


def _run(proof: Proof, number: int, severities: dict[int, Severity] | None = None) -> list[Problem]:
    return runner.run(proof, {"subject": Check(lambda proof: found(proof, number, severities or {}), "note")})


@pytest.mark.parametrize("number", [0, 1, 100])
def test_up_to_a_hundred_problems_are_reported(tmp_path: Path, number: int) -> None:
    assert [problem.what for problem in _run(opened(tmp_path), number)] == [
        f"finding {n}" for n in range(number)
    ]


def test_the_others_are_counted(tmp_path: Path) -> None:
    proof = opened(tmp_path)
    problems = _run(proof, 4_421, {3: "error", 4_000: "warning"})
    assert [problem.what for problem in problems[:100]] == [f"finding {n}" for n in range(100)]
    (last,) = problems[100:]
    assert last.what == "and 4,321 more like these"
    assert (last.severity, last.check, last.where) == ("warning", "subject", proof.issue.path)


def test_an_error_among_the_others_still_is_an_error(tmp_path: Path) -> None:
    assert _run(opened(tmp_path), 200, {199: "error"})[-1].severity == "error"


def test_no_place_is_looked_for_after_the_first_hundred(tmp_path: Path) -> None:
    proof, places = opened(tmp_path), []

    def check(proof: Proof) -> Iterator[Problem]:
        for n in range(300):
            places.append(proof.where("soup"))
            yield Problem(places[-1], str(n))

    runner.run(proof, {"subject": Check(check, "error")})
    assert places[:100] == [proof.where("soup")] * 100
    assert places[100:] == [proof.issue.path] * 200
    assert proof.where("soup") != proof.issue.path  # the next check finds places again


def test_a_problem_that_a_template_repeats_is_reported_once(tmp_path: Path) -> None:
    proof = opened(tmp_path)
    check = lambda proof: (Problem("a:1", f"finding {n % 50}") for n in range(900))  # noqa: E731
    assert len(runner.run(proof, {"subject": Check(check, "error")})) == 50


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_says_how_many_more(tmp_path: Path, form: str) -> None:
    output = FORMATS[form]([Checked("issues/2026-04-27.yml", _run(opened(tmp_path), 300))])
    assert output.count("finding ") == 100
    assert "and 200 more like these" in output
    if form != "github":
        json.loads(output)


def test_the_preview_says_how_many_more(tmp_path: Path) -> None:
    problems = _run(opened(tmp_path), 300)
    shown = payloads.check_results(tmp_path, build(tmp_path), problems)
    assert "and 200 more like these" in json.dumps(shown)


def test_the_traced_template_is_filled_once(tmp_path: Path) -> None:
    proof = opened(tmp_path)
    shutil.copytree(BUILT_IN, tmp_path / "templates", dirs_exist_ok=True)
    layout = tmp_path / "templates" / "layout.mjml.j2"
    newsletter = load(tmp_path, {})
    filled = to_mjml(TemplateInput(files.load(files.find(newsletter.issues)), newsletter.site))
    before = [filled.where(position) for position in range(0, len(filled.text), 50)]
    layout.write_text("{% broken")
    assert [filled.where(position) for position in range(0, len(filled.text), 50)] == before
    assert len(set(before)) > 10
    assert proof.issue.path


def test_a_mark_in_the_text_of_an_issue_is_no_place(tmp_path: Path) -> None:
    opened(tmp_path)
    newsletter = load(tmp_path, {})
    path = files.find(newsletter.issues)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("text: Cut", "text: \ue0f0/etc/passwd:1\ue0f1 Cut"), encoding="utf-8")
    filled = to_mjml(TemplateInput(files.load(path), newsletter.site))
    assert "passwd" in filled.text
    places = {filled.where(position) for position in range(0, len(filled.text), 20)}
    assert not [place for place in places if "passwd" in place]
