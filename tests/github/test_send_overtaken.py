"""Runs that send while another machine saves, the text is corrected, or a person interrupts them."""

import signal
import sys
from collections import Counter

import pytest

from tests import runner, samples
from tests.fakes.sendgrid import Fault, SendGridFake
from tests.machines import Machines
from tests.merges import (
    FOR_EVER,
    HURRIED,
    MAIL,
    SEND,
    NewRunner,
    commit_and_push,
    everybody,
    mails,
    subscribe,
)

# A hook of the remote: while a push of the runner waits, commands run in the folder of a laptop.
HOOK = """\
#!/bin/sh
test -n "$IN_HOOK" && exit 0
echo push >> pushes
test "$(wc -l < pushes)" = {number} || exit 0
unset GIT_DIR GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
export IN_HOOK=1
cd {folder}
({commands}) > ../hook.log 2>&1
"""
NEWS = f"{sys.executable} -m newsletter"
SENT = f"{NEWS} send --ready --yes"
COMMITTED = "git -c user.name=Ada -c user.email=ada@example.com commit -qam corrected"
PUSHED = f"{COMMITTED} && git push -q origin HEAD:main"


def while_pushing(machines: Machines, commands: str, number: int = 1) -> None:
    """Run commands on the first machine while a push of the runner waits, by default its first one."""
    hook = machines.origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(number=number, folder=machines.machine(), commands=commands))
    hook.chmod(0o755)


def add_issue(machines: Machines) -> None:
    """Merge a second issue, which is due too."""
    issue = machines.machine() / "issues" / "2026-05-04.yml"
    issue.write_text(samples.ISSUE.replace("Leek & potato", "Beetroot"))
    commit_and_push(machines)


def subjects(fake: SendGridFake) -> Counter[str]:
    return Counter(delivery.subject for delivery in fake.delivered_by(FOR_EVER))


def test_a_run_that_another_one_overtakes_sends_nothing_and_reports_what_was_sent(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 3)
    while_pushing(machines, SENT)
    overtaken = new_runner().run(SEND)
    assert overtaken.exit_code() == 0, overtaken.output
    assert "Another machine saved its state first" in overtaken.output
    assert overtaken.output.count("SENT TO ALL 3") == 1
    assert mails(fake) == everybody(3)


def test_a_send_that_somebody_cancels_meanwhile_is_no_success(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 3)
    while_pushing(machines, f"{SENT}; {NEWS} cancel 2026-04-27 --yes")
    overtaken = new_runner().run(SEND)
    assert overtaken.exit_code() == 3, overtaken.output
    assert "CANCELLED: NOBODY GETS IT" in overtaken.output and not mails(fake)


def test_an_issue_that_is_corrected_during_the_run_is_left_to_the_run_of_the_correction(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 3)
    add_issue(machines)
    while_pushing(machines, f"sed -i s/Beetroot/Carrot/ issues/2026-05-04.yml && {PUSHED}")
    older = new_runner().run(SEND)
    assert older.exit_code() == 0 and "Nothing more was sent: issues changed" in older.output
    assert subjects(fake) == {"Leek & potato": 3}
    newer = new_runner().run(SEND)
    assert newer.exit_code() == 0 and subjects(fake) == {"Leek & potato": 3, "Carrot": 3}


@pytest.mark.every_case
def test_an_older_text_does_not_take_the_place_of_a_cancelled_one(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    """An issue whose send was cancelled is sent again if its text differs, as a correction does."""
    subscribe(machines, 3)
    corrected = f"sed -i s/Leek/Onion/ issues/2026-04-27.yml && {PUSHED}"
    while_pushing(machines, f"{corrected} && {SENT}; {NEWS} cancel 2026-04-27 --yes")
    older = new_runner().run(SEND)
    assert older.exit_code() == 0, older.output
    assert "Nothing more was sent: issues changed" in older.output and not mails(fake)


def test_a_result_of_an_earlier_try_counts(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 3)
    add_issue(machines)
    fake.next(*[Fault.status(400, "a bad request")] * 4, path=MAIL)
    # The first issue is saved twice: before its call, and at its end.
    while_pushing(machines, f"{NEWS} subscribers add late@example.com", number=3)
    run = new_runner().run(SEND)
    assert "Another machine saved its state first" in run.output
    assert subjects(fake)["Beetroot"] == 4 and subjects(fake)["Leek & potato"] < 3
    assert run.exit_code() == 3


def test_an_interrupted_run_looks_for_nothing_else(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 3)
    add_issue(machines)
    pid = machines.folder / "pid"
    interrupt = f"while test ! -s {pid}; do sleep 0.05; done; kill -INT $(cat {pid}); sleep 0.3"
    while_pushing(machines, f"{interrupt}; {NEWS} subscribers add late@example.com")
    started = new_runner().start(SEND)
    pid.write_text(str(started.process.pid))
    assert started.exit_code() == 3 and not mails(fake)
    assert "Stopping after the calls in flight" in started.output


@pytest.mark.every_case
def test_no_further_issue_begins_after_an_interrupt(
    machines: Machines, fake: SendGridFake, new_runner: NewRunner
) -> None:
    subscribe(machines, 3)
    add_issue(machines)
    fake.next(Fault(seconds=1), path=MAIL)
    started = new_runner(program=HURRIED).start(SEND)
    runner.wait_until(lambda: any(request.path == MAIL for request in fake.requests))
    started.process.send_signal(signal.SIGINT)
    assert started.exit_code() == 3
    assert subjects(fake) == {"Leek & potato": 3}
