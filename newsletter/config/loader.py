"""From a folder with newsletter.yml to a Newsletter."""

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
    """A newsletter's folder with what it says of itself; `in_ci` on a machine that is not kept.

    `lines` is where each key of newsletter.yml stands.
    """

    folder: Path
    config: Config
    secrets: Secrets = field(default_factory=Secrets)
    in_ci: bool = False
    lines: Mapping[reader.Loc, int] = field(default_factory=dict, repr=False)

    def where(self, *loc: str | int) -> str:
        """`newsletter.yml:line` of a key."""
        return reader.Document(display_path(self.folder / FILE), None, self.lines).where(loc)

    @property
    def issues(self) -> Path:
        return self.folder / ISSUES

    @property
    def templates(self) -> Path:
        return self.folder / TEMPLATES

    @property
    def state(self) -> Path:
        """Where this machine keeps what is not committed: database and keys."""
        return self.folder / STATE

    @property
    def runs(self) -> Path:
        """Where each process that sends has its notes and its lock."""
        return self.state / "runs"

    @cached_property
    def site(self) -> Site:
        """The part that rendering sees."""
        config = self.config
        labels = config.labels.model_dump()
        if config.tracking.opens or config.tracking.clicks:
            labels["untracked"] = ""
        return Site(
            name=config.name,
            postal_address=config.postal_address,
            language=config.language,
            url=config.site,
            labels=labels,
            templates=str(self.templates),
        )


def with_provider(newsletter: Newsletter, name: str | None) -> Newsletter:
    """The same newsletter, sending through another provider; raises ConfigError where that cannot be."""
    if name is None or name == newsletter.config.provider:
        return newsletter
    try:
        chosen = Config.model_validate({**dict(newsletter.config), "provider": name})
    except ValidationError as invalid:
        raise ConfigError(
            [_not_through(name, error) for error in invalid.errors(include_url=False)]
        ) from invalid
    return replace(newsletter, config=chosen)


def _not_through(provider: str, error: ErrorDetails) -> Problem:
    said = error.get("ctx", {})
    what = reader.sentence(error["loc"], said.get("what", error["msg"]))
    return Problem(FILE, what, said.get("fix", f"change it, or do not send through {provider}"))


def load(folder: Path, environment: Mapping[str, str] | None = None) -> Newsletter:
    """The newsletter in `folder`; raises ConfigError with every problem of its newsletter.yml.

    Secrets come from `environment` (the process's own unless given) and from a `.env` file below it.
    """
    config, lines = load_file(folder)
    values = {**dotenv(folder / ".env"), **(os.environ if environment is None else environment)}
    return Newsletter(folder, config, Secrets.from_environment(values), is_ci(values), lines)


def load_file(folder: Path) -> tuple[Config, Mapping[reader.Loc, int]]:
    """newsletter.yml alone, and where each key of it stands; raises ConfigError with every problem of it."""
    file = folder / FILE
    if not os.path.lexists(file):
        where = display_path(file)
        fix = "run news in a newsletter's folder, or name it: news -C FOLDER …"
        raise ConfigError([Problem(where, "there is no newsletter here", fix)])
    document = reader.read(file, ConfigError)
    return validation.validate(document, Config, ConfigError), document.lines


def is_ci(values: Mapping[str, str]) -> bool:
    """Whether an environment is that of a machine that is not kept."""
    return values.get("CI", "").lower() not in ("", "0", "false")
