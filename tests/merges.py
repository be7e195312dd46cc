"""Sends that a merge starts: the steps of the workflows, subscribers, and the mail at a SendGrid fake."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import yaml
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.starter.github_workflows import workflows
from tests import repositories, runner, samples
from tests.fakes.sendgrid import SendGridFake
from tests.machines import Machines
from tests.runner import Runner

# The workflows of a newsletter whose key is for the host of a SendGrid fake.
WORKFLOWS = {
    path.stem: yaml.safe_load(text)
    for path, text in workflows(replace(runner.OWN_WORKFLOWS, has_own_host=True)).items()
}
SEND = runner.called_step(WORKFLOWS["send"], "send", "news", "Run the command")
REST = runner.called_step(WORKFLOWS["send"], "send", "news", "Finish after a failure")
CANCEL = runner.called_step(WORKFLOWS["cancel"], "cancel", "news", "Run the command")
MAIL = "/v3/mail/send"
FOR_EVER = 4e9
# A lost request is recalled after so many seconds; a request has 100 recipients (tests.killed).
HURRIED, VANISHING = ("tests.killed", "1.6"), ("tests.killed_runner", "1.6")

NewRunner = Callable[..., Runner]


def subscribe(machines: Machines, people: int) -> None:
    """Save a state with subscribers on the ref, from the first machine."""
    list_file = machines.folder / "list.csv"
    list_file.write_text("address\n" + "".join(f"reader{n}@example.com\n" for n in range(people)))
    # The state of a laptop: the variables of the tests' own machine are of no interest.
    laptop = {name: "" for name in ("CI", "GITHUB_ACTIONS", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY")}
    for command in (["state", "init"], ["subscribers", "import", str(list_file)]):
        done = CliRunner().invoke(
            main,
            ["-C", str(machines.machine()), *command],
            env={**laptop, "NEWS_STATE_KEY": machines.key.text},
        )
        assert done.exit_code == 0, done.output


def merge(machines: Machines, issue: str) -> str:
    """Merge another text of the issue into the default branch; return the commit before."""
    before = repositories.git(machines.origin, "rev-parse", "main").strip()
    samples.write(machines.machine(), extra=_extra(machines), issue=issue)
    commit_and_push(machines)
    return before


def _extra(machines: Machines) -> str:
    return (machines.machine() / "newsletter.yml").read_text().removeprefix(samples.NEWSLETTER)


def mails(fake: SendGridFake) -> Counter[str]:
    """Count the mails that each address gets if nothing else happens."""
    return Counter(delivery.address for delivery in fake.delivered_by(FOR_EVER))


def everybody(people: int) -> dict[str, int]:
    return {f"reader{n}@example.com": 1 for n in range(people)}


def commit_and_push(machines: Machines) -> str:
    """Commit all files of the first machine, and push them to the default branch; return the commit."""
    repositories.commit(machines.machine())
    repositories.git(machines.machine(), "push", "-q", "origin", "HEAD:main")
    return repositories.git(machines.machine(), "rev-parse", "HEAD").strip()
