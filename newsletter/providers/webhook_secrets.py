"""Check the secrets that prove the requests of webhooks, without a request."""

from collections.abc import Callable

from pydantic import SecretStr

from newsletter.config.environment import Secrets
from newsletter.errors import Problem

Check = Callable[[SecretStr], Problem | None]
"""Return the problem of a secret, if it has one."""


def _resend(secret: SecretStr) -> Problem | None:
    from newsletter.providers.resend.webhook import secret_problem

    return secret_problem(secret)


def _postmark(password: SecretStr) -> Problem | None:
    from newsletter.providers.postmark.webhook import password_problem

    return password_problem(password)


def _mailgun(key: SecretStr) -> Problem | None:
    from newsletter.providers.mailgun.webhook import key_problem

    return key_problem(key)


WEBHOOK_SECRETS: dict[str, Check] = {
    "RESEND_WEBHOOK_SECRET": _resend,
    "POSTMARK_WEBHOOK_PASSWORD": _postmark,
    "MAILGUN_WEBHOOK_KEY": _mailgun,
}
"""The variables that hold such a secret. The keys of SendGrid and SES are in newsletter.yml."""


def webhook_secret_problems(secrets: Secrets) -> list[Problem]:
    """Return the problems of the secrets that are set, also of a provider that was used before."""
    found: list[tuple[Check, SecretStr | None]] = [
        (check, getattr(secrets, variable.lower())) for variable, check in WEBHOOK_SECRETS.items()
    ]
    problems = (check(secret) for check, secret in found if secret)
    return [problem for problem in problems if problem]
