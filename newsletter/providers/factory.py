"""Open the configured provider, and list the secrets that it needs."""

from typing import TYPE_CHECKING

from newsletter.config.environment import IMAP_PASSWORD, WORKER_TOKEN
from newsletter.config.key_hosts import misdirected_key, provider_key
from newsletter.config.loader import Newsletter
from newsletter.config.model import Config
from newsletter.disk.boundary import root_of

if TYPE_CHECKING:
    from newsletter.providers.outbox import OutboxProvider
    from newsletter.providers.sendgrid.provider import SendGridProvider
    from newsletter.providers.smtp.provider import SmtpProvider


def needed_secrets(config: Config) -> tuple[str, ...]:
    """Return the names of the environment variables that the configured provider and pulls need."""
    needed = {
        "SENDGRID_API_KEY": config.provider == "sendgrid" or config.pull.sendgrid,
        "SMTP_PASSWORD": config.provider == "smtp" and config.smtp.username is not None,
        IMAP_PASSWORD: config.pull.imap is not None or (config.bounces and config.bounces.imap) is not None,
        WORKER_TOKEN: config.pull.worker is not None,
    }
    return tuple(name for name, is_needed in needed.items() if is_needed)


def open_provider(
    newsletter: Newsletter, timeout: float | None = None
) -> "OutboxProvider | SmtpProvider | SendGridProvider":
    """Return the configured provider, not yet connected; import no other provider.

    It gets no key that is for another host than the configured one. `timeout` replaces the provider's
    default, in seconds.
    """
    config = newsletter.config
    problem, key = misdirected_key(newsletter), provider_key(newsletter)
    secret = key.value if key and not problem else None
    if config.provider == "smtp":
        from newsletter.providers.smtp import provider

        seconds = provider.TIMEOUT_SECONDS if timeout is None else timeout
        where = newsletter.where("smtp", "security")
        return provider.SmtpProvider(config.smtp, secret, key_problem=problem, timeout=seconds, where=where)
    if config.provider == "sendgrid":
        from newsletter.providers.http import TIMEOUT_SECONDS
        from newsletter.providers.sendgrid.provider import SendGridProvider

        seconds = TIMEOUT_SECONDS if timeout is None else timeout
        return SendGridProvider(config.sendgrid, secret, key_problem=problem, timeout=seconds)
    from newsletter.providers.outbox import OutboxProvider

    return OutboxProvider(newsletter.outbox, root_of(newsletter.outbox, newsletter.folder))
