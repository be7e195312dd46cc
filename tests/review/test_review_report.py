"""Tests of the Markdown of a review: whole comments, and their limits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from newsletter.config.model import Send
from newsletter.errors import Problem
from newsletter.review import report
from newsletter.review.collect import Review
from newsletter.review.github_run import GithubRun
from newsletter.review.report import Artifacts
from tests.review import golden
from tests.review.golden import CASES, RUN, reviewed


@pytest.mark.parametrize("file", golden.FILES, ids=lambda file: file.stem)
def test_a_review_is_the_expected_one(file: Path, tmp_path: Path) -> None:
    assert golden.content(file, tmp_path) == file.read_text(encoding="utf-8"), "run `make golden`"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Review:
    """Return the review of a ready issue without problems; SendGrid holds its mail back for 90 minutes."""
    with reviewed(tmp_path_factory.mktemp("letter"), CASES["ready"]) as review:
        return review


def with_problems(review: Review, problems: Sequence[Problem]) -> Review:
    return replace(review, checked=replace(review.checked, problems=problems))


def with_settings(review: Review, is_ready: bool = True, **settings: Any) -> Review:
    """Return a review of an issue that is ready or not, with other settings in newsletter.yml."""
    proof = review.checked.proof
    assert proof
    config = proof.newsletter.config.model_copy(update=settings)
    issue = proof.issue.model_copy(update={"ready": is_ready})
    changed = replace(proof, issue=issue, newsletter=replace(proof.newsletter, config=config))
    return replace(review, checked=replace(review.checked, proof=changed))


def test_a_comment_is_cut_after_a_line_and_keeps_its_links_and_its_end(ready: Review) -> None:
    many = [Problem(f"{ready.checked.path}:{n}", f"ü{'x' * 200}", "", "note") for n in range(900)]
    long = with_problems(ready, many)
    comment = report.comment(long, golden.RUN, golden.ARTIFACTS)
    summary = report.summary(long, golden.RUN, golden.ARTIFACTS)
    whole = report.comment(ready, golden.RUN, golden.ARTIFACTS)
    assert 59_000 < len(comment) <= report.MAX_COMMENT_CHARACTERS
    assert len(comment) < len(summary.encode()) < report.MAX_SUMMARY_BYTES
    body, _, end = comment.partition("\n\n</details>\n\n*The rest is left out")
    assert body.endswith("|  |") and comment.count("<details>") == comment.count("</details>")
    assert f"[summary of this run]({golden.REPOSITORY}/actions/runs/7)" in end
    assert end.partition("### See it")[2] == whole.partition("### See it")[2] != ""
    assert "The rest is left out" not in summary + whole


def test_a_comment_in_any_language_fits_into_a_variable(ready: Review) -> None:
    comment = report.comment(
        with_problems(ready, [Problem("", "語" * 490)] * 300), golden.RUN, golden.ARTIFACTS
    )
    assert 115_000 < len(comment.encode()) <= report.MAX_COMMENT_BYTES
    assert comment.endswith("</sub>\n")


def test_a_summary_is_limited_in_bytes(ready: Review) -> None:
    many = with_problems(ready, [Problem("", "ü" * 490, "ü" * 490)] * 1000)
    summary = report.summary(many, GithubRun(), Artifacts())
    assert 990_000 < len(summary.encode()) <= report.MAX_SUMMARY_BYTES
    assert "too long for a summary" in summary


SEND = Send(undo_window="off")


@pytest.mark.parametrize(
    ("change", "alert", "heading", "window"),
    [
        pytest.param({}, "TIP", "Ready: merging sends it", "90 min", id="ready"),
        pytest.param(
            {"send": SEND}, "TIP", "Ready: merging sends it", "none: `send.undo_window` is off", id="off"
        ),
        pytest.param(
            {"provider": "smtp"},
            "TIP",
            "Ready: merging sends it",
            "none: `smtp` cannot hold mail back",
            id="smtp",
        ),
        pytest.param(
            {"provider": "outbox"},
            "NOTE",
            "Ready, but merging sends no mail",
            "none: `outbox` sends nothing",
            id="outbox",
        ),
        pytest.param(
            {"is_ready": False}, "NOTE", "A draft: no errors, and not marked ready", "90 min", id="draft"
        ),
    ],
)
def test_the_verdict_is_the_first_that_is_seen(
    ready: Review, change: dict[str, Any], alert: str, heading: str, window: str
) -> None:
    comment = report.comment(with_settings(ready, **change), golden.RUN, golden.ARTIFACTS)
    lines = comment.splitlines()
    assert lines[:3] == ["<!-- news-review -->", f"> [!{alert}]", f"> ### {heading}"]
    assert lines[7].split(" | ")[1] == window
    assert ("cannot be cancelled" in comment) == (alert == "TIP" and "none" in window)


def test_errors_and_warnings_are_counted_over_all_issues(ready: Review) -> None:
    error, warning = Problem("a", "b"), Problem("a", "b", "", "warning")
    warned = report.comment(with_problems(ready, [warning]), golden.RUN, golden.ARTIFACTS)
    assert "[!TIP]" in warned and "look at 1 warning below" in warned
    further = (replace(ready.checked, path="issues/2026-05-04.yml", problems=[error, error]),)
    other = report.comment(replace(ready, further=further), golden.RUN, golden.ARTIFACTS)
    assert "Not ready: 2 errors stop the send" in other and "an issue of this branch would" in other
    assert "<summary>Problems of issues/2026-05-04.yml</summary>" in other


def test_the_marker_names_the_folder_of_the_newsletter(ready: Review) -> None:
    first = report.comment(replace(ready, folder="letters/one --> @x"), GithubRun(), Artifacts())
    assert first.splitlines()[0] == "<!-- news-review letters/one______x -->"
    assert first.startswith(report.MARKER)


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="none"),
        pytest.param({"GITHUB_REPOSITORY": "a/b) ![x](y"}, id="repository"),
        pytest.param({"GITHUB_SERVER_URL": "javascript:alert(1)"}, id="server"),
    ],
)
def test_without_valid_variables_of_a_runner_there_are_no_links(variables: dict[str, str]) -> None:
    valid = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "a" * 40}
    run = GithubRun.of(valid | variables if variables else {})
    assert (run.run, run.commit("a" * 40), run.line(Path("a"), 1)) == (None, None, None)
    assert GithubRun.of(valid | {"GITHUB_RUN_ID": "12)"}).run is None


def test_a_line_of_an_issue_in_markdown_is_linked_in_its_text() -> None:
    path = Path("issues/2026-05-04.md")
    assert RUN.line(path, 12) == f"{RUN.repository}/blob/{RUN.sha}/issues/2026-05-04.md?plain=1#L12"
    assert RUN.line(path, None) == f"{RUN.repository}/blob/{RUN.sha}/issues/2026-05-04.md"
    assert str(RUN.line(path.with_suffix(".yml"), 12)).endswith("issues/2026-05-04.yml#L12")
