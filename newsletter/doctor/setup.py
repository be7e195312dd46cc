"""The set-up of a newsletter: its valid parts, and all problems of its invalid parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from newsletter.config import loader
from newsletter.config.environment import KEY_OF_HOST, SECRETS, Secrets, dotenv, merged
from newsletter.config.loader import DOTENV, Newsletter
from newsletter.config.model import Config
from newsletter.disk.failures import cannot_be
from newsletter.display import display_path
from newsletter.errors import ConfigError, NewsError, Problem, StateError
from newsletter.state.location import ENV, OLD, VARIABLE, StateLocation, locate
from newsletter.state.tracked import refuse_tracked
from newsletter.yamlfile.reader import Loc

ENVIRONMENT = "the environment"


@dataclass(frozen=True)
class Variable:
    """A variable for a secret, from the environment or a file; its repr omits the value.

    `source` names the place where it is set, "" if it is not set; `hides` is a file with a different value,
    which is not used because of it, else "".
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
    """A newsletter's folder and its set-up.

    `config` is None if newsletter.yml is invalid, and `location` if the state cannot be found. `lines` are
    those of the keys of newsletter.yml.
    """

    folder: Path
    config: Config | None
    variables: Mapping[str, Variable]
    secrets: Secrets
    in_ci: bool = False
    config_problems: tuple[Problem, ...] = ()
    dotenv_problems: tuple[Problem, ...] = ()
    location: StateLocation | None = None
    state_problems: tuple[Problem, ...] = ()
    state_dir: str = ""
    lines: Mapping[Loc, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, environment: Mapping[str, str], provider: str | None = None) -> Self:
        """Read the files and variables that `config.loader.load` reads; collect their problems."""
        config, lines, config_problems = _config(folder, provider)
        state_dir = environment.get(VARIABLE, "")
        location, state_problems = _locate(folder, state_dir)
        sources, dotenv_problems = [(ENVIRONMENT, environment)], list[Problem]()
        for file in ([location.readable / ENV] if location else []) + [folder / DOTENV]:
            values, problems = _read(file)
            sources.append((DOTENV if file.name == DOTENV else display_path(file), values))
            dotenv_problems += problems
        variables = {name: _variable(name, sources) for name in SECRETS}
        valid = {name: variable.value for name, variable in variables.items() if variable.state == "set"}
        both = merged([values for _, values in sources])
        valid |= {name: both[name] for name in KEY_OF_HOST if both.get(name, "\0").strip().isprintable()}
        return cls(
            folder,
            config,
            variables,
            Secrets.from_environment(valid),
            loader.is_ci(both),
            config_problems,
            tuple(dotenv_problems),
            location,
            state_problems,
            state_dir,
            lines,
        )

    @property
    def newsletter(self) -> Newsletter | None:
        """Return the newsletter with its valid secrets; None if its configuration is invalid."""
        if self.config is None:
            return None
        parts = (self.folder, self.config, self.secrets, self.in_ci)
        return Newsletter(*parts, lines=self.lines, state_dir=self.state_dir)

    @property
    def state(self) -> Path:
        """Return the newsletter's private folder, which may not exist."""
        return self.location.readable if self.location else self.folder / OLD


def _config(
    folder: Path, provider: str | None
) -> tuple[Config | None, Mapping[Loc, int], tuple[Problem, ...]]:
    """Return the configuration and the line of each key, or the problems that prevent it from being read."""
    try:
        config, lines = loader.load_file(folder)
        return loader.with_provider(Newsletter(folder, config, lines=lines), provider).config, lines, ()
    except (ConfigError, OSError) as failure:
        return None, {}, _problems(failure, loader.FILE)


def _problems(failure: ConfigError | OSError, file: str) -> tuple[Problem, ...]:
    if isinstance(failure, ConfigError):
        return tuple(failure.problems)
    return (Problem(file, cannot_be("read", failure), "check its permissions"),)


def _locate(folder: Path, state_dir: str) -> tuple[StateLocation | None, tuple[Problem, ...]]:
    try:
        return locate(folder, state_dir), ()
    except StateError as failure:
        return None, tuple(failure.problems)


def _read(file: Path) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the variables in a file, and the problems that prevent it from being read."""
    try:
        refuse_tracked(file)
        return dotenv(file), ()
    except NewsError as failure:
        return {}, tuple(failure.problems)
    except OSError as failure:
        return {}, _problems(failure, file.name)


def _variable(name: str, sources: Sequence[tuple[str, Mapping[str, str]]]) -> Variable:
    """Return a variable from the first source that has it."""
    found = [(source, values[name].strip()) for source, values in sources if name in values]
    if not found:
        return Variable(name)
    (source, value), *others = found
    hidden = next((other for other, unused in others if unused and unused != value), "")
    return Variable(name, source, value, hidden)
