"""Test the examination of a mail server: Postfix, a server with a login, and scripted failures."""

import socket
import ssl
from contextlib import closing
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from newsletter.config.model import Smtp
from newsletter.findings import Finding
from newsletter.providers.smtp.provider import SmtpProvider
from tests import samples
from tests.doctor.findings import as_text, states
from tests.fakes.postfix import Postfix
from tests.fakes.smtp import CLOSE, SILENCE, ScriptedSmtp


def examine(
    port: int,
    folder: Path,
    tls: ssl.SSLContext | None = None,
    password: str | None = None,
    timeout: float = 5,
    **options: object,
) -> list[Finding]:
    settings = Smtp(port=port, **{"security": "none", **options})
    provider = SmtpProvider(settings, SecretStr(password) if password else None, tls=tls, timeout=timeout)
    with closing(provider):
        report = provider.examine(samples.newsletter(folder).config)
    assert report.return_path == "example.com" and report.sender is None
    return list(report.findings)


def test_postfix_is_asked_and_gets_no_mail(
    postfix_server: Postfix, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    trusted = ssl.create_default_context(cafile=certificate[0])
    (found,) = examine(postfix_server.port, tmp_path, trusted, security="starttls")
    assert found.state == "ok" and "with STARTTLS as configured" in found.what


def test_postfix_with_a_certificate_that_nobody_trusts(postfix_server: Postfix, tmp_path: Path) -> None:
    (found,) = examine(postfix_server.port, tmp_path, security="starttls")
    assert found.state == "error" and "certificate that is not trusted: self-signed" in found.what


def test_postfix_on_the_wrong_kind_of_port(postfix_server: Postfix, tmp_path: Path) -> None:
    (found,) = examine(postfix_server.port, tmp_path, security="tls")
    assert found.state == "error" and "does not start with TLS" in found.what
    assert "starttls" in found.fix


def test_a_conversation_without_mail(tmp_path: Path) -> None:
    with ScriptedSmtp() as server:
        server.script = {"NOOP": "250 ok"}
        assert states(examine(server.port, tmp_path)) == ["ok"]
    assert [command.split()[0].upper() for command in server.commands] == ["EHLO", "NOOP", "QUIT"]


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        pytest.param("250 2.0.0 ok", None, "", id="ok"),
        pytest.param("502 not here", "warning", "502 not here", id="no-noop"),
        pytest.param("421 closing", "warning", "421 closing", id="closing"),
        pytest.param(CLOSE, "error", "closed the connection", id="gone"),
    ],
)
def test_the_answer_to_noop(tmp_path: Path, reply: str, state: str | None, words: str) -> None:
    with ScriptedSmtp({"NOOP": reply}) as server:
        first, *others = examine(server.port, tmp_path)
    assert first.state == "ok"
    assert states(others) == ([state] if state else []) and words in as_text(others)


def test_a_server_without_starttls(tmp_path: Path) -> None:
    with ScriptedSmtp() as server:
        (found,) = examine(server.port, tmp_path, security="starttls")
    assert (found.state, found.what) == ("error", "offers no STARTTLS")
    assert "newsletter.yml" in found.fix and "`smtp.security: tls`" in found.fix
    assert "everybody on the network path can read addresses and links" in found.fix


def test_a_greeting_that_is_a_no(tmp_path: Path) -> None:
    with ScriptedSmtp(greeting="554 go away") as server:
        (found,) = examine(server.port, tmp_path)
    assert found.state == "error" and "554" in found.what


def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    with ScriptedSmtp(greeting=SILENCE) as server:
        (found,) = examine(server.port, tmp_path, timeout=0.3)
    assert found.state == "error" and "does not reply in time" in found.what


def test_nobody_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (found,) = examine(port, tmp_path)
    assert found.state == "error" and "no server accepts connections on this port" in found.what
    (unknown,) = examine(port, tmp_path, host="mail.invalid")
    assert unknown.state == "error" and "smtp.host" in unknown.fix


def test_a_login(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    def check(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == b"hush-hush", handled=False)

    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    trusted = ssl.create_default_context(cafile=certificate[0])
    login = {"security": "starttls", "username": "soup"}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"authenticator": check, "auth_required": True, "tls_context": served}
    controller = Controller(object(), hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        (right,) = examine(port, tmp_path, trusted, "hush-hush", **login)
        (wrong,) = examine(port, tmp_path, trusted, "wrong-one", **login)
    finally:
        controller.stop()
    assert right.state == "ok" and "and the user name and the password" in right.what
    assert wrong.state == "error" and "rejects the user name and the password" in wrong.what
    assert "SMTP_PASSWORD" in wrong.fix and "wrong-one" not in as_text([wrong])


def test_a_server_without_a_login(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        object(),
        hostname="127.0.0.1",
        port=port,
        tls_context=served,
        auth_exclude_mechanism=["LOGIN", "PLAIN"],
    )
    controller.start()
    try:
        trusted = ssl.create_default_context(cafile=certificate[0])
        (found,) = examine(port, tmp_path, trusted, "hush-hush", security="starttls", username="soup")
    finally:
        controller.stop()
    assert found.state == "error" and "offers no login" in found.what


def test_what_is_wrong_before_a_connection(tmp_path: Path) -> None:
    with ScriptedSmtp() as server:
        (no_password,) = examine(server.port, tmp_path, security="starttls", username="soup")
        (in_clear,) = examine(server.port, tmp_path, password="hush-hush", username="soup")
        assert server.connections == 0
    assert no_password.looked_at == "SMTP_PASSWORD"
    assert in_clear.state == "error" and "without encryption" in in_clear.what


def test_without_tls_to_another_machine_is_a_warning(tmp_path: Path) -> None:
    from newsletter.providers.smtp.account import examine_server

    with ScriptedSmtp({"NOOP": "250 ok"}) as server:
        local = examine_server(Smtp(host="localhost", port=server.port, security="none"), None, None, 5)
        # The system resolves 127.1 to 127.0.0.1; the provider takes it for a remote host name.
        remote = examine_server(Smtp(host="127.1", port=server.port, security="none"), None, None, 5)
    assert (states(local), states(remote)) == (["ok"], ["ok", "warning"])
    assert "everybody on the network path" in remote[1].what
