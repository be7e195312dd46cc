"""Examine a mail server: connect, start TLS and log in as configured, then quit."""

import smtplib
import socket
import ssl

from pydantic import SecretStr

from newsletter.config.model import Smtp
from newsletter.display import printable
from newsletter.findings import Finding
from newsletter.network.hosts import is_loopback
from newsletter.providers.smtp.session import bad_credentials, connect, error_text, wrong_setting


def examine_server(
    settings: Smtp, password: SecretStr | None, tls: ssl.SSLContext | None, timeout: float
) -> list[Finding]:
    """Connect and log in; return the findings on the server. Begin no mail transaction."""
    where = f"{settings.host}:{settings.port}"
    try:
        session = connect(settings, password, tls, timeout)
    except (OSError, ValueError) as failure:  # ValueError: a host or a password that is not ASCII
        return [_failed(where, settings, failure)]
    findings = [
        Finding(where, "ok", f"accepts connections, {_describe(settings)}"),
        *_in_clear(where, settings),
    ]
    try:
        session.queue(b"NOOP\r\n")
        reply = session.read_reply()
    except OSError as failure:
        session.close()
        what = f"closed the connection after the login: {printable(error_text(failure), 200)}"
        return [*findings, Finding(where, "error", what, "check the server's log")]
    session.quit()
    if reply.code != 250:
        what = f"rejects NOOP after the login: {printable(str(reply), 200)}"
        findings.append(Finding(where, "warning", what, "check the server's log"))
    return findings


def _describe(settings: Smtp) -> str:
    secure = {"none": "without TLS", "starttls": "with STARTTLS", "tls": "with TLS"}[settings.security]
    return f"{secure} as configured, " + (
        "and the user name and the password" if settings.username else "and needs no login"
    )


def _in_clear(where: str, settings: Smtp) -> list[Finding]:
    if settings.security != "none" or is_loopback(settings.host):
        return []
    what = "without TLS everybody on the network path can read addresses and links"
    return [Finding(where, "warning", what, "set `smtp.security` to starttls or tls")]


def _is_timeout(failure: Exception) -> bool:
    return isinstance(failure, TimeoutError) or "timed out" in str(failure)


def _failed(where: str, settings: Smtp, failure: Exception) -> Finding:
    """Return the finding for a failed connection: the reason, and the setting to change."""
    words = printable(error_text(failure), 200)
    if bad_credentials(failure):
        fix = "check `smtp.username` and SMTP_PASSWORD; some servers need an app password"
        return Finding(where, "error", f"rejects the user name and the password: {words}", fix)
    if wrong := wrong_setting(settings, failure):
        return Finding(where, "error", *wrong)
    match failure:
        case smtplib.SMTPAuthenticationError():
            what, fix = f"cannot check the password now: {words}", "try again later"
        case ssl.SSLCertVerificationError():
            what = f"has a certificate that is not trusted: {failure.verify_message}"
            fix = "set `smtp.host` to the name in the certificate, or renew the certificate"
        case ssl.SSLError():
            what, fix = f"TLS fails: {words}", "update the server's TLS, or ask its administrator"
        case socket.gaierror():
            what, fix = f"the host name cannot be resolved: {words}", "check `smtp.host`"
        case ConnectionRefusedError():
            what = "no server accepts connections on this port"
            fix = "check `smtp.host` and `smtp.port`, and that the server runs"
        # smtplib reports some time-outs as a disconnected server.
        case TimeoutError() | smtplib.SMTPServerDisconnected() if _is_timeout(failure):
            what = "does not reply in time"
            fix = "check `smtp.port`, and that no firewall blocks it (many networks block port 25)"
            if settings.security != "tls" and settings.port == 465:
                fix = "port 465 needs TLS from the start: set `smtp.security` to tls"
        case UnicodeError():
            what, fix = (
                "the user name or the password is not ASCII",
                "use a user name and a password in ASCII",
            )
        case _:
            what, fix = f"the connection fails: {words}", "check the server's log"
    return Finding(where, "error", what, fix)
