"""Open the webhook of a provider, if newsletter.yml or the environment has what proves its requests."""

from collections.abc import Callable, Mapping

from newsletter.config.loader import Newsletter
from newsletter.providers.webhook_events import Webhook


def open_webhook(provider: str, newsletter: Newsletter) -> Webhook | None:
    """Return the webhook of a provider; None if it has none, or if nothing is configured to prove it.

    A newsletter that changed its provider still gets the events of the earlier one.
    """
    opener = _OPENERS.get(provider)
    return opener(newsletter) if opener else None


def _sendgrid(newsletter: Newsletter) -> Webhook | None:
    from newsletter.providers.sendgrid.webhook import SendGridWebhook

    key = newsletter.config.sendgrid.webhook_key
    return SendGridWebhook(key) if key else None


def _ses(newsletter: Newsletter) -> Webhook | None:
    from newsletter.providers.ses.webhook import SesWebhook

    topic = newsletter.config.ses.topic
    return SesWebhook(topic) if topic else None


_OPENERS: Mapping[str, Callable[[Newsletter], Webhook | None]] = {"sendgrid": _sendgrid, "ses": _ses}
