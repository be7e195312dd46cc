"""Conflict markers of Git are never mailed: in an issue, in newsletter.yml and in templates."""

from pathlib import Path

import pytest

from newsletter.checks.content.conflict_markers import conflicts
from newsletter.checks.proof import Proof
from newsletter.checks.settings import refuse_invalid
from newsletter.config import loader
from newsletter.conflict_markers import conflict_markers
from newsletter.errors import ConfigError, NewsError, TemplateError
from newsletter.issue import files
from newsletter.render.model import Rendered
from newsletter.services.prepare import proof
from tests import samples

TEXT = "text: It is **cold** outside."


def problems(folder: Path) -> list[str]:
    """Return `file:line severity` of each conflict marker that is found."""
    try:
        newsletter = loader.load(folder, {}, review=True)
        issue = files.load(files.find(newsletter.issues), folder)
        found = list(conflicts(Proof(issue, Rendered("", "", "", ""), newsletter)))
    except NewsError as refused:
        found = list(refused.problems)
    return [
        f"{problem.where.rpartition('/')[2]} {problem.severity}"
        for problem in found
        if "conflict marker" in problem.what
    ]


def in_text(folder: Path, text: str) -> list[str]:
    indented = "\n".join(f"      {line}" for line in text.split("\n"))
    return problems(samples.write(folder, issue=samples.ISSUE.replace(TEXT, f"text: |\n{indented}")))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("<<<<<<< HEAD\nA\n=======\nB\n>>>>>>> main", [7, 9, 11], id="git"),
        pytest.param("<<<<<<< a\nA\n||||||| b\nB\n=======\nC\n>>>>>>> c", [7, 9, 11, 13], id="diff3"),
        pytest.param("A\n||||||| 3f2a1b9\nB", [8], id="base-only"),
        pytest.param("A\n\n|||||||\n\nB", [9], id="bars"),
        pytest.param("A\n<<<<<<< Updated upstream", [8], id="stash"),
        pytest.param("A\n=======\nB\n>>>>>>> feature/soup", [8, 10], id="half-resolved"),
        pytest.param("<<<<<<< .mine\nA\n=======\nB\n>>>>>>> .r42", [7, 9, 11], id="subversion"),
        pytest.param("<<<<<<< 1 of 1\n%%%%%%% from\n-a\n+++++++ to\nb\n>>>>>>> end", [7, 8, 10, 12], id="jj"),
        pytest.param("- A\n\n  <<<<<<< HEAD\n- B", [9], id="in-a-list"),
        pytest.param("> A\n> <<<<<<< HEAD", [8], id="in-a-quotation"),
    ],
)
def test_markers_in_a_text_are_errors_with_their_lines(tmp_path: Path, text: str, lines: list[int]) -> None:
    assert in_text(tmp_path, text) == [f"2026-04-27.yml:{line} error" for line in lines]


@pytest.mark.parametrize("fence", ["```", "~~~~", "- ```", "> ```"])
def test_markers_in_a_block_of_code_are_notes(tmp_path: Path, fence: str) -> None:
    rest = "  " if fence.startswith("-") else "> " if fence.startswith(">") else ""
    end = fence.lstrip("->").strip()
    text = f"{fence}\n{rest}<<<<<<< HEAD\n{rest}A\n{rest}=======\n{rest}>>>>>>> main\n{rest}{end}\n\nB"
    assert in_text(tmp_path, text) == [f"2026-04-27.yml:{line} note" for line in (8, 10, 11)]


@pytest.mark.parametrize(
    "text",
    [
        "Soup\n=======\n\nLeek\n-------",
        "`<<<<<<< HEAD` and ``a ` >>>>>>> b`` are code.",
        "1 << 7 >> 3, <<<<<<<< and >>>>>>>soup",
        "> A\n>> B\n>>>>>>> C",
        "| a | b | c |\n|---|---|---|\n|||||||",
        "+++++++ and %%%%%%% are fine.",
    ],
)
def test_other_lines_are_left_alone(tmp_path: Path, text: str) -> None:
    assert in_text(tmp_path, text) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("subject: Leek", "<<<<<<< HEAD\nsubject: Leek", ["1 error"], id="key"),
        pytest.param("ready: true\n", "=======\nready: true\n>>>>>>> b\n", ["3 error", "5 error"], id="end"),
        pytest.param(TEXT, "text: |\n      Hi\n<<<<<<< HEAD\n      A", ["8 error"], id="block"),
        pytest.param(TEXT, 'text: "Hi\n<<<<<<< HEAD\n  A"', ["7 error"], id="quoted"),
        pytest.param("Leek & potato\n", ">-\n  Leek\n  <<<<<<< HEAD\n  soup\n", ["3 error"], id="subject"),
    ],
)
def test_a_marker_between_the_keys_of_an_issue_has_its_line(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    samples.write(tmp_path, issue=samples.ISSUE.replace(old, new, 1))
    assert problems(tmp_path) == [f"2026-04-27.yml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        pytest.param("<<<<<<< HEAD\nlanguage: en\n=======\nlanguage: de\n>>>>>>> b\n", 6, id="key"),
        pytest.param('labels:\n  reason: "You get this.\n<<<<<<< HEAD\n   Bye."\n', 7, id="quoted"),
    ],
)
def test_a_marker_in_newsletter_yml_is_an_error(tmp_path: Path, extra: str, line: int) -> None:
    samples.write(tmp_path, extra=extra)
    assert problems(tmp_path)[0] == f"newsletter.yml:{line} error"


@pytest.mark.parametrize("name", ["footer.mjml.j2", "layout.txt.j2"])
def test_a_marker_in_a_template_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    samples.write(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / name).write_text("{# 1 #}\n<<<<<<< HEAD\nA\n=======\nB\n>>>>>>> b\n")
    with pytest.raises(TemplateError) as refused:
        proof(loader.load(tmp_path, {}, review=True), files.load(tmp_path / "issues" / "2026-04-27.yml"))
    (problem,) = refused.value.problems
    assert problem.place == (f"templates/{name}", 2) and problem.what.endswith("<<<<<<< HEAD")


def test_no_setting_lowers_it(tmp_path: Path) -> None:
    samples.write(tmp_path, extra='checks: {conflict-markers: {severity: note, reason: "ours"}}\n')
    with pytest.raises(ConfigError, match="conflict-markers is always an error"):
        refuse_invalid(loader.load(tmp_path, {}, review=True))


def test_a_large_text_is_searched_in_time() -> None:
    assert len(conflict_markers("<<<<<<< a ======= " * 20_000)) == 39_999
