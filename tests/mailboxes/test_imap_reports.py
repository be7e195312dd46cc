"""Reports in a folder of an IMAP server: the ones that are read, their flags, and the errors of servers."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.config.mailbox import Imap
from newsletter.errors import Unavailable
from newsletter.mailboxes.imap import ImapFolder, open_folder
from newsletter.mailboxes.model import MAX_MAIL_BYTES
from tests import reports
from tests.fakes.imap_reports import ImapFake
from tests.reports import Sent

AT = datetime(2026, 4, 27, 9, 0, 5, tzinfo=UTC)
REPORT = reports.postfix(Sent(1), AT)
PASSWORD = "only for tests"


@contextmanager
def opened(fake: ImapFake, *, readonly: bool = False, **settings: Any) -> Iterator[ImapFolder]:
    given = {"host": "127.0.0.1", "port": fake.port, "security": "none", "username": "bounces", **settings}
    tls, timeout = given.pop("tls", None), given.pop("timeout", 20)
    password = given.pop("password", PASSWORD)
    with open_folder(Imap(**given), password, readonly=readonly, tls=tls, timeout=timeout) as folder:
        yield folder


def test_reports_are_read_once() -> None:
    with ImapFake() as fake:
        first, second = fake.add(REPORT, AT), fake.add(REPORT, AT, "\\Flagged")
        fake.add(REPORT, AT, "\\Seen")
        letter = fake.add(b"Subject: A letter\r\n\r\nmultipart/report\r\n", AT)
        with opened(fake) as folder:
            found = list(folder.unread_reports())
            assert [(mail.key, mail.content, mail.received_at) for mail in found] == [
                (str(first), REPORT, AT),
                (str(second), REPORT, AT),
            ]
            assert fake.mails[first].flags == set(), "reading marks nothing"
            folder.mark_read([mail.key for mail in found])
            assert list(folder.unread_reports()) == []
        assert fake.mails[second].flags == {"\\Flagged", "\\Seen"}
        assert fake.mails[letter].flags == set() and letter not in fake.fetched
        assert fake.commands[-1] == "LOGOUT"


def test_many_reports_are_read_in_several_requests() -> None:
    with ImapFake() as fake:
        uids = [fake.add(REPORT, AT) for _ in range(45)]
        with opened(fake) as folder:
            found = [int(mail.key) for mail in folder.unread_reports()]
    assert found == uids and sum(command.startswith("FETCH") for command in fake.commands) == 3


def test_only_the_beginning_of_a_large_mail_is_fetched() -> None:
    with ImapFake() as fake:
        fake.add(REPORT + b"x" * 2 * MAX_MAIL_BYTES, AT)
        with opened(fake) as folder:
            (found,) = folder.unread_reports()
    assert len(found.content) == MAX_MAIL_BYTES


def test_a_server_that_sends_more_than_asked_is_left() -> None:
    with ImapFake(obeys_size=False) as fake:
        fake.add(REPORT + b"x" * 2 * MAX_MAIL_BYTES, AT)
        with pytest.raises(Unavailable, match="closed the connection"), opened(fake) as folder:
            list(folder.unread_reports())


def test_a_folder_to_read_only_is_examined() -> None:
    with ImapFake(folder='INBOX."My bounces"') as fake:
        fake.add(REPORT, AT)
        with opened(fake, readonly=True, folder='INBOX."My bounces"') as folder:
            assert len(list(folder.unread_reports())) == 1
    assert 'EXAMINE "INBOX.\\"My bounces\\""' in fake.commands


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_the_connection_is_encrypted(security: str, certificate: tuple[Path, Path]) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=certificate[0])
    with ImapFake(**{security: server}) as fake:
        fake.add(REPORT, AT)
        with opened(fake, security=security, tls=trusting) as folder:
            assert len(list(folder.unread_reports())) == 1
        before = list(fake.commands)
        with (
            pytest.raises(Unavailable, match="certificate that is not trusted"),
            opened(fake, security=security),
        ):
            pass
    assert "LOGIN" in before and "LOGIN" not in fake.commands[len(before) :]


def test_a_server_without_starttls_gets_no_password() -> None:
    with ImapFake() as fake, pytest.raises(Unavailable), opened(fake, security="starttls"):
        pass
    assert "LOGIN" not in fake.commands


@pytest.mark.parametrize(
    ("fake", "settings", "problem"),
    [
        pytest.param(ImapFake(), {"password": "wrong"}, "rejects the user name and the password", id="login"),
        pytest.param(ImapFake(), {"password": "pässword"}, "is not ASCII", id="ascii"),
        pytest.param(
            ImapFake(), {"folder": "Bounces"}, "cannot open the folder: no such folder", id="folder"
        ),
        pytest.param(ImapFake(replies={"SEARCH": None}), {}, "closed the connection", id="closed"),
        pytest.param(ImapFake(replies={"SEARCH": "NO a@example.com"}), {}, "SEARCH: <recipient>", id="no"),
        pytest.param(ImapFake(replies={"SEARCH": "BAD what?"}), {}, "what?", id="bad"),
        pytest.param(ImapFake(replies={"FETCH": "NO not now"}), {}, "refuses FETCH: not now", id="fetch"),
    ],
)
def test_an_error_is_told_with_its_server(fake: ImapFake, settings: dict[str, Any], problem: str) -> None:
    with fake:
        fake.add(REPORT, AT)
        with pytest.raises(Unavailable) as raised, opened(fake, **settings) as folder:
            list(folder.unread_reports())
    error = str(raised.value)
    assert error.startswith(f"127.0.0.1:{fake.port}: ") and problem in error and raised.value.hint
    assert PASSWORD not in repr(raised.value.__cause__) + error and "pässword" not in error


def test_nobody_listens() -> None:
    with ImapFake() as fake:
        pass
    with pytest.raises(Unavailable, match="cannot be reached"), opened(fake):
        pass
