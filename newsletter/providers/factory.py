"""Open the configured provider, and list the secrets that it needs."""

import importlib.util

from newsletter.config.environment import IMAP_PASSWORD, WORKER_TOKEN, Secrets
from newsletter.config.key_hosts import provider_key, provider_key_problem, role_problem
from newsletter.config.loader import Newsletter
from newsletter.config.model import Config
from newsletter.constants import PROVIDER_KEYS
from newsletter.disk.boundary import root_of
from newsletter.sending.interfaces import Provider


def needed_secrets(config: Config, secrets: Secrets | None = None) -> tuple[str, ...]:
    """Return the names of the environment variables that the configured provider and pulls need.

    `secrets` are those that are set: with none of AWS's, a role of the machine may stand in for them.
    """
    needed = {
        **dict.fromkeys(PROVIDER_KEYS.get(config.provider, ()), _needs_key(config, secrets)),
        PROVIDER_KEYS["sendgrid"][-1]: config.provider == "sendgrid" or config.pull.sendgrid,
        IMAP_PASSWORD: config.pull.imap is not None or (config.bounces and config.bounces.imap) is not None,
        WORKER_TOKEN: config.pull.worker is not None,
    }
    return tuple(name for name, is_needed in needed.items() if is_needed)


def _needs_key(config: Config, secrets: Secrets | None) -> bool:
    """Return False for a mail server without a login, and where a role of AWS takes the place of a key."""
    if config.provider == "smtp":
        return config.smtp.username is not None
    if config.provider == "ses" and not (
        secrets and (secrets.aws_access_key_id or secrets.aws_secret_access_key)
    ):
        return importlib.util.find_spec("botocore") is None
    return True


def open_provider(newsletter: Newsletter, timeout: float | None = None) -> Provider:
    """Return the configured provider, not yet connected; import no other provider.

    It gets no key that is for another host than the configured one. `timeout` replaces the provider's
    default, in seconds.
    """
    problem, key = provider_key_problem(newsletter), provider_key(newsletter)
    secret = key.value if key and not problem else None
    config = newsletter.config
    match config.provider:
        case "outbox":
            from newsletter.providers.outbox import OutboxProvider

            return OutboxProvider(newsletter.outbox, root_of(newsletter.outbox, newsletter.folder))
        case "smtp":
            from newsletter.providers.smtp import provider as smtp

            where = newsletter.where("smtp", "security")
            seconds = smtp.TIMEOUT_SECONDS if timeout is None else timeout
            return smtp.SmtpProvider(config.smtp, secret, key_problem=problem, timeout=seconds, where=where)
        case "sendgrid":
            from newsletter.providers.sendgrid.provider import SendGridProvider

            return SendGridProvider(config.sendgrid, secret, key_problem=problem, timeout=_seconds(timeout))
        case "resend":
            from newsletter.providers.resend.provider import ResendProvider

            return ResendProvider(config.resend, secret, key_problem=problem, timeout=_seconds(timeout))
        case "ses":
            from newsletter.providers.ses.credentials import credential_source
            from newsletter.providers.ses.provider import SesProvider

            credentials = credential_source(newsletter.secrets, problem, role_problem(newsletter))
            where = newsletter.where_provider()
            return SesProvider(config.ses, credentials, timeout=_seconds(timeout), where=where)
        case "postmark":
            from newsletter.providers.postmark.provider import PostmarkProvider

            return PostmarkProvider(config.postmark, secret, key_problem=problem, timeout=_seconds(timeout))
        case "mailgun":
            from newsletter.providers.mailgun.provider import MailgunProvider

            return MailgunProvider(config.mailgun, secret, key_problem=problem, timeout=_seconds(timeout))


def _seconds(timeout: float | None) -> float:
    """Return the time-out of a request to a web API."""
    from newsletter.providers.http import TIMEOUT_SECONDS

    return TIMEOUT_SECONDS if timeout is None else timeout
