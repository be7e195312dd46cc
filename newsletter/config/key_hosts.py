"""Bind the provider's key to its host: newsletter.yml names a host, the environment says whose key it holds.

A stranger's branch brings a newsletter.yml. The host in it gets the key only if it is the one that the key is
for: SendGrid's own, or the one that is named beside the key.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from newsletter.config.loader import Newsletter
from newsletter.errors import Problem

# https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/authentication
SENDGRID_HOSTS = ("api.sendgrid.com", "api.eu.sendgrid.com")


@dataclass(frozen=True)
class ProviderKey:
    """A key that is set, its variable, the host that would get it, and the hosts that it is for."""

    value: SecretStr
    variable: str
    host: str
    setting: tuple[str, str]
    host_variable: str
    allowed: tuple[str, ...]

    @property
    def is_misdirected(self) -> bool:
        """Return True if the key is not for the host that would get it."""
        return _normal(self.host) not in map(_normal, self.allowed)


def provider_key(newsletter: Newsletter) -> ProviderKey | None:
    """Return the key that the configured provider would send to its host; None if it sends none."""
    config, secrets = newsletter.config, newsletter.secrets
    if config.provider == "sendgrid" and secrets.sendgrid_api_key:
        return ProviderKey(
            secrets.sendgrid_api_key,
            "SENDGRID_API_KEY",
            urlsplit(config.sendgrid.host).hostname or "",
            ("sendgrid", "host"),
            "SENDGRID_HOST",
            (secrets.sendgrid_host,) if secrets.sendgrid_host else SENDGRID_HOSTS,
        )
    if config.provider == "smtp" and config.smtp.username and secrets.smtp_password:
        return ProviderKey(
            secrets.smtp_password,
            "SMTP_PASSWORD",
            config.smtp.host,
            ("smtp", "host"),
            "SMTP_HOST",
            (secrets.smtp_host,) if secrets.smtp_host else (),
        )
    return None


def misdirected_key(newsletter: Newsletter) -> Problem | None:
    """Return the problem of a key that is not for the configured host; None if the key may be sent to it."""
    key = provider_key(newsletter)
    if key is None or not key.is_misdirected:
        return None
    if key.allowed:
        meant = f"{key.variable} is for {' or '.join(key.allowed)}"
    else:
        meant = f"{key.host_variable} is not set"
    what = f"{'.'.join(key.setting)} is {key.host}, but {meant}, so {key.variable} is not sent there"
    fix = f"if {key.host} is to have it, set this where {key.variable} is set: {key.host_variable}={key.host}"
    return Problem(newsletter.where(*key.setting), what, fix)


def _normal(host: str) -> str:
    return host.lower().removesuffix(".")
