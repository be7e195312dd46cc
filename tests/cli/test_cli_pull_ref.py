"""Pulls with the state on a Git ref: each is saved there, and none runs beside a send."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.sending.model import NextChunk
from newsletter.services.state_sync import StateSync
from tests import samples
from tests.fakes import imap
from tests.fakes.imap import ImapFake
from tests.fakes.sendgrid import Fault, SendGridFake
from tests.machines import Machines

News = Callable[..., Result]
PEOPLE = ("ada@example.com", "bo@example.com")


@pytest.fixture
def fake() -> Iterator[SendGridFake]:
    with SendGridFake() as service:
        yield service


@pytest.fixture
def mailbox() -> Iterator[ImapFake]:
    with ImapFake() as service:
        yield service


@pytest.fixture
def machines(tmp_path: Path, fake: SendGridFake, mailbox: ImapFake) -> Machines:
    """Machines of a newsletter that reads SendGrid's lists, and sign-ups by mail."""
    provider = f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\nsend: {{undo_window: \"off\"}}\n"
    account = f"host: 127.0.0.1, port: {mailbox.port}, security: none, username: leave@example.com"
    pull = f"pull: {{sendgrid: true, imap: {{{account}}}}}\nsign_up: {{mailto: join@example.com}}\n"
    return Machines(tmp_path, extra=provider + pull)


@pytest.fixture
def news(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> News:
    """Runs `news` on a machine, `first` or another one; two people are on the list."""
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "NEWS_STATE_KEY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("newsletter.state.state_ref._PAUSE_SECONDS", 0.01)
    secrets = {"SENDGRID_API_KEY": "SG.fake", "IMAP_PASSWORD": imap.PASSWORD, "IMAP_HOST": "127.0.0.1"}

    def run(*arguments: str, on: str = "first") -> Result:
        environment = {"NEWS_STATE_KEY": machines.key.text, **secrets, **samples.KEY_HOSTS}
        return CliRunner().invoke(main, ["-C", str(machines.machine(on)), *arguments], env=environment)

    assert run("state", "init").exit_code == 0
    for address in PEOPLE:
        assert run("subscribers", "add", address).exit_code == 0
    return run


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def test_another_machine_has_what_was_pulled(news: News, machines: Machines, fake: SendGridFake) -> None:
    before = machines.commit()
    fake.suppress("unsubscribes", PEOPLE[0], soon())
    assert news("unsubscribes", "pull").exit_code == 0
    assert machines.commit() != before
    assert PEOPLE[0] in news("subscribers", "list", "--state", "unsubscribed", on="second").output


def test_a_dry_run_saves_nothing(news: News, machines: Machines, fake: SendGridFake) -> None:
    before = machines.commit()
    fake.suppress("unsubscribes", PEOPLE[0], soon())
    assert "1 left the list" in news("unsubscribes", "pull", "--dry-run").output
    assert machines.commit() == before


def test_a_send_on_a_runner_reads_first(news: News, fake: SendGridFake) -> None:
    fake.suppress("spam_reports", PEOPLE[0], soon())
    sent = news("send", "--ready", "--yes", on="runner")
    assert sent.exit_code == 0, sent.output
    assert [delivery.address for delivery in fake.deliveries] == [PEOPLE[1]]
    assert PEOPLE[0] in news("subscribers", "list", "--state", "complained").output


def test_a_pull_that_fails_saves_what_the_other_places_had(
    news: News, machines: Machines, fake: SendGridFake
) -> None:
    fake.next(Fault.status(500), path="/v3/suppression/bounces")
    fake.suppress("unsubscribes", PEOPLE[0], soon())
    assert news("send", "--ready", "--yes", on="runner").exit_code == 1
    assert fake.deliveries == []
    assert PEOPLE[0] in news("subscribers", "list", "--state", "unsubscribed").output


@pytest.mark.parametrize("command", ["unsubscribes", "signups"])
def test_a_pull_is_refused_while_another_machine_sends(
    news: News, machines: Machines, fake: SendGridFake, mailbox: ImapFake, command: str
) -> None:
    with StateSync.open(machines.newsletter("second")) as other:
        other.pull()
        other.save([NextChunk(1, 1, 1)], datetime.now(UTC) + timedelta(minutes=5))
    done = news(command, "pull")
    assert done.exit_code == 1 and "is sending now, until" in done.output
    assert fake.connections == mailbox.connections == 0


def test_mail_to_confirm_is_sent_once_by_all_machines(
    news: News, machines: Machines, fake: SendGridFake, mailbox: ImapFake
) -> None:
    mailbox.deliver(b"From: reader@example.com\r\nSubject: subscribe\r\n\r\n")
    assert "1 mail about sign-ups sent." in news("signups", "pull", on="runner").output
    before = machines.commit()
    for name in ("first", "another"):
        done = news("signups", "pull", on=name)
        assert done.exit_code == 0 and "0 read" in done.output and "sent" not in done.output
    assert len(fake.deliveries) == 1 and machines.commit() != before


def test_a_machine_that_ends_during_the_call_does_not_send_again(
    news: News, machines: Machines, fake: SendGridFake, mailbox: ImapFake
) -> None:
    """The mail was recorded on the ref before the call, whose reply never came."""
    mailbox.deliver(b"From: reader@example.com\r\nSubject: subscribe\r\n\r\n")
    fake.next(Fault.reply_lost(), path="/v3/mail/send")
    news("signups", "pull", on="runner")
    news("signups", "pull", on="second")
    assert len(fake.deliveries) == 1
