"""SMTP, against Postfix for what is real and a script for what is rare."""

import email
import socket
import ssl
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from newsletter.config import Smtp
from newsletter.models import Accepted, NotSent, Outcome, Refused, Subscriber, Unknown
from newsletter.providers.smtp import SmtpProvider
from tests import samples
from tests.fakes.postfix import Postfix
from tests.fakes.smtp import CLOSE, RESET, SILENCE, ScriptedSmtp

PEOPLE = [Subscriber(n, f"reader{n}@example.com", f"Reader {n}") for n in range(1, 4)]


def provider(port: int, timeout: float = 5, **settings: object) -> SmtpProvider:
    values = {"security": "none", **settings}
    return SmtpProvider(Smtp(port=port, **values), timeout=timeout)


def submit_each(smtp: SmtpProvider, *people: Subscriber) -> list[Outcome]:
    mailing = samples.plain_mailing()
    try:
        return [smtp.submit(samples.batch(mailing, one)) for one in people]
    finally:
        smtp.close()


def test_postfix_takes_and_delivers_over_starttls(
    postfix_server: Postfix, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    mailing = samples.mailing(tmp_path)
    smtp = SmtpProvider(
        Smtp(port=postfix_server.port, security="starttls"),
        tls=ssl.create_default_context(cafile=certificate[0]),
    )
    outcomes = [smtp.submit(samples.batch(mailing, one)) for one in PEOPLE]
    smtp.close()
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    delivered = [
        email.message_from_bytes(raw, policy=default)
        for raw in postfix_server.messages(3)
        if b"reader" in raw
    ]
    assert sorted(str(one["To"]) for one in delivered) == [
        f"Reader {n} <reader{n}@example.com>" for n in (1, 2, 3)
    ]
    for one in delivered:
        text, html = one.iter_parts()
        link = str(one["List-Unsubscribe"]).partition(">")[0][1:]
        expected = mailing.rendered.text.replace("[[unsubscribe_url]]", link)
        assert text.get_content().replace("\r\n", "\n") == expected
        assert link in html.get_content()
        assert "ESMTPS" in str(one["Received"])


def test_postfix_refuses_for_good_and_for_now(postfix_server: Postfix) -> None:
    smtp = provider(postfix_server.port)
    people = [Subscriber(1, "refuse@example.com"), Subscriber(2, "defer@example.com"), PEOPLE[0]]
    refused, deferred, accepted = submit_each(smtp, *people)
    assert isinstance(refused, Refused) and refused.reason.startswith("550 5.1.1")
    assert isinstance(deferred, NotSent) and not deferred.stop and deferred.reason.startswith("450")
    assert isinstance(accepted, Accepted)


def test_a_certificate_that_nobody_vouches_for_is_refused(postfix_server: Postfix) -> None:
    (outcome,) = submit_each(provider(postfix_server.port, security="starttls"), PEOPLE[0])
    assert isinstance(outcome, NotSent) and "certificate" in outcome.reason.lower()


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_login_over_starttls(certificate: tuple[Path, Path], password: str) -> None:
    def authenticate(*args: object) -> AuthResult:
        login = args[-1]
        assert isinstance(login, LoginPassword)
        return AuthResult(success=(login.login, login.password) == (b"soup", b"right"), handled=False)

    class Sink:
        taken: list[bytes] = []  # noqa: RUF012 - one server, one list

        async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
            self.taken.append(envelope.content)
            return "250 taken"

    Sink.taken = []
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    server = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=0,
        tls_context=served,
        authenticator=authenticate,
        auth_required=True,
        require_starttls=True,
    )
    server.port = free_port()
    server.start()
    try:
        smtp = SmtpProvider(
            Smtp(port=server.port, security="starttls", username="soup"),
            SecretStr(password),
            tls=ssl.create_default_context(cafile=certificate[0]),
        )
        (outcome,) = submit_each(smtp, PEOPLE[0])
    finally:
        server.stop()
    if password == "right":
        assert isinstance(outcome, Accepted) and len(Sink.taken) == 1
    else:
        assert isinstance(outcome, NotSent) and "535" in outcome.reason and "wrong" not in outcome.reason
        assert Sink.taken == []


def test_tls_from_the_first_byte(certificate: tuple[Path, Path]) -> None:
    class Sink:
        async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:
            return "250 taken"

    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    server = Controller(Sink(), hostname="127.0.0.1", port=free_port(), ssl_context=served)
    trusted = ssl.create_default_context(cafile=certificate[0])

    def trial() -> None:
        # The controller's own, at the start, knows nothing of our certificate.
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            trusted.wrap_socket(plain, server_hostname="127.0.0.1").close()

    server._trigger_server = trial
    server.start()
    try:
        smtp = SmtpProvider(Smtp(port=server.port, security="tls"), tls=trusted)
        assert all(isinstance(one, Accepted) for one in submit_each(smtp, *PEOPLE))
        (stranger,) = submit_each(SmtpProvider(Smtp(port=server.port, security="tls")), PEOPLE[0])
        assert isinstance(stranger, NotSent)
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_one_connection_is_kept() -> None:
    with ScriptedSmtp() as server:
        assert all(isinstance(one, Accepted) for one in submit_each(provider(server.port), *PEOPLE))
    assert server.connections == 1
    assert len(server.messages) == 3


