"""Open the configured provider, and list the secrets that it needs."""

import importlib.util
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from newsletter.config.environment import IMAP_PASSWORD, WORKER_TOKEN, Secrets
from newsletter.config.key_hosts import misdirected_key, misdirected_role, provider_key
from newsletter.config.loader import Newsletter
from newsletter.config.model import Config
from newsletter.constants import ProviderName
from newsletter.disk.boundary import root_of
from newsletter.errors import Problem
from newsletter.sending.interfaces import Provider


def needed_secrets(config: Config, secrets: Secrets | None = None) -> tuple[str, ...]:
    """Return the names of the environment variables that the configured provider and pulls need.

    `secrets` are those that are set: with none of AWS's, a role of the machine may stand in for them.
    """
    needs_aws_key = config.provider == "ses" and _needs_aws_key(secrets)
    needed = {
        "SENDGRID_API_KEY": config.provider == "sendgrid" or config.pull.sendgrid,
        "AWS_ACCESS_KEY_ID": needs_aws_key,
        "AWS_SECRET_ACCESS_KEY": needs_aws_key,
        "SMTP_PASSWORD": config.provider == "smtp" and config.smtp.username is not None,
        IMAP_PASSWORD: config.pull.imap is not None or (config.bounces and config.bounces.imap) is not None,
        WORKER_TOKEN: config.pull.worker is not None,
    }
    return tuple(name for name, is_needed in needed.items() if is_needed)


def _needs_aws_key(secrets: Secrets | None) -> bool:
    has_key = secrets is not None and (secrets.aws_access_key_id or secrets.aws_secret_access_key)
    return bool(has_key) or importlib.util.find_spec("botocore") is None


def open_provider(newsletter: Newsletter, timeout: float | None = None) -> Provider:
    """Return the configured provider, not yet connected; import no other provider.

    It gets no key that is for another host than the configured one. `timeout` replaces the provider's
    default, in seconds.
    """
    problem, key = misdirected_key(newsletter), provider_key(newsletter)
    secret = key.value if key and not problem else None
    return _OPENERS[newsletter.config.provider](newsletter, secret, problem, timeout)


def _outbox(newsletter: Newsletter, *_: object) -> Provider:
    from newsletter.providers.outbox import OutboxProvider

    return OutboxProvider(newsletter.outbox, root_of(newsletter.outbox, newsletter.folder))


def _smtp(
    newsletter: Newsletter, password: SecretStr | None, problem: Problem | None, timeout: float | None
) -> Provider:
    from newsletter.providers.smtp import provider

    settings, where = newsletter.config.smtp, newsletter.where("smtp", "security")
    seconds = provider.TIMEOUT_SECONDS if timeout is None else timeout
    return provider.SmtpProvider(settings, password, key_problem=problem, timeout=seconds, where=where)


def _sendgrid(
    newsletter: Newsletter, key: SecretStr | None, problem: Problem | None, timeout: float | None
) -> Provider:
    from newsletter.providers.http import TIMEOUT_SECONDS
    from newsletter.providers.sendgrid.provider import SendGridProvider

    seconds = TIMEOUT_SECONDS if timeout is None else timeout
    return SendGridProvider(newsletter.config.sendgrid, key, key_problem=problem, timeout=seconds)


def _ses(newsletter: Newsletter, _: object, problem: Problem | None, timeout: float | None) -> Provider:
    from newsletter.providers.http import TIMEOUT_SECONDS
    from newsletter.providers.ses.credentials import credentials_of
    from newsletter.providers.ses.provider import SesProvider

    credentials = credentials_of(newsletter.secrets, problem, misdirected_role(newsletter))
    seconds, where = TIMEOUT_SECONDS if timeout is None else timeout, newsletter.where("ses")
    return SesProvider(newsletter.config.ses, credentials, timeout=seconds, where=where)


# A function that opens a provider takes its key, or the problem for which it gets none, and a time-out.
_Opener = Callable[[Newsletter, SecretStr | None, Problem | None, float | None], Provider]
_OPENERS: Mapping[ProviderName, _Opener] = {
    "outbox": _outbox,
    "smtp": _smtp,
    "sendgrid": _sendgrid,
    "ses": _ses,
}
