"""The step of the workflow `pages` that builds the archive, as on a runner: it has no state and no secret."""

import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from newsletter.starter.github_workflows import workflows
from tests import repositories, runner, samples
from tests.runner import Runner

TODAY = datetime.now(UTC).date().isoformat()
EXTRA = "site: https://soup.example.com\nstate: git\nprovider: sendgrid\n"


def build(tmp_path: Path, folder: str) -> tuple[runner.StepProcess, Path]:
    """Run the step in a checkout; return it, and the folder that the next step uploads."""
    options = replace(runner.OWN_WORKFLOWS, folder=folder)
    (text,) = (text for path, text in workflows(options).items() if path.name.startswith("pages"))
    pages = yaml.safe_load(text)
    newsletter = samples.write(repositories.repository(tmp_path / "first") / folder, extra=EXTRA)
    for name, issue in {
        "2026-04-20": samples.ISSUE.replace("ready: true", "ready: false"),
        "2026-05-04": samples.ISSUE + "archive: false\n",
        TODAY: samples.ISSUE.replace("Leek & potato", "Beetroot"),
        "2999-01-07": samples.ISSUE,
    }.items():
        (newsletter / "issues" / f"{name}.yml").write_text(issue)
    repositories.commit(tmp_path / "first")
    repositories.git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    machine = Runner(tmp_path / "runner", tmp_path / "origin.git", {})
    done = machine.run(runner.called_step(pages, "build", "news", "Run the command"))
    return done, machine.checkout / pages["jobs"]["build"]["steps"][-1]["with"]["path"]


@pytest.fixture(scope="module", params=[".", pytest.param("letters/soup", marks=pytest.mark.every_case)])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the archive of a newsletter at the top of its repository, or in a folder of it."""
    done, site = build(tmp_path_factory.mktemp("pages"), request.param)
    assert done.exit_code() == 0, done.output
    return site


def test_only_issues_that_are_ready_and_due_are_published(built: Path) -> None:
    assert sorted(path.parent.name for path in built.glob("*/index.html")) == ["2026-04-27", TODAY]
    feed = (built / "feed.xml").read_text()
    # An issue of the last two weeks is checked, which needs no secret.
    assert all(f"https://soup.example.com/{name}/" in feed for name in ("2026-04-27", TODAY))


def test_github_pages_can_publish_the_files(built: Path) -> None:
    """It wants regular files that everybody may read; hidden files are not uploaded."""
    every = list(built.rglob("*"))
    for path in every:
        about = path.lstat()
        assert about.st_mode & stat.S_IROTH
        assert stat.S_ISDIR(about.st_mode) or (stat.S_ISREG(about.st_mode) and about.st_nlink == 1)
    hidden = {path for path in every if any(part[0] == "." for part in path.relative_to(built).parts)}
    # No page needs these: one is for a site that Pages builds from a branch, one for the next build.
    assert {path.name for path in hidden} == {".nojekyll", ".news-archive.json"}
    assert not any(one.name in page.read_text() for page in built.rglob("*.html") for one in hidden)