def test_leading_dots_arrive() -> None:
    mailing = samples.plain_mailing(text=".\n..two\n.three [[unsubscribe_url]]\n")
    with ScriptedSmtp() as server:
        smtp = provider(server.port)
        assert isinstance(smtp.submit(samples.batch(mailing)), Accepted)
        smtp.close()
    (wire,) = server.messages
    undotted = b"\r\n".join(line.removeprefix(b".") for line in wire.split(b"\r\n"))
    text, _ = email.message_from_bytes(undotted, policy=default).iter_parts()
    assert text.get_content().replace("\r\n", "\n").startswith(".\n..two\n.three https://")


@pytest.mark.parametrize(
    ("script", "expected", "stop"),
    [
        pytest.param({"MAIL": "451 4.3.0 busy"}, NotSent, True, id="sender-not-now"),
        pytest.param({"MAIL": "550 5.7.1 not you"}, NotSent, True, id="sender-never"),
        pytest.param({"MAIL": "421 4.3.2 closing"}, NotSent, True, id="closing"),
        pytest.param({"MAIL": CLOSE}, NotSent, True, id="gone-at-the-sender"),
        pytest.param({"RCPT": "550 5.1.1 unknown"}, Refused, None, id="recipient-never"),
        pytest.param({"RCPT": "450 4.2.1 greylisted"}, NotSent, False, id="recipient-not-now"),
        pytest.param({"RCPT": "421 4.7.0 too many"}, NotSent, True, id="closing-at-the-recipient"),
        pytest.param({"RCPT": RESET}, NotSent, True, id="gone-at-the-recipient"),
        pytest.param({"DATA": "452 4.3.1 full"}, NotSent, False, id="no-room"),
        pytest.param({"DATA": "554 5.5.1 no"}, Refused, None, id="data-never"),
        pytest.param({"DATA": CLOSE}, NotSent, True, id="gone-before-the-message"),
        pytest.param({".": "554 5.7.1 spam"}, Refused, None, id="content-never"),
        pytest.param({".": "451 4.3.0 later"}, NotSent, False, id="content-not-now"),
        pytest.param({".": "200 hm"}, Unknown, None, id="an-odd-yes"),
        pytest.param({".": "what?"}, Unknown, None, id="garbage"),
        pytest.param({".": CLOSE}, Unknown, None, id="gone-after-the-message"),
        pytest.param({".": RESET}, Unknown, None, id="reset-after-the-message"),
        pytest.param({".": SILENCE}, Unknown, None, id="silent-after-the-message"),
    ],
)
def test_each_way_that_a_message_can_end(
    script: dict[str, str], expected: type[Outcome], stop: bool | None
) -> None:
    with ScriptedSmtp(script) as server:
        (outcome,) = submit_each(provider(server.port, timeout=0.5), PEOPLE[0])
    assert type(outcome) is expected
    assert getattr(outcome, "stop", None) == stop
    assert server.messages == []


def test_a_host_that_is_no_name_is_an_answer() -> None:
    smtp = SmtpProvider(
        Smtp.model_construct(host="mail..example.com", port=25, security="none", username=None)
    )
    (outcome,) = submit_each(smtp, PEOPLE[0])
    assert isinstance(outcome, NotSent) and outcome.stop


def test_a_password_that_cannot_be_said_is_an_answer() -> None:
    script = {"EHLO": "250-fake.example.com\r\n250 AUTH PLAIN", "AUTH": "235 welcome"}
    with ScriptedSmtp(script) as server:
        settings = Smtp(port=server.port, security="none", username="soup")
        (outcome,) = submit_each(SmtpProvider(settings, SecretStr("pässwörd")), PEOPLE[0])
    assert isinstance(outcome, NotSent) and "pässwörd" not in outcome.reason


@pytest.mark.parametrize(
    "address", ["a@example.com\r\nBcc: b@example.com", "ä@example.com", "a b@example.com"]
)
def test_an_address_that_no_header_can_hold_is_refused(address: str) -> None:
    """Validation lets none through; a database that somebody has written to may hold one."""
    with ScriptedSmtp() as server:
        bad, good = submit_each(provider(server.port), Subscriber(1, address), PEOPLE[0])
    assert isinstance(bad, Refused) and isinstance(good, Accepted)
    assert len(server.messages) == 1 and b"Bcc" not in server.messages[0]


def test_a_refused_connection_sends_nothing() -> None:
    (outcome,) = submit_each(provider(free_port()), PEOPLE[0])
    assert isinstance(outcome, NotSent) and outcome.stop and "127.0.0.1:" in outcome.reason


def test_a_kept_connection_that_was_closed_in_between_is_opened_again() -> None:
    with ScriptedSmtp({"MAIL": ["250 ok", "421 4.4.2 idle too long", "250 ok"]}) as server:
        outcomes = submit_each(provider(server.port), *PEOPLE[:2])
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert server.connections == 2
    assert len(server.messages) == 2


def test_after_an_unknown_the_next_message_gets_a_new_connection() -> None:
    with ScriptedSmtp({".": [CLOSE, "250 ok"]}) as server:
        first, second = submit_each(provider(server.port), *PEOPLE[:2])
    assert isinstance(first, Unknown) and isinstance(second, Accepted)
    assert [b"reader1" in one for one in server.messages] == [False]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        pytest.param({"username": "soup"}, "SMTP_PASSWORD: is not set", id="no-password"),
        pytest.param(
            {"username": "soup", "security": "none"}, "smtp would send the password in clear", id="clear"
        ),
    ],
)
def test_check_sees_without_connecting(settings: dict[str, object], problem: str) -> None:
    smtp = SmtpProvider(Smtp(**{"port": free_port(), **settings}))
    assert any(problem in str(found) for found in smtp.check())
