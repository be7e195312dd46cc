"""Read the environment and the .env file, which hold the secrets."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from newsletter.constants import PROVIDER_HOSTS, PROVIDER_KEYS
from newsletter.display import display_path
from newsletter.errors import ConfigError, Problem
from newsletter.state.state_key import VARIABLE as STATE_KEY
from newsletter.yamlfile import reader

SECRET_KEY, DATABASE_URL = "NEWS_SECRET_KEY", "NEWS_DATABASE_URL"
OLD_SECRET_KEYS = "NEWS_SECRET_KEY_OLD"
COPY_TARGET = "NEWS_DATABASE_URL_TO"
"""The variable with the database that `news db copy` writes; no other command reads it."""
IMAP_PASSWORD, WORKER_TOKEN = "IMAP_PASSWORD", "WORKER_TOKEN"
_SECRET_FIELDS = {
    "sendgrid_api_key": "SENDGRID_API_KEY",
    "smtp_password": "SMTP_PASSWORD",
    "resend_api_key": "RESEND_API_KEY",
    "resend_webhook_secret": "RESEND_WEBHOOK_SECRET",
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
    "postmark_server_token": "POSTMARK_SERVER_TOKEN",
    "postmark_webhook_password": "POSTMARK_WEBHOOK_PASSWORD",
    "mailgun_api_key": "MAILGUN_API_KEY",
    "mailgun_webhook_key": "MAILGUN_WEBHOOK_KEY",
    "secret_key": SECRET_KEY,
    "database_url": DATABASE_URL,
    "state_key": STATE_KEY,
    "old_secret_keys": OLD_SECRET_KEYS,
    "imap_password": IMAP_PASSWORD,
    "worker_token": WORKER_TOKEN,
}
"""The fields of `Secrets` that are secret, each with its variable."""
SECRETS = tuple(_SECRET_FIELDS.values())
"""The variables that hold secrets."""

KEY_OF_HOST = {
    **{host: PROVIDER_KEYS[provider][-1] for provider, host in PROVIDER_HOSTS.items()},
    "IMAP_HOST": IMAP_PASSWORD,
    "WORKER_HOST": WORKER_TOKEN,
}
"""The variables of hosts, each with the key of that host; `Secrets` has their names in small letters."""


def merged(sources: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the variables of all sources, which are in the order of trust: the first one counts.

    The host of a key counts only from the source that has the key, or from one before it: a `.env` that came
    with a branch must not direct the key of the environment to another host.
    """
    values = {name: value for source in reversed(sources) for name, value in source.items()}
    for host, key in KEY_OF_HOST.items():
        with_key = next((n for n, source in enumerate(sources) if source.get(key, "").strip()), len(sources))
        trusted = [source[host] for source in sources[: with_key + 1] if host in source]
        values.pop(host, None)
        if trusted:
            values[host] = trusted[0]
    _drop_foreign_token(values, sources)
    return values


def _drop_foreign_token(values: dict[str, str], sources: Sequence[Mapping[str, str]]) -> None:
    """Delete a session token of AWS that is not from the source of the secret key, to which it belongs."""
    secret, token = "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
    owner = next((source for source in sources if source.get(secret, "").strip()), {})
    if token in values and secret in values and token not in owner:
        del values[token]


@dataclass(frozen=True)
class Secrets:
    """The secrets, which newsletter.yml cannot hold; a repr does not show them.

    A field that ends in `_host` is the host that a key is for.
    """

    sendgrid_api_key: SecretStr | None = None
    smtp_password: SecretStr | None = None
    resend_api_key: SecretStr | None = None
    resend_webhook_secret: SecretStr | None = None
    aws_access_key_id: SecretStr | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    postmark_server_token: SecretStr | None = None
    postmark_webhook_password: SecretStr | None = None
    mailgun_api_key: SecretStr | None = None
    mailgun_webhook_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    database_url: SecretStr | None = None
    state_key: SecretStr | None = None
    old_secret_keys: SecretStr | None = None
    imap_password: SecretStr | None = None
    worker_token: SecretStr | None = None
    sendgrid_host: str | None = None
    smtp_host: str | None = None
    resend_host: str | None = None
    aws_ses_host: str | None = None
    postmark_host: str | None = None
    mailgun_host: str | None = None
    imap_host: str | None = None
    worker_host: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the secrets in an environment; raise ConfigError for one with an invisible character."""
        secrets: dict[str, Any] = {
            field: secret_value(environment, name) for field, name in _SECRET_FIELDS.items()
        }
        hosts: dict[str, Any] = {name.lower(): _text(environment, name) for name in KEY_OF_HOST}
        return cls(**secrets, **hosts)

    def with_state_key(self, key: str) -> Self:
        """Return the secrets with another state key."""
        return replace(self, state_key=SecretStr(key))

    @property
    def has_database_server(self) -> bool:
        """Return True if the database is on a PostgreSQL server, and not in a file."""
        return self.database_url is not None and self.database_url.get_secret_value().startswith("postgres")


def secret_value(environment: Mapping[str, str], name: str) -> SecretStr | None:
    """Return the secret in a variable; raise ConfigError for one with an invisible character."""
    return SecretStr(value) if (value := _text(environment, name)) else None


def _text(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name, "").strip()
    if not value.isprintable():
        what = f"{name} contains a line break or an invisible character"
        raise ConfigError.of("environment", what, "set it again as one line")
    return value or None


def dotenv(file: Path) -> dict[str, str]:
    """Return the variables of a .env file; raise ConfigError for lines that are not NAME=value.

    The file must be in its folder: a symbolic link must not lead out of it.
    A folder of this name is ignored, because it may be a virtual environment.
    """
    if not os.path.lexists(file) or file.is_dir():
        return {}
    from dotenv.parser import parse_stream

    text = reader.read_text(file, ConfigError, root=file.parent, secret=True)
    bindings = list(parse_stream(StringIO(text)))
    invalid = [
        binding.original for binding in bindings if binding.error or (binding.key and binding.value is None)
    ]
    if invalid:
        shown, what, fix = display_path(file), "the line is not a NAME=value line", "correct it, or delete it"
        # In python-dotenv, the text of a line starts with the blank lines above it.
        lines = [part.line + part.string[: -len(part.string.lstrip())].count("\n") for part in invalid]
        raise ConfigError([Problem(f"{shown}:{line}", what, fix) for line in lines])
    return {part.key: part.value for part in bindings if part.key and part.value is not None}
