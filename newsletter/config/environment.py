"""The environment and its .env file: secrets, which stand nowhere else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from newsletter.display import display_path
from newsletter.errors import ConfigError, Problem
from newsletter.yamlfile import reader


@dataclass(frozen=True)
class Secrets:
    """What comes from the environment only; none of it shows in a repr."""

    sendgrid_api_key: SecretStr | None = None
    smtp_password: SecretStr | None = None
    secret_key: SecretStr | None = None
    database_url: SecretStr | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        def secret(name: str) -> SecretStr | None:
            value = environment.get(name, "").strip()
            if not value.isprintable():
                what = f"{name} holds a line break or an invisible character"
                raise ConfigError([Problem("environment", what, "set it again, as one line")])
            return SecretStr(value) if value else None

        return cls(
            secret("SENDGRID_API_KEY"),
            secret("SMTP_PASSWORD"),
            secret("NEWS_SECRET_KEY"),
            secret("NEWS_DATABASE_URL"),
        )


def dotenv(file: Path) -> dict[str, str]:
    """What a .env file sets; a folder of that name is somebody's virtual environment."""
    if not os.path.lexists(file) or file.is_dir():
        return {}
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(StringIO(reader.read_text(file, ConfigError))))
    if unread := [one.original for one in bindings if one.error or (one.key and one.value is None)]:
        shown, what, fix = display_path(file), "not a NAME=value line", "write it as one, or delete it"
        # What python-dotenv calls a line starts with the blank lines above it.
        lines = [one.line + one.string[: -len(one.string.lstrip())].count("\n") for one in unread]
        raise ConfigError([Problem(f"{shown}:{line}", what, fix) for line in lines])
    return {one.key: one.value for one in bindings if one.key and one.value is not None}
