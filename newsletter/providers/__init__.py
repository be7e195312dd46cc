"""Providers, one file each."""

from typing import TYPE_CHECKING

from newsletter.config import Config, Newsletter

if TYPE_CHECKING:
    from newsletter.providers.outbox import OutboxProvider
    from newsletter.providers.sendgrid import SendGridProvider
    from newsletter.providers.smtp import SmtpProvider


def needed_secrets(config: Config) -> tuple[str, ...]:
    """The variables that the configured provider cannot do without."""
    if config.provider == "sendgrid":
        return ("SENDGRID_API_KEY",)
    return ("SMTP_PASSWORD",) if config.provider == "smtp" and config.smtp.username else ()


def open_provider(
    newsletter: Newsletter, timeout: float | None = None
) -> "OutboxProvider | SmtpProvider | SendGridProvider":
    """The configured provider, set up but not connected; imports only that one.

    `timeout` is in place of its own, in seconds.
    """
    config, secrets = newsletter.config, newsletter.secrets
    if config.provider == "smtp":
        from newsletter.providers import smtp

        seconds = smtp.TIMEOUT_SECONDS if timeout is None else timeout
        return smtp.SmtpProvider(config.smtp, secrets.smtp_password, timeout=seconds)
    if config.provider == "sendgrid":
        from newsletter.providers.sendgrid import SendGridProvider
        from newsletter.providers.transport import TIMEOUT_SECONDS

        seconds = TIMEOUT_SECONDS if timeout is None else timeout
        return SendGridProvider(config.sendgrid, secrets.sendgrid_api_key, timeout=seconds)
    from newsletter.providers.outbox import OutboxProvider

    return OutboxProvider(newsletter.folder / config.outbox.path)
