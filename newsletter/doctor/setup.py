"""The set-up of a newsletter: its valid parts, and all problems of its invalid parts."""

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
HOSTS = ("SENDGRID_HOST", "SMTP_HOST")
DOTENV = ".env"


@dataclass(frozen=True)
class Variable:
    """A variable for a secret, from the environment or .env; its repr omits the value.

    `source` names the place where it is set, "" if it is not set; `hides` is `.env` if the environment
    overrides a different value there, else "".
    """

    name: str
    source: str = ""
    value: str = field(default="", repr=False)
    hides: str = ""

    @property
    def state(self) -> str:
        """Return `set`, `not set`, `empty` or `malformed` (it has characters that are not printable)."""
        if not self.source:
            return "not set"
        if not self.value:
            return "empty"
        return "set" if self.value.isprintable() else "malformed"


@dataclass(frozen=True)
class Setup:
    """A newsletter's folder and its set-up; `config` is None if newsletter.yml is invalid."""

    folder: Path
    config: Config | None
    variables: Mapping[str, Variable]
    secrets: Secrets
    in_ci: bool = False
    config_problems: tuple[Problem, ...] = ()
    dotenv_problems: tuple[Problem, ...] = ()

    @classmethod
    def read(cls, folder: Path, environment: Mapping[str, str], provider: str | None = None) -> Self:
        """Read the files and variables that `config.loader.load` reads; collect their problems."""
        config, config_problems = _config(folder, provider)
        dotenv_problems: tuple[Problem, ...] = ()
        try:
            file = dotenv(folder / DOTENV)
        except (ConfigError, OSError) as failure:
            file, dotenv_problems = {}, _problems(failure, DOTENV)
        variables = {name: _variable(name, environment, file) for name in VARIABLES}
        valid = {name: variable.value for name, variable in variables.items() if variable.state == "set"}
        both = {**file, **environment}
        valid |= {name: both[name] for name in HOSTS if name in both and both[name].strip().isprintable()}
        secrets, ci = Secrets.from_environment(valid), loader.is_ci(both)
        return cls(folder, config, variables, secrets, ci, config_problems, dotenv_problems)

    @property
    def newsletter(self) -> Newsletter | None:
        """Return the newsletter with its valid secrets; None if its configuration is invalid."""
        return Newsletter(self.folder, self.config, self.secrets, self.in_ci) if self.config else None

    @property
    def state(self) -> Path:
        """Return the newsletter's private folder, which may not exist."""
        return self.folder / loader.STATE


def _config(folder: Path, provider: str | None) -> tuple[Config | None, tuple[Problem, ...]]:
    try:
        config, _ = loader.load_file(folder)
        return loader.with_provider(Newsletter(folder, config), provider).config, ()
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
