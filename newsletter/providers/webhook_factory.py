"""Open the webhook of a provider, if newsletter.yml or the environment has what proves its requests."""

from newsletter.config.loader import Newsletter
from newsletter.providers.webhook_events import Webhook

WEBHOOK_PROVIDERS = ("sendgrid", "resend", "ses", "postmark", "mailgun")
"""The providers that post events, in the order of `PROVIDERS`."""


def open_webhook(provider: str, newsletter: Newsletter) -> Webhook | None:
    """Return the webhook of a provider; None if it has none, or if nothing is configured to prove it.

    A newsletter that changed its provider still gets the events of the earlier one.
    """
    config, secrets = newsletter.config, newsletter.secrets
    match provider:
        case "sendgrid" if config.sendgrid.webhook_key:
            from newsletter.providers.sendgrid.webhook import SendGridWebhook

            return SendGridWebhook(config.sendgrid.webhook_key)
        case "resend" if secrets.resend_webhook_secret:
            from newsletter.providers.resend.webhook import ResendWebhook

            return ResendWebhook(secrets.resend_webhook_secret)
        case "ses" if config.ses.topic:
            from newsletter.providers.ses.webhook import SesWebhook

            return SesWebhook(config.ses.topic)
        case "postmark" if secrets.postmark_webhook_password:
            from newsletter.providers.postmark.webhook import PostmarkWebhook

            return PostmarkWebhook(secrets.postmark_webhook_password)
        case "mailgun" if secrets.mailgun_webhook_key:
            from newsletter.providers.mailgun.webhook import MailgunWebhook

            return MailgunWebhook(secrets.mailgun_webhook_key)
    return None
