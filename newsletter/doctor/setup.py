"""What a newsletter's set-up says, read as far as it can be: one fault does not hide the next."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from newsletter.config import loader
from newsletter.config.environment import Secrets, dotenv
from newsletter.config.loader import Newsletter
from newsletter.config.model import Config
from newsletter.errors import ConfigError, Problem, cannot_be

VARIABLES = ("SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWS_SECRET_KEY", "NEWS_DATABASE_URL")
DOTENV = ".env"


@dataclass(frozen=True)
class Variable:
    """A secret as it was found; its value shows in no repr."""

    name: str
    source: str = ""
    value: str = field(default="", repr=False)
    hides: str = ""

    @property
    def state(self) -> str:
        """`set`, `not set`, `empty` or `malformed`."""
        if not self.source:
            return "not set"
        if not self.value:
            return "empty"
        return "set" if self.value.isprintable() else "malformed"


@dataclass(frozen=True)
class Setup:
    """A newsletter's folder, and as much of its set-up as is sound; `config` is None where it is not."""

    folder: Path
    config: Config | None
    variables: Mapping[str, Variable]
    secrets: Secrets
    in_ci: bool = False
    config_problems: tuple[Problem, ...] = ()
    dotenv_problems: tuple[Problem, ...] = ()

    @classmethod
    def read(cls, folder: Path, environment: Mapping[str, str], provider: str | None = None) -> Self:
        """What `config.loader.load` reads, without ending at the first thing that is wrong."""
        found, config_problems = _config(folder, provider)
        dotenv_problems: tuple[Problem, ...] = ()
        try:
            file = dotenv(folder / DOTENV)
        except (ConfigError, OSError) as failure:
            file, dotenv_problems = {}, _problems(failure, DOTENV)
        variables = {name: _variable(name, environment, file) for name in VARIABLES}
        sound = {one.name: one.value for one in variables.values() if one.state == "set"}
        secrets, ci = Secrets.from_environment(sound), loader.is_ci({**file, **environment})
        return cls(folder, found, variables, secrets, ci, config_problems, dotenv_problems)

    @property
    def newsletter(self) -> Newsletter | None:
        """The newsletter, with the secrets that are sound."""
        return Newsletter(self.folder, self.config, self.secrets, self.in_ci) if self.config else None

    @property
    def state(self) -> Path:
        """The folder of what is not committed; it may not be there."""
        return self.folder / loader.STATE


def _config(folder: Path, provider: str | None) -> tuple[Config | None, tuple[Problem, ...]]:
    try:
        found, _ = loader.load_file(folder)
        return loader.with_provider(Newsletter(folder, found), provider).config, ()
    except (ConfigError, OSError) as failure:
        return None, _problems(failure, loader.FILE)


def _problems(failure: ConfigError | OSError, file: str) -> tuple[Problem, ...]:
    if isinstance(failure, ConfigError):
        return tuple(failure.problems)
    return (Problem(file, cannot_be("read", failure), "check its permissions"),)


def _variable(name: str, environment: Mapping[str, str], file: Mapping[str, str]) -> Variable:
    if name in environment:
        hidden = bool(file.get(name, "").strip()) and file[name].strip() != environment[name].strip()
        return Variable(name, "the environment", environment[name].strip(), DOTENV if hidden else "")
    return Variable(name, DOTENV, file[name].strip()) if name in file else Variable(name)


def environment() -> Mapping[str, str]:
    """The process's own."""
    return os.environ
