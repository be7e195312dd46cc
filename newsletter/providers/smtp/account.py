"""Whether a mail server lets us in: a connection, TLS and login as set, and goodbye."""

import smtplib
import socket
import ssl

from pydantic import SecretStr

from newsletter.config.model import Smtp
from newsletter.display import printable
from newsletter.findings import Finding
from newsletter.hosts import is_loopback
from newsletter.providers.smtp.session import bad_credentials, connect, error_text, wrong_setting


def look(
    settings: Smtp, password: SecretStr | None, tls: ssl.SSLContext | None, timeout: float
) -> list[Finding]:
    """What the server says; nothing that it could take for mail is said to it."""
    where = f"{settings.host}:{settings.port}"
    try:
        session = connect(settings, password, tls, timeout)
    except (OSError, ValueError) as failure:  # ValueError: a host or a password that is not ASCII
        return [_failed(where, settings, failure)]
    findings = [Finding(where, "ok", f"answers, {_how(settings)}"), *_in_clear(where, settings)]
    try:
        session.say(b"NOOP\r\n")
        reply = session.answer()
    except OSError as failure:
        session.close()
        what = f"ended the connection after the login: {printable(error_text(failure), 200)}"
        return [*findings, Finding(where, "error", what, "look at the server's log")]
    session.quit()
    if reply.code != 250:
        what = f"does not want to go on: {printable(str(reply), 200)}"
        findings.append(Finding(where, "warning", what, "look at the server's log"))
    return findings


def _how(settings: Smtp) -> str:
    secure = {"none": "without TLS", "starttls": "with STARTTLS", "tls": "with TLS"}[settings.security]
    return f"{secure} as set, and " + (
        "takes the user name and the password" if settings.username else "no login is set"
    )


def _in_clear(where: str, settings: Smtp) -> list[Finding]:
    if settings.security != "none" or is_loopback(settings.host):
        return []
    what = "without TLS everybody on the way can read addresses and links"
    return [Finding(where, "warning", what, "set `smtp.security` to starttls or tls")]


def _is_late(failure: Exception) -> bool:
    return isinstance(failure, TimeoutError) or "timed out" in str(failure)


def _failed(where: str, settings: Smtp, failure: Exception) -> Finding:
    """Why there is no connection, and which setting that is about."""
    words = printable(error_text(failure), 200)
    if bad_credentials(failure):
        fix = "check `smtp.username` and SMTP_PASSWORD; some servers want a password made for programs"
        return Finding(where, "error", f"does not take the user name and the password: {words}", fix)
    if wrong := wrong_setting(settings, failure):
        return Finding(where, "error", *wrong)
    match failure:
        case smtplib.SMTPAuthenticationError():
            what, fix = f"cannot check the password now: {words}", "try again later"
        case ssl.SSLCertVerificationError():
            what = f"has a certificate that is not trusted: {failure.verify_message}"
            fix = "write the name in `smtp.host` that the certificate is for, or renew the certificate"
        case ssl.SSLError():
            what, fix = f"TLS fails: {words}", "update the server's TLS, or ask whoever runs it"
        case socket.gaierror():
            what, fix = f"the name is not known: {words}", "check `smtp.host`"
        case ConnectionRefusedError():
            what, fix = "nobody answers there", "check `smtp.host` and `smtp.port`, and that the server runs"
        # smtplib hides the one in the other.
        case TimeoutError() | smtplib.SMTPServerDisconnected() if _is_late(failure):
            what = "does not answer in time"
            fix = "check `smtp.port`, and whether a firewall is in between (many networks block port 25)"
            if settings.security != "tls" and settings.port == 465:
                fix = "port 465 speaks TLS at once: set `smtp.security` to tls"
        case UnicodeError():
            what, fix = "the user name or the password is not ASCII", "use others"
        case _:
            what, fix = f"the connection fails: {words}", "look at the server's log"
    return Finding(where, "error", what, fix)
