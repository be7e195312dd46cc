"""The connection to an IMAP server: TLS, the login, the limit of time, and one kind of error."""

import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from newsletter.config.mailbox import Imap
from newsletter.errors import Unavailable
from newsletter.mailboxes.imap_account import ImapAccount
from newsletter.mailboxes.imap_connection import ImapLimits
from tests.fakes.imap import PASSWORD, ImapFake
from tests.fakes.smtp import CLOSE, SILENCE
from tests.mailboxes.imap_visits import opened


def failure(fake: ImapFake, limits: ImapLimits | None = None, **changes: str) -> Unavailable:
    """Return the error of a whole visit; any other exception fails the test."""
    with pytest.raises(Unavailable) as caught, opened(fake, limits, **changes) as folder:
        list(folder.fetch(folder.messages()))
        folder.mark_read(["1"])
    assert caught.value.where == f"127.0.0.1:{fake.port}" and caught.value.hint
    for secret in (PASSWORD, "secret", "gehäuse"):
        assert secret not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    return caught.value


def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_certificates_are_verified(certificate: tuple[Path, Path], security: str) -> None:
    with ImapFake(tls=server_context(certificate), offers_starttls=security == "starttls") as fake:
        fake.deliver(b"one")
        trusting = ssl.create_default_context(cafile=certificate[0])
        with opened(fake, security=security, tls=trusting) as folder:
            assert folder.messages() == [1]
        assert "LOGIN" in fake.commands
        fake.commands.clear()
        found = failure(fake, security=security, setting="bounces.imap")
        assert "a certificate that is not trusted" in found.what and "`bounces.imap.host`" in found.hint
        assert "LOGIN" not in fake.commands


def test_a_server_without_starttls_gets_no_password() -> None:
    with ImapFake() as fake:
        found = failure(fake, security="starttls", setting="bounces.imap")
        assert found.what == "does not offer STARTTLS" and "`bounces.imap`" in found.hint
        assert "LOGIN" not in fake.commands


def test_a_server_without_tls_is_named() -> None:
    with ImapFake() as fake:
        assert "does not speak TLS" in failure(fake, security="tls").what
        assert "LOGIN" not in fake.commands


def test_a_password_goes_to_no_other_machine_without_tls() -> None:
    with pytest.raises(ValidationError, match="would send the password in clear"):
        Imap(host="mail.example.com", username="leave", security="none")


def test_the_account_does_not_show_its_password() -> None:
    settings = Imap(host="mail.example.com", username="leave")
    assert PASSWORD not in repr(ImapAccount(settings, PASSWORD, "pull.imap"))


@pytest.mark.parametrize("setting", ["pull.imap", "bounces.imap"])
def test_a_login_that_is_refused_is_named_without_the_words_of_the_server(setting: str) -> None:
    with ImapFake() as fake:
        found = failure(fake, password="secret", setting=setting)
    assert found.what == "does not accept the user name and the password"
    assert f"`{setting}.username`" in found.hint and "IMAP_PASSWORD" in found.hint


def test_a_password_outside_ascii_is_named_without_its_text() -> None:
    with ImapFake() as fake:
        assert "is not ASCII" in failure(fake, password="gehäuse").what


def test_a_user_name_is_one_word_of_the_command() -> None:
    with ImapFake(script={"LOGIN": "TAG NO wrong"}) as fake:
        failure(fake, username='me" "x')
        assert fake.logins == ['LOGIN "me\\" \\"x" "imap-password"']


@pytest.mark.parametrize("setting", ["pull.imap", "bounces.imap"])
def test_a_folder_that_does_not_exist_is_named(setting: str) -> None:
    with ImapFake() as fake:
        found = failure(fake, folder="Leave", setting=setting)
    assert (
        found.what == "cannot open the folder Leave: no such folder" and f"`{setting}.folder`" in found.hint
    )


CLOSED = "closed the connection"


@pytest.mark.parametrize(
    ("command", "reply", "problem"),
    [
        pytest.param("LOGIN", CLOSE, CLOSED, id="closed-at-login"),
        pytest.param("LOGIN", "* BYE secret", CLOSED, id="bye-at-login"),
        pytest.param("SELECT", "* OK [UIDVALIDITY many] ok\r\nTAG OK done", "cannot be read", id="validity"),
        pytest.param("SELECT", "TAG BAD what", "refuses a command: ", id="bad-select"),
        pytest.param("SELECT", "* OK [READ-ONLY] ok\r\nTAG OK done", "only to read", id="read-only-folder"),
        pytest.param("UID SEARCH", CLOSE, CLOSED, id="closed-at-search"),
        pytest.param(
            "UID SEARCH", "TAG NO of eve@example.com", "SEARCH: of <recipient>", id="refused-search"
        ),
        pytest.param("UID SEARCH", "TAG BAD eve@example.com?", "<recipient>", id="bad-search"),
        pytest.param("UID FETCH", CLOSE, CLOSED, id="closed-at-fetch"),
        pytest.param("UID FETCH", "TAG NO not now", "refuses FETCH: not now", id="refused-fetch"),
        pytest.param("UID FETCH", "* 1 FETCH (UID 1 BODY[]<0> {99999999999}", "sends more", id="literal"),
        pytest.param("UID FETCH", "\x00\x01 secret", CLOSED, id="no-imap"),
        pytest.param("UID STORE", "TAG NO read-only", "refuses STORE: read-only", id="refused-store"),
    ],
)
def test_every_failure_is_one_error(command: str, reply: str, problem: str) -> None:
    with ImapFake(script={command: reply}) as fake:
        fake.deliver(b"one")
        found = failure(fake)
    assert problem in found.what and "@" not in str(found)


@pytest.mark.parametrize("limits", [ImapLimits(seconds=0.3), ImapLimits(timeout=0.3)], ids=["in-all", "each"])
def test_a_silent_server_ends_the_visit(limits: ImapLimits) -> None:
    with ImapFake(script={"UID SEARCH": SILENCE}) as fake:
        fake.deliver(b"one")
        assert failure(fake, limits).what == "does not answer in time"


def test_the_time_ends_an_encrypted_visit(certificate: tuple[Path, Path]) -> None:
    trusting = ssl.create_default_context(cafile=certificate[0])
    with (
        ImapFake(tls=server_context(certificate), script={"UID SEARCH": SILENCE}) as fake,
        pytest.raises(Unavailable, match="does not answer in time"),
        opened(fake, ImapLimits(seconds=0.5), security="tls", tls=trusting) as folder,
    ):
        folder.messages()


def test_no_server_is_an_error_too() -> None:
    with ImapFake() as fake:
        pass
    found = failure(fake, setting="bounces.imap")
    assert "cannot be reached" in found.what and "`bounces.imap`" in found.hint
