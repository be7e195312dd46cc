"""Read the environment and the .env file, which hold the secrets."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from newsletter.display import display_path
from newsletter.errors import ConfigError, Problem
from newsletter.state.state_key import VARIABLE as STATE_KEY
from newsletter.yamlfile import reader

SECRET_KEY, DATABASE_URL = "NEWS_SECRET_KEY", "NEWS_DATABASE_URL"
OLD_SECRET_KEYS = "NEWS_SECRET_KEY_OLD"
COPY_TARGET = "NEWS_DATABASE_URL_TO"
"""The variable with the database that `news db copy` writes; no other command reads it."""
IMAP_PASSWORD, WORKER_TOKEN = "IMAP_PASSWORD", "WORKER_TOKEN"
SECRETS = (
    "SENDGRID_API_KEY",
    "SMTP_PASSWORD",
    SECRET_KEY,
    DATABASE_URL,
    STATE_KEY,
    OLD_SECRET_KEYS,
    IMAP_PASSWORD,
    WORKER_TOKEN,
)
"""The variables that hold secrets, in the order of the fields of `Secrets`."""

KEY_OF_HOST = {
    "SENDGRID_HOST": "SENDGRID_API_KEY",
    "SMTP_HOST": "SMTP_PASSWORD",
    "IMAP_HOST": IMAP_PASSWORD,
    "WORKER_HOST": WORKER_TOKEN,
}
"""The variables of hosts, in the order of the fields of `Secrets`, each with the key of that host."""


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
    return values


@dataclass(frozen=True)
class Secrets:
    """The secrets, which newsletter.yml cannot hold; a repr does not show them.

    `sendgrid_host`, `smtp_host`, `imap_host` and `worker_host` are the hosts that their keys are for.
    """

    sendgrid_api_key: SecretStr | None = None
    smtp_password: SecretStr | None = None
    secret_key: SecretStr | None = None
    database_url: SecretStr | None = None
    state_key: SecretStr | None = None
    old_secret_keys: SecretStr | None = None
    imap_password: SecretStr | None = None
    worker_token: SecretStr | None = None
    sendgrid_host: str | None = None
    smtp_host: str | None = None
    imap_host: str | None = None
    worker_host: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the secrets in an environment; raise ConfigError for one with an invisible character."""
        keys = (secret_value(environment, name) for name in SECRETS)
        sendgrid, smtp, secret, database, state, old, imap, worker = keys
        hosts = (_text(environment, name) for name in KEY_OF_HOST)
        return cls(sendgrid, smtp, secret, database, state, old, imap, worker, *hosts)

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
