"""The steps of the workflow `pages`, as on a runner: it builds the archive without a state or a secret."""

import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from newsletter.services.archive_folder import LOCK, MANIFEST
from newsletter.starter.github_workflows import workflows
from tests import repositories, runner, samples
from tests.required import need
from tests.runner import Runner

TODAY = datetime.now(UTC).date().isoformat()
EXTRA = "site: https://soup.example.com\nstate: git\nprovider: sendgrid\n"


def build(tmp_path: Path, folder: str) -> tuple[Runner, Path]:
    """Run the step in a checkout; return the runner, and the folder that the last step uploads."""
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
    assert done.exit_code() == 0, done.output
    return machine, machine.checkout / pages["jobs"]["build"]["steps"][-1]["with"]["path"]


@pytest.fixture(scope="module", params=[".", pytest.param("letters/soup", marks=pytest.mark.every_case)])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the archive of a newsletter at the top of its repository, or in a folder of it."""
    return build(tmp_path_factory.mktemp("pages"), request.param)[1]


def test_only_issues_that_are_ready_and_due_are_published(built: Path) -> None:
    assert sorted(path.parent.name for path in built.glob("*/index.html")) == ["2026-04-27", TODAY]
    assert "\nSitemap: https://soup.example.com/sitemap.xml\n" in (built / "robots.txt").read_text()
    feed = (built / "feed.xml").read_text()
    # An issue of the last two weeks is checked, which needs no secret.
    assert all(f"https://soup.example.com/{name}/" in feed for name in ("2026-04-27", TODAY))


def test_github_pages_can_publish_the_files(built: Path) -> None:
    """It wants regular files that everybody may read; hidden files are not uploaded."""
    every = set(built.rglob("*"))
    hidden = {path for path in every if any(part[0] == "." for part in path.relative_to(built).parts)}
    for path in every - hidden:
        about = path.lstat()
        assert about.st_mode & stat.S_IROTH
        assert stat.S_ISDIR(about.st_mode) or (stat.S_ISREG(about.st_mode) and about.st_nlink == 1)
    # No page needs these: one is for a site that Pages builds from a branch, two are for the next build.
    assert {path.name for path in hidden} == {".nojekyll", MANIFEST, LOCK}
    assert not any(one.name in page.read_text() for page in built.rglob("*.html") for one in hidden)


def step(job: str, title: str) -> dict[str, Any]:
    """Return a step of this repository's workflow."""
    (found,) = (one for one in runner.workflow("pages.yml")["jobs"][job]["steps"] if one.get("name") == title)
    assert isinstance(found, dict)
    return found


def outputs(machine: Runner) -> dict[str, str]:
    lines = (machine.folder / "outputs").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def machine(tmp_path: Path) -> Runner:
    """Return a runner that has built an archive of two files, and knows their sitemap."""
    repositories.repository(samples.write(tmp_path / "first"))
    repositories.git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    machine = Runner(tmp_path / "runner", tmp_path / "origin.git", {})
    site = machine.checkout / "site"
    site.mkdir()
    (site / "sitemap.xml").write_text("<urlset>2026-04-27</urlset>")
    (site / "robots.txt").write_text("User-agent: *\nSitemap: https://soup.example.com/sitemap.xml\n")
    assert machine.run(step("build", "Note the sitemap")).exit_code() == 0
    return machine


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve an empty folder on this machine; return it with its address."""
    (tmp_path / "served").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path / "served", f"http://127.0.0.1:{server.server_port}/sitemap.xml"
        server.shutdown()


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [("<urlset>2026-04-27</urlset>", 0), ("<urlset>2026-04-20</urlset>", 1), (None, 1)],
    ids=["published", "old-archive", "no-archive"],
)
def test_a_deploy_that_changed_nothing_is_found(
    content: str | None, exit_code: int, machine: Runner, served: tuple[Path, str]
) -> None:
    need(None if shutil.which("curl") else "curl (Debian: apt install curl)")
    folder, address = served
    if content:
        (folder / "sitemap.xml").write_text(content)
    assert outputs(machine)["address"] == "https://soup.example.com/sitemap.xml"
    machine.values = {
        "needs.build.outputs.sitemap": address,
        "needs.build.outputs.sum": outputs(machine)["sum"],
    }
    verify = step("verify", "Wait until the sitemap is the one that was built")
    assert 44 * verify["env"]["PAUSE"] > 600, "GitHub keeps old answers for ten minutes"
    run = verify["run"].replace("{1..44}", "{1..3}")
    hurried = verify | {"env": verify["env"] | {"PAUSE": 0}, "run": run}
    done = machine.run(hurried)
    assert done.exit_code() == exit_code
    assert ("is not the sitemap of this build" in done.output) == bool(exit_code)


def test_an_archive_without_a_site_is_not_looked_at(machine: Runner) -> None:
    (machine.checkout / "site" / "sitemap.xml").unlink()
    (machine.folder / "outputs").write_text("")
    assert machine.run(step("build", "Note the sitemap")).exit_code() == 0
    assert outputs(machine) == {}
    assert runner.workflow("pages.yml")["jobs"]["verify"]["if"] == "needs.build.outputs.sitemap != ''"
