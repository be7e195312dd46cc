"""Load a folder with newsletter.yml as a Newsletter."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from newsletter.config.environment import Secrets, dotenv
from newsletter.config.model import Config
from newsletter.display import display_path
from newsletter.errors import ConfigError, Problem
from newsletter.render.model import Site
from newsletter.yamlfile import reader, validation

FILE, ISSUES, TEMPLATES, STATE = "newsletter.yml", "issues", "templates", ".news"


@dataclass(frozen=True)
class Newsletter:
    """A newsletter's folder, configuration and secrets.

    `in_ci` is true on a CI runner, whose files are deleted afterwards. `lines` is the line of each key of
    newsletter.yml.
    """

    folder: Path
    config: Config
    secrets: Secrets = field(default_factory=Secrets)
    in_ci: bool = False
    lines: Mapping[reader.Loc, int] = field(default_factory=dict, repr=False)

    def where(self, *loc: str | int) -> str:
        """Return `newsletter.yml:line` of a key."""
        return reader.Document(display_path(self.folder / FILE), None, self.lines).where(loc)

    @property
    def issues(self) -> Path:
        """Return the folder of the issue files."""
        return self.folder / ISSUES

    @property
    def templates(self) -> Path:
        """Return the folder of the newsletter's templates."""
        return self.folder / TEMPLATES

    @property
    def state(self) -> Path:
        """Return the folder of local files that are not committed: database and keys."""
        return self.folder / STATE

    @property
    def runs(self) -> Path:
        """Return the folder with the journal and the lock of each process that sends."""
        return self.state / "runs"

    @cached_property
    def site(self) -> Site:
        """Return the part of the configuration that rendering reads."""
        config = self.config
        labels = config.labels.model_dump()
        if config.tracking.opens or config.tracking.clicks:
            labels["untracked"] = ""  # the sentence of this label would be false
        return Site(
            name=config.name,
            postal_address=config.postal_address,
            language=config.language,
            url=config.site,
            labels=labels,
            templates=str(self.templates),
        )


def with_provider(newsletter: Newsletter, name: str | None) -> Newsletter:
    """Return the newsletter with another provider. Raise ConfigError if its settings do not fit that one."""
    if name is None or name == newsletter.config.provider:
        return newsletter
    try:
        chosen = Config.model_validate({**dict(newsletter.config), "provider": name})
    except ValidationError as invalid:
        raise ConfigError(
            [_provider_problem(name, error) for error in invalid.errors(include_url=False)]
        ) from invalid
    return replace(newsletter, config=chosen)


def _provider_problem(provider: str, error: ErrorDetails) -> Problem:
    context = error.get("ctx", {})
    what = reader.sentence(error["loc"], context.get("what", error["msg"]))
    return Problem(FILE, what, context.get("fix", f"change it, or do not send through {provider}"))


def load(folder: Path, environment: Mapping[str, str] | None = None) -> Newsletter:
    """Return the newsletter in `folder`; raise ConfigError with every problem of its newsletter.yml.

    Secrets come from `environment` (by default the environment of this process), then from the file `.env`.
    """
    config, lines = load_file(folder)
    values = {**dotenv(folder / ".env"), **(os.environ if environment is None else environment)}
    return Newsletter(folder, config, Secrets.from_environment(values), is_ci(values), lines)


def load_file(folder: Path) -> tuple[Config, Mapping[reader.Loc, int]]:
    """Return the content of newsletter.yml and the line of each key; raise ConfigError with all problems."""
    file = folder / FILE
    if not os.path.lexists(file):
        where = display_path(file)
        fix = "run news in the newsletter's folder, or name the folder: news -C FOLDER …"
        raise ConfigError([Problem(where, "there is no newsletter in this folder", fix)])
    document = reader.read(file, ConfigError, root=folder)
    return validation.validate(document, Config, ConfigError), document.lines


def is_ci(values: Mapping[str, str]) -> bool:
    """Return True if the environment is that of a CI runner."""
    return values.get("CI", "").lower() not in ("", "0", "false")
