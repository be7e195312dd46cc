"""The steps of the workflows `send` and `cancel`, as on a runner: a state on a ref, and a SendGrid fake."""

import re
import signal

import pytest

from newsletter.state.state_key import make_state_key
from tests import repositories, runner, samples
from tests.fakes.sendgrid import Fault, SendGridFake
from tests.machines import Machines
from tests.merges import (
    CANCEL,
    HURRIED,
    MAIL,
    REST,
    SEND,
    VANISHING,
    NewRunner,
    commit_and_push,
    everybody,
    mails,
    merge,
    subscribe,
)


def test_a_merge_sends_once_and_the_button_recalls(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 3)
    sent = new_runner().run(SEND)
    assert sent.exit_code() == 0 and "SENT TO ALL 3, HELD BACK UNTIL" in sent.output
    assert "example.com" not in sent.output.replace("soup@example.com", "").replace("cook@example.com", "")
    again = new_runner().run(SEND)
    assert again.exit_code() == 0 and "No issue is due" in again.output
    assert mails(fake) == everybody(3)
    cancelled = new_runner().run(CANCEL)
    assert cancelled.exit_code() == 0 and "CANCELLED: NOBODY GETS IT" in cancelled.output
    assert not mails(fake)


def test_three_quick_merges_are_sent_by_the_run_of_the_last_one(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    """The runs wait for each other, and each one checks out its own commit."""
    subscribe(machines, 2)
    folder = machines.machine()
    commits = []
    for day, soup in (("2026-04-13", "Carrot"), ("2026-05-04", "Beetroot"), ("2026-04-20", "Onion")):
        (folder / "issues" / f"{day}.yml").write_text(samples.ISSUE.replace("Leek & potato", soup))
        commits.append(commit_and_push(machines))
    (folder / "issues" / "2026-04-27.yml").unlink()
    commit_and_push(machines)
    for commit in commits:
        stale = new_runner(commit=commit).run(SEND)
        assert stale.exit_code() == 0 and "Nothing was sent: issues changed" in stale.output
    last = new_runner().run(SEND)
    assert last.exit_code() == 0, last.output
    assert re.findall(r"The Soup Letter · (\S+)", last.output) == ["2026-04-13", "2026-04-20", "2026-05-04"]
    assert mails(fake) == {address: 3 for address in everybody(2)}


def test_an_issue_of_a_later_day_is_named_in_the_summary_of_the_run(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 1)
    folder = machines.machine()
    (folder / "issues" / "2026-04-27.yml").rename(folder / "issues" / "2999-01-07.yml")
    commit_and_push(machines)
    run = new_runner().run(SEND)
    assert run.exit_code() == 0 and "No issue is due" in run.output and not mails(fake)
    notice = "::notice file=issues/2999-01-07.yml,title=Not sent by this run::2999-01-07 is marked ready"
    assert notice in run.output and "60 days without activity" in run.output


def test_a_run_of_an_older_commit_sends_nothing(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    older = merge(machines, samples.ISSUE.replace("Leek", "Leeks"))
    newest = repositories.git(machines.origin, "rev-parse", "main").strip()
    stale = new_runner(commit=older).run(SEND)
    assert stale.exit_code() == 0
    assert stale.output.startswith("Nothing was sent: issues changed since the commit of this run")
    assert f"the run of commit {newest[:10]} sends what is due" in stale.output
    other = new_runner(ref="refs/heads/draft").run(SEND)
    assert other.exit_code() == 0 and "issues are sent from refs/heads/main only" in other.output
    assert not fake.requests


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"secrets.NEWS_STATE_KEY": ""}, "NEWS_STATE_KEY is not set", id="no-key"),
        pytest.param(
            {"secrets.NEWS_STATE_KEY": make_state_key().text}, "was sealed with another key", id="another-key"
        ),
        pytest.param({"secrets.SENDGRID_API_KEY": ""}, "SENDGRID_API_KEY", id="no-key-of-the-provider"),
    ],
)
def test_a_secret_that_is_missing_or_wrong(
    values: dict[str, str], error: str, machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 1)
    before = machines.commit()
    refused = new_runner(values=values).run(SEND)
    assert refused.exit_code() == 1 and error in refused.output
    assert "Traceback" not in refused.output and machines.commit() == before and not mails(fake)


def test_the_last_step_finishes_after_a_killed_process(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 250)
    machine = new_runner(program=HURRIED)
    # The mail of this request is accepted, and nobody hears of it.
    fake.next(None, Fault(seconds=1), path=MAIL)
    killed = machine.start(SEND)
    runner.wait_until(lambda: sum(request.path == MAIL for request in fake.requests) >= 2)
    killed.process.kill()
    assert killed.exit_code() == -signal.SIGKILL
    assert REST["if"] == ("${{ !cancelled() && inputs.finish == 'true' && steps.run.outcome == 'failure' }}")
    rest = machine.run(REST)
    assert rest.exit_code() == 0 and "SENT TO ALL 250" in rest.output
    assert mails(fake) == everybody(250)


def test_a_cancelled_run_saves_and_the_next_one_continues(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    """GitHub sends SIGINT to the process of the step, which is bash without `exec`."""
    subscribe(machines, 700)
    fake.next(*[Fault(seconds=0.5)] * 7, path=MAIL)
    interrupted = new_runner(program=HURRIED, forks=None).start(SEND)
    runner.wait_until(lambda: any(request.path == MAIL for request in fake.requests))
    interrupted.process.send_signal(signal.SIGINT)
    assert interrupted.exit_code() == 3
    assert 0 < len(mails(fake)) < 700
    # Nobody holds the state, so that this run does not wait for a deadline.
    continued = new_runner(program=HURRIED).run(SEND)
    assert continued.exit_code() == 0 and "another machine is sending" not in continued.output
    assert mails(fake) == everybody(700)


@pytest.mark.every_case
def test_another_runner_finishes_after_a_runner_that_vanished(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    """It waits for the time in the state until which the other one may have sent."""
    subscribe(machines, 250)
    fake.next(None, Fault(seconds=1), path=MAIL)
    killed = new_runner(program=VANISHING).start(SEND)
    runner.wait_until(lambda: sum(request.path == MAIL for request in fake.requests) >= 2)
    killed.process.kill()
    assert killed.exit_code() == -signal.SIGKILL
    finished = new_runner(program=VANISHING).run(SEND)
    assert finished.exit_code() == 0 and "another machine is sending" in finished.output
    assert mails(fake) == everybody(250)


@pytest.mark.every_case
def test_the_button_recalls_an_issue_while_another_run_sends_it(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 700)
    fake.next(*[Fault(seconds=1.2)] * 7, path=MAIL)
    machine = new_runner(program=VANISHING)
    sending = machine.start(SEND)
    runner.wait_until(lambda: any(request.path == MAIL for request in fake.requests))
    cancelled = new_runner(program=VANISHING).run(CANCEL)
    assert cancelled.exit_code() == 0 and "CANCELLED: NOBODY GETS IT" in cancelled.output
    # Its next save was lost, or it had ended before; its last step sends nothing either.
    sending.exit_code()
    rest = machine.run(REST)
    assert rest.exit_code() == 0 and "No issue is due" in rest.output
    assert not mails(fake)
