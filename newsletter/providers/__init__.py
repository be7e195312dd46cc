"""Providers, one file each."""

from typing import TYPE_CHECKING

from newsletter.config import Newsletter

if TYPE_CHECKING:
    from newsletter.providers.outbox import OutboxProvider
    from newsletter.providers.sendgrid import SendGridProvider
    from newsletter.providers.smtp import SmtpProvider


def open_provider(newsletter: Newsletter) -> "OutboxProvider | SmtpProvider | SendGridProvider":
    """The configured provider, set up but not connected; imports only that one."""
    config, secrets = newsletter.config, newsletter.secrets
    if config.provider == "smtp":
        from newsletter.providers.smtp import SmtpProvider

        return SmtpProvider(config.smtp, secrets.smtp_password)
    if config.provider == "sendgrid":
        from newsletter.providers.sendgrid import SendGridProvider

        return SendGridProvider(config.sendgrid, secrets.sendgrid_api_key)
    from newsletter.providers.outbox import OutboxProvider

    return OutboxProvider(newsletter.folder / config.outbox.path)
