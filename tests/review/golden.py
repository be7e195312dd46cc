"""The golden reviews: issues with an earlier version, and the Markdown that they must have."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from newsletter import __version__
from newsletter.issue import files
from newsletter.limits.process import run_limited
from newsletter.review import collect, report
from newsletter.review.collect import BranchChanges, Review
from newsletter.review.github_run import GithubRun
from newsletter.review.report import Artifacts
from newsletter.review.text_changes import compare_with
from newsletter.state.git import Repository
from newsletter.state.git_tree import Commit
from tests import samples

FOLDER = Path(__file__).parent.parent / "golden" / "review"
REPOSITORY = "https://github.com/example/soup-letter"
RUN = GithubRun(REPOSITORY, "4f1c2ab" + "0" * 33, "7")
BASE = "9d03e51" + "0" * 33
ARTIFACTS = Artifacts(
    {
        name: f"{REPOSITORY}/actions/runs/7/artifacts/{n}"
        for n, name in enumerate((report.MAIL, report.TEXT, *report.PICTURES), 1)
    }
)

EARLIER = """\
subject: Leek & potato soup, and what else there is on the market
preheader: A soup for the first cold evening of the year.
ready: true
opening:
  - heading: Hello
    text: |
      It is **cold** outside, and the last beans are in the cellar.

      The market has leeks again.
stories:
  - title: Leek and potato soup
    link: https://soup.example.com/leek
    passages:
      - heading: How
        text: |
          Cut the leeks, cook them for an hour with the potatoes, and [blend](https://soup.example.com/blend)
          all of it. Finish with a little cream. It wants a warm plate, and bread.
      - heading: How long
        text: It keeps for two days.
"""
LATER = (
    EARLIER.replace("for an hour with", "for 40 minutes with")
    .replace("a little cream", "vinegar, not cream")
    .replace("      The market has leeks again.\n", "      The market has leeks again, and they are cheap.\n")
    .replace("https://soup.example.com/blend", "https://soup.example.com/mix")
    + "  - title: Bread\n    link: https://soup.example.com/bread\n    passages: [{text: Bake it slowly.}]\n"
)
BROKEN = LATER.replace("two days", "two days, depth is TODO").replace("Bake it", "Bake the the bread")
SENDGRID = "provider: sendgrid\nsend: {undo_window: 90m}\n"
LOWERED = "checks: {clients: {severity: note, reason: our readers have new programs}}\n"


@dataclass(frozen=True)
class Case:
    """A review: the issue, its earlier version, further lines of newsletter.yml, and the artifacts."""

    issue: str
    earlier: str | None = None
    extra: str = ""
    artifacts: Artifacts = ARTIFACTS
    run: GithubRun = RUN


CASES: Mapping[str, Case] = {
    "not-ready": Case(BROKEN, EARLIER, SENDGRID + LOWERED),
    "ready": Case(LATER, EARLIER, SENDGRID),
    "draft": Case(
        LATER.replace("ready: true\n", ""),
        None,
        "",
        Artifacts({}, "build/review", "Chromium is not installed; install it: apt install chromium"),
        GithubRun(),
    ),
    "unreadable": Case(LATER.replace("subject:", "subjct:"), EARLIER),
}
FILES = [FOLDER / f"{name}.md" for name in CASES]


@contextmanager
def reviewed(folder: Path, case: Case) -> Iterator[Review]:
    """Yield the review of a case; the current folder is that of its newsletter meanwhile."""
    samples.write(folder, extra=case.extra, issue=case.issue)
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield _since(collect.review(Path(".")), folder.resolve(), case.earlier)
    finally:
        os.chdir(before)


def _since(review: Review, top: Path, earlier: str | None) -> Review:
    """Return a review as if it had been made in a repository whose base has the earlier version."""
    repository = Repository(top, top / ".git", top / ".git")
    others = (top / "newsletter.yml",) if earlier else ()
    branch = BranchChanges(Commit(repository, "main", BASE), (), (), others, {})
    since = replace(review, branch=branch, repository=repository, is_new=earlier is None)
    if earlier is None or review.checked.proof is None:
        return since
    path = Path("issues/2026-04-27.yml")
    issue = files.load(path)
    return replace(since, text=run_limited(compare_with, earlier.encode(), path, issue))


def content(file: Path, folder: Path) -> str:
    """Return the comment of the case that a golden file's name tells."""
    case = CASES[file.stem]
    with reviewed(folder, case) as review:
        text = report.comment(review, case.run, case.artifacts)
        assert text == report.summary(review, case.run, case.artifacts)
    return text.replace(f"news {__version__}", "news VERSION")
