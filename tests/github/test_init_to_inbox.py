"""From `news init --github` to the mail of readers, with a repository and a SendGrid key alone."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from tests import repositories, runner
from tests.fakes.sendgrid import SendGridFake
from tests.forks import ForkServer
from tests.runner import Runner

INIT = (
    *("init", "--github", "--repository", "example/newsletter"),
    *("--action", "example/news@0123456789abcdef0123456789abcdef01234567"),
)
# The variables of the tests' own machine that a laptop does not have.
LAPTOP: Mapping[str, None] = dict.fromkeys(
    ("CI", "GITHUB_ACTIONS", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "NEWS_STATE_KEY", "NEWS_STATE_DIR")
)
PEOPLE = [f"reader{n}@example.com" for n in range(5)]


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    """Return an empty repository whose remote is empty too."""
    folder = tmp_path / "soup-letter"
    repositories.repository(folder)
    repositories.git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    repositories.git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    return folder


def news(folder: Path, *arguments: str) -> str:
    """Run a command of news on the laptop; return its output."""
    done = CliRunner().invoke(main, ["-C", str(folder), *arguments], env=LAPTOP)
    assert done.exit_code == 0, done.output
    return done.output


def replace(file: Path, *texts: tuple[str, str]) -> None:
    """Edit a file of the newsletter."""
    content = file.read_text()
    for before, after in texts:
        assert before in content
        content = content.replace(before, after)
    file.write_text(content)


def push(folder: Path) -> None:
    repositories.commit(folder)
    repositories.git(folder, "push", "-q", "origin", "main")


def fill_in(folder: Path, host: str) -> None:
    """Replace each TODO."""
    replace(
        folder / "newsletter.yml",
        ("TODO@example.com", "soup@example.com"),
        ("TODO: name, street, town", "1 Kitchen Road, Example City"),
        ('{url: "https://example.com/TODO/{token}"}', "{sendgrid_group: 12345}"),
        ("provider: sendgrid", f"provider: sendgrid\nsendgrid: {{host: '{host}'}}"),
    )


def send_step(machine: Runner) -> Mapping[str, object]:
    """Return the step that sends, from the workflow in the checkout of a runner."""
    workflow = runner.read(machine.checkout / ".github" / "workflows" / "send.yml")
    assert workflow["jobs"]["send"]["if"] == "github.repository == 'example/newsletter'"
    return runner.called_step(workflow, "send", "news", "Run the command")


def test_from_init_to_accepted_mail(laptop: Path, fake: SendGridFake, forks: ForkServer) -> None:
    steps = news(laptop, *INIT)
    assert "gh secret set NEWS_STATE_KEY" in steps and "gh secret set SENDGRID_API_KEY" in steps
    refused = CliRunner().invoke(main, ["-C", str(laptop), "check"], env=LAPTOP)
    assert refused.exit_code == 1 and refused.output.count(": error: unfinished: ") == 3
    fill_in(laptop, fake.url)
    (issue,) = (laptop / "issues").iterdir()
    # The key is for another host than SendGrid's own, so that the workflows have to name it.
    for workflow in (laptop / ".github" / "workflows").iterdir():
        workflow.unlink()
    news(laptop, *INIT)
    assert "no problems found" in news(laptop, "check")
    push(laptop)

    created = news(laptop, "state", "init")
    (key,) = re.findall(r"nsk1_[A-Z2-7]+", created)
    (laptop.parent / "list.csv").write_text("address\n" + "\n".join(PEOPLE))
    news(laptop, "subscribers", "import", str(laptop.parent / "list.csv"))

    values = {
        "secrets.NEWS_STATE_KEY": key,
        "secrets.SENDGRID_API_KEY": fake.key,
        "vars.SENDGRID_HOST": "127.0.0.1",
        "github.token": "ghs_example",
    }

    def run(name: str) -> str:
        machine = Runner(laptop.parent / name, laptop.parent / "origin.git", values, forks=forks)
        done = machine.run(send_step(machine))
        assert done.exit_code() == 0, done.output
        return done.output

    assert "No issue is due" in run("a-draft")
    replace(issue, ("ready: false", "ready: true"))
    push(laptop)
    sent = run("the-merge")
    assert "SENT TO ALL 5, HELD BACK UNTIL" in sent and not any(person in sent for person in PEOPLE)
    assert "No issue is due" in run("once-more")
    assert Counter(mail.address for mail in fake.delivered_by(4e9)) == dict.fromkeys(PEOPLE, 1)
    assert "SENT TO ALL 5, HELD BACK UNTIL" in news(laptop, "status", issue.stem)
