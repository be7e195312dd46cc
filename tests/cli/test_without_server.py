"""A newsletter with no server at all: people sign up, confirm, get issues, and leave, all by mail."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import samples
from tests.fakes import imap
from tests.fakes.imap import ImapFake
from tests.fakes.sendgrid import Delivery, Fault, SendGridFake

News = Callable[..., Result]
READER = "reader@example.com"
NEWSLETTER = """\
name: The Soup Letter
sender: {{name: The Soup Letter, email: soup@example.com}}
postal_address: 1 Kitchen Road, Example City
unsubscribe: {{mailto: leave@example.com}}
sign_up: {{mailto: join@example.com}}
pull: {{imap: {{host: 127.0.0.1, port: {port}, security: none, username: leave@example.com}}}}
provider: sendgrid
sendgrid: {{host: '{url}'}}
send: {{undo_window: "off", list_change: "off"}}
"""


@pytest.fixture
def fake() -> Iterator[SendGridFake]:
    with SendGridFake() as service:
        yield service


@pytest.fixture
def mailbox() -> Iterator[ImapFake]:
    with ImapFake() as service:
        yield service


@pytest.fixture
def news(tmp_path: Path, fake: SendGridFake, mailbox: ImapFake, monkeypatch: pytest.MonkeyPatch) -> News:
    """Runs `news` in a newsletter that people reach by mail only."""
    monkeypatch.chdir(samples.write(tmp_path))
    (tmp_path / "newsletter.yml").write_text(NEWSLETTER.format(port=mailbox.port, url=fake.url))
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    secrets = {"SENDGRID_API_KEY": "SG.fake", "IMAP_PASSWORD": imap.PASSWORD, "IMAP_HOST": "127.0.0.1"}
    for name, value in {**secrets, **samples.KEY_HOSTS}.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def write(
    mailbox: ImapFake, sender: str, to: str, subject: str, *, after: timedelta = timedelta(), **headers: str
) -> None:
    lines = {"From": sender, "To": to, "Subject": subject, "Return-Path": f"<{sender}>"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    # Servers write seconds; the tests run within one.
    mailbox.deliver(f"{head}\r\nhello\r\n".encode(), datetime.now(UTC) + timedelta(seconds=1) + after)


def answer(mailbox: ImapFake, mail: Delivery, **headers: str) -> None:
    """Answer a mail as mail programs do."""
    write(
        mailbox,
        mail.address,
        "join@example.com",
        f"Re: {mail.subject}",
        In_Reply_To=mail.headers["Message-ID"],
        **headers,
    )


def state(folder: Path, address: str = READER) -> str | None:
    with closing(sqlite3.connect(folder / ".news" / "news.db")) as connection:
        row = connection.execute("select state from subscriber where address = ?", (address,)).fetchone()
    return row[0] if row else None


def test_a_reader_signs_up_confirms_gets_the_next_issue_and_leaves_by_mail(
    news: News, fake: SendGridFake, mailbox: ImapFake, tmp_path: Path
) -> None:
    write(mailbox, READER, "join@example.com", "subscribe")
    asked = news("signups", "pull")
    assert asked.exit_code == 0, asked.output
    assert asked.output.splitlines() == [
        "sign-ups by mail  1 read, 1 asked to sign up, 0 confirmed",
        "1 mail about sign-ups sent.",
    ]
    (mail,) = fake.deliveries
    assert mail.address == READER and "Answer this mail" in mail.text
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    assert state(tmp_path) is None

    answer(mailbox, mail)
    sent = news("send", "--issue", "2026-04-27", "--yes")
    assert sent.exit_code == 0, sent.output
    assert "1 confirmed" in sent.output
    issue = fake.deliveries[-1]
    assert issue.address == READER and issue.subject == "Leek & potato"
    assert state(tmp_path) == "active"

    link = issue.headers["List-Unsubscribe"].strip("<>")
    assert link in issue.text and "List-Unsubscribe-Post" not in issue.headers
    to, _, subject = unquote(link).removeprefix("mailto:").partition("?subject=")
    write(mailbox, READER, to, subject, after=timedelta(seconds=5))
    left = news("unsubscribes", "pull")
    assert left.exit_code == 0 and "1 left the list" in left.output
    assert state(tmp_path) == "unsubscribed"
    assert mailbox.unseen == [] and "@" not in asked.output + left.output

    samples.write(tmp_path / "more", name="2026-05-04", issue=samples.ISSUE.replace("Leek & potato", "Peas"))
    (tmp_path / "more" / "issues" / "2026-05-04.yml").rename(tmp_path / "issues" / "2026-05-04.yml")
    assert news("send", "--issue", "2026-05-04", "--yes").exit_code == 1  # the list is empty
    assert len(fake.deliveries) == 2


def test_the_button_of_the_mail_confirms_too(
    news: News, fake: SendGridFake, mailbox: ImapFake, tmp_path: Path
) -> None:
    write(mailbox, READER, "join@example.com", "Subscribe")
    news("signups", "pull")
    link = next(word for word in fake.deliveries[0].text.split() if word.startswith("mailto:join@"))
    write(mailbox, "alias@example.com", "join@example.com", unquote(link).partition("?subject=")[2])
    assert "1 confirmed" in news("signups", "pull").output
    assert state(tmp_path) == "active" and state(tmp_path, "alias@example.com") is None


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Auto_Submitted": "auto-replied"}, id="vacation"),
        pytest.param({"Return_Path": "<>"}, id="bounce"),
        pytest.param({"Precedence": "auto_reply"}, id="old-vacation"),
        pytest.param({"List_Id": "<list.example.com>"}, id="list"),
    ],
)
def test_the_answer_of_a_program_confirms_nothing(
    news: News, fake: SendGridFake, mailbox: ImapFake, tmp_path: Path, headers: dict[str, str]
) -> None:
    write(mailbox, READER, "join@example.com", "subscribe")
    news("signups", "pull")
    answer(mailbox, fake.deliveries[0], **headers)
    done = news("signups", "pull")
    assert "0 confirmed, 1 automatic message skipped" in done.output
    assert state(tmp_path) is None and len(fake.deliveries) == 1


@pytest.mark.parametrize(
    "headers", [{"Auto_Submitted": "auto-generated"}, {"List_Id": "<list.example.com>"}], ids=["auto", "list"]
)
def test_a_program_cannot_sign_anybody_up(
    news: News, fake: SendGridFake, mailbox: ImapFake, headers: dict[str, str]
) -> None:
    write(mailbox, READER, "join@example.com", "subscribe", **headers)
    assert news("signups", "pull").exit_code == 0
    assert fake.deliveries == []


def test_a_flood_for_one_address_gives_one_mail(news: News, fake: SendGridFake, mailbox: ImapFake) -> None:
    for _ in range(150):
        write(mailbox, READER, "join@example.com", "subscribe")
    assert "150 asked to sign up" in news("signups", "pull").output
    assert "0 read" in news("signups", "pull").output
    assert len(fake.deliveries) == 1


def test_a_forged_confirmation_stays_unread_for_a_person(
    news: News, fake: SendGridFake, mailbox: ImapFake, tmp_path: Path
) -> None:
    write(mailbox, READER, "join@example.com", "subscribe")
    news("signups", "pull")
    write(mailbox, READER, "join@example.com", f"confirm c.1.{'0' * 32}")
    done = news("signups", "pull")
    assert "1 message needs a person: unread in the mailbox." in done.output
    assert mailbox.unseen == [2] and state(tmp_path) is None


def test_mail_that_was_not_sent_waits_for_the_next_pull(
    news: News, fake: SendGridFake, mailbox: ImapFake
) -> None:
    write(mailbox, READER, "join@example.com", "subscribe")
    fake.next(Fault.status(401), path="/v3/mail/send")
    news("signups", "pull")
    assert fake.deliveries == []


def test_a_dry_run_changes_and_sends_nothing(
    news: News, fake: SendGridFake, mailbox: ImapFake, tmp_path: Path
) -> None:
    write(mailbox, READER, "join@example.com", "subscribe")
    done = news("signups", "pull", "--dry-run")
    assert done.exit_code == 0 and "1 asked to sign up" in done.output
    assert mailbox.unseen == [1] and fake.connections == 0 and 'EXAMINE "INBOX"' in mailbox.commands
    assert "1 asked to sign up" in news("signups", "pull").output


def test_a_mailbox_that_cannot_be_read_is_an_error(news: News, mailbox: ImapFake) -> None:
    mailbox.script["LOGIN"] = "TAG NO [AUTHENTICATIONFAILED] leave@example.com is unknown"
    for command in (("signups", "pull"), ("unsubscribes", "pull")):
        done = news(*command)
        assert done.exit_code == 1 and "does not accept the user name" in done.output
        assert "`pull.imap.username`" in done.output and f"127.0.0.1:{mailbox.port}" in done.output
        assert "@" not in done.output


def test_in_ci_nothing_is_read_into_a_database_that_is_lost(
    news: News, mailbox: ImapFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    write(mailbox, READER, "join@example.com", "subscribe")
    for command in (("signups", "pull"), ("unsubscribes", "pull")):
        assert news(*command).exit_code == 1
    assert mailbox.connections == 0


def test_a_check_and_a_send_name_what_large_senders_need(news: News) -> None:
    shown = news("check", "2026-04-27")
    assert shown.exit_code == 0 and "Gmail and Yahoo require a one-click link" in " ".join(
        shown.output.split()
    )


def test_the_doctor_names_it_too(news: News) -> None:
    shown = " ".join(news("doctor", "--offline").output.split())
    assert "unsubscribe.mailto" in shown and "is the only way to unsubscribe" in shown
    assert "IMAP_PASSWORD" in shown and "sent to 127.0.0.1 only" in shown


def test_who_confirms_and_leaves_before_the_next_pull_has_left(
    news: News, fake: SendGridFake, mailbox: ImapFake, tmp_path: Path
) -> None:
    """The consent has the time at which the answer arrived: the request to leave came after it."""
    write(mailbox, READER, "join@example.com", "subscribe")
    news("signups", "pull")
    answer(mailbox, fake.deliveries[0])
    news("signups", "pull")
    news("send", "--issue", "2026-04-27", "--yes")
    leave = unquote(fake.deliveries[-1].headers["List-Unsubscribe"].strip("<>")).partition("?subject=")[2]
    with closing(sqlite3.connect(tmp_path / ".news" / "news.db")) as connection, connection:
        connection.execute(
            "update subscriber set state = 'unsubscribed', consent_at = '2026-01-01 00:00:00.000000'"
        )
        connection.execute("delete from sign_up")
        connection.execute("update subscriber set changed_at = '2026-01-02 00:00:00.000000'")
    write(mailbox, READER, "join@example.com", "subscribe")
    news("signups", "pull")
    mail = fake.deliveries[-1]
    write(
        mailbox,
        READER,
        "join@example.com",
        "Re",
        In_Reply_To=mail.headers["Message-ID"],
        after=-timedelta(minutes=9),
    )
    write(mailbox, READER, "leave@example.com", leave, after=-timedelta(minutes=5))
    done = news("unsubscribes", "pull")
    assert "1 confirmed" in done.output and "1 left the list" in done.output
    assert state(tmp_path) == "unsubscribed"


def test_an_old_request_is_answered_by_nobody(news: News, fake: SendGridFake, mailbox: ImapFake) -> None:
    """It comes again if the mailbox numbers its messages anew; its author may have left since."""
    write(mailbox, READER, "join@example.com", "subscribe", after=-timedelta(days=8))
    assert "0 asked to sign up" in news("signups", "pull").output
    assert fake.deliveries == []
