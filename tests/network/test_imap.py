"""Reading a folder of an IMAP mailbox: within limits, over TLS, and with one kind of error."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.network.imap import ImapAccount, ImapError, ImapFolder, ImapLimits, open_folder
from tests.fakes.imap import PASSWORD, USERNAME, ImapFake
from tests.fakes.smtp import CLOSE, SILENCE

ARRIVED = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def account(fake: ImapFake, **changes: object) -> ImapAccount:
    plain = ImapAccount("127.0.0.1", USERNAME, PASSWORD, security="none", port=fake.port)
    return replace(plain, **changes)  # type: ignore[arg-type]


@contextmanager
def opened(fake: ImapFake, limits: ImapLimits | None = None, **changes: object) -> Iterator[ImapFolder]:
    with open_folder(account(fake, **changes), limits) as folder:
        yield folder


def failure(fake: ImapFake, limits: ImapLimits | None = None, **changes: object) -> ImapError:
    """Return the error of a whole visit; any other exception fails the test."""
    with pytest.raises(ImapError) as caught, opened(fake, limits, **changes) as folder:
        list(folder.fetch(folder.messages()))
        folder.mark_seen([1])
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_messages_after_a_number_are_read_and_stay_unseen() -> None:
    with ImapFake() as fake:
        for text in (b"one", b"two", b"three"):
            fake.deliver(text, ARRIVED)
        with opened(fake) as folder:
            assert folder.validity == 7
            assert [
                (m.uid, m.content, m.arrived_at, m.is_whole) for m in folder.fetch(folder.messages(1))
            ] == [
                (2, b"two", ARRIVED, True),
                (3, b"three", ARRIVED, True),
            ]
            assert folder.messages(3) == []  # `4:*` finds message 3
        assert fake.unseen == [1, 2, 3]


def test_messages_are_marked_and_moved() -> None:
    with ImapFake() as fake:
        for text in (b"one", b"two", b"three"):
            fake.deliver(text)
        with opened(fake) as folder:
            folder.mark_seen([1, 3])
            assert folder.messages(unseen=True) == [2]
            folder.move([2], "Züge & Co")
        assert fake.moved == {"Z&APw-ge &- Co": [b"two"]}


def test_limits_of_number_and_size() -> None:
    with ImapFake() as fake:
        for _ in range(120):
            fake.deliver(b"x" * 5000)
        with opened(fake, ImapLimits(messages=110, bytes_each=1000)) as folder:
            numbers = folder.messages()
            assert numbers == list(range(1, 111))
            assert {(len(mail.content), mail.is_whole) for mail in folder.fetch(numbers)} == {(1000, False)}


def test_a_number_after_the_content_is_found() -> None:
    with ImapFake(uid_last=True) as fake:
        fake.deliver(b"one", ARRIVED)
        with opened(fake) as folder:
            assert [(m.uid, m.content) for m in folder.fetch([1])] == [(1, b"one")]


def test_a_message_that_was_deleted_is_left_out() -> None:
    with ImapFake() as fake:
        fake.deliver(b"one")
        with opened(fake) as folder:
            assert [mail.uid for mail in folder.fetch([1, 2])] == [1]


@pytest.mark.parametrize("starttls", [False, True], ids=["tls", "starttls"])
def test_certificates_are_verified(certificate: tuple[Path, Path], starttls: bool) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    security = "starttls" if starttls else "tls"
    with ImapFake(tls=server, offers_starttls=starttls) as fake:
        fake.deliver(b"one")
        trusting = ssl.create_default_context(cafile=certificate[0])
        with open_folder(account(fake, security=security), tls=trusting) as folder:
            assert folder.messages() == [1]
        fake.commands.clear()
        assert "not trusted" in failure(fake, security=security).what
        assert "LOGIN" not in fake.commands


def test_starttls_that_is_not_offered_ends_the_visit() -> None:
    with ImapFake() as fake:
        failure(fake, security="starttls")
        assert "LOGIN" not in fake.commands


def test_a_password_goes_to_no_other_machine_without_tls() -> None:
    with (
        pytest.raises(ImapError, match="without encryption"),
        open_folder(ImapAccount("mail.example.com", USERNAME, PASSWORD, security="none")),
    ):
        pass


def test_the_account_does_not_show_its_password() -> None:
    assert PASSWORD not in repr(ImapAccount("mail.example.com", USERNAME, PASSWORD))


def test_a_login_that_is_refused_is_named_without_the_words_of_the_server() -> None:
    with ImapFake() as fake:
        found = failure(fake, password="wrong-password")
    assert "does not accept the user name" in found.what
    assert "wrong-password" not in str(found)


def test_a_password_outside_ascii_is_named_without_its_text() -> None:
    with ImapFake() as fake:
        found = failure(fake, password="gehäuse")
    assert "is not ASCII" in found.what and "ä" not in str(found)


def test_a_user_name_is_one_word_of_the_command() -> None:
    with ImapFake(script={"LOGIN": "TAG NO wrong"}) as fake:
        failure(fake, username='me" "x')
        assert fake.logins == ['LOGIN "me\\" \\"x" "imap-password"']


def test_a_folder_that_does_not_exist_is_named() -> None:
    with ImapFake() as fake:
        assert "no folder Leave" in failure(fake, folder="Leave").what


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        pytest.param("LOGIN", CLOSE, id="closed-at-login"),
        pytest.param("SELECT", "* OK [UIDVALIDITY many] ok\r\nTAG OK done", id="validity-is-no-number"),
        pytest.param("SELECT", "TAG BAD what", id="bad-select"),
        pytest.param("UID SEARCH", CLOSE, id="closed-at-search"),
        pytest.param("UID SEARCH", "TAG NO quota of eve@example.com", id="refused-search"),
        pytest.param("UID FETCH", CLOSE, id="closed-at-fetch"),
        pytest.param("UID FETCH", "* 1 FETCH (UID 1 BODY[]<0> {99999999999}", id="endless-literal"),
        pytest.param("UID FETCH", "\x00\x01 no imap at all", id="no-imap"),
        pytest.param("UID STORE", "TAG NO read-only", id="read-only"),
    ],
)
def test_every_failure_is_one_error(command: str, reply: str) -> None:
    with ImapFake(script={command: reply}) as fake:
        fake.deliver(b"one")
        failure(fake)


@pytest.mark.parametrize("limits", [ImapLimits(seconds=0.3), ImapLimits(timeout=0.3)], ids=["in-all", "each"])
def test_a_silent_server_ends_the_visit(limits: ImapLimits) -> None:
    with ImapFake(script={"UID SEARCH": SILENCE}) as fake:
        fake.deliver(b"one")
        failure(fake, limits)


def test_no_server_is_an_error_too() -> None:
    with ImapFake() as fake:
        pass
    assert "cannot be reached" in failure(fake).what
