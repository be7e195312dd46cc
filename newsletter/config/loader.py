"""Load a folder with newsletter.yml as a Newsletter."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from newsletter.config.environment import COPY_TARGET, Secrets, dotenv, merged, secret_value
from newsletter.config.model import Config
from newsletter.constants import CONFIG_FILE
from newsletter.disk.failures import cannot_be
from newsletter.display import display_path
from newsletter.errors import ConfigError, InvalidInput, Problem, StateError
from newsletter.render.date_line import month_names
from newsletter.render.model import Site
from newsletter.state.location import RUNS, VARIABLE, StateLocation, locate
from newsletter.state.tracked import refuse_tracked
from newsletter.yamlfile import reader, validation

FILE, ISSUES, TEMPLATES, DOTENV = CONFIG_FILE, "issues", "templates", ".env"


@dataclass(frozen=True)
class Newsletter:
    """A newsletter's folder, configuration and secrets.

    `in_ci` is true on a CI runner, whose files are deleted afterwards. `lines` is the line of each key of
    newsletter.yml. `state_dir` is NEWS_STATE_DIR. `notices` tell what happened to the state while the
    newsletter was loaded. `copy_target` is NEWS_DATABASE_URL_TO; a `.env` does not set it, because it may
    have come with a branch, and would direct the whole list to another host.
    """

    folder: Path
    config: Config
    secrets: Secrets = field(default_factory=Secrets)
    in_ci: bool = False
    lines: Mapping[reader.Loc, int] = field(default_factory=dict, repr=False)
    state_dir: str = ""
    notices: tuple[Problem, ...] = ()
    copy_target: SecretStr | None = None

    def where(self, *loc: str | int) -> str:
        """Return `newsletter.yml:line` of a key."""
        return reader.Document(display_path(self.folder / FILE), None, self.lines).where(loc)

    def where_provider(self) -> str:
        """Return the place of the provider's settings, or of its name if newsletter.yml has none."""
        name = self.config.provider
        return self.where(name if (name,) in self.lines else "provider")

    def texts(self) -> Iterator[tuple[reader.Loc, str]]:
        """Yield every text of newsletter.yml with its location."""
        return reader.texts_in(self.config.model_dump())

    @property
    def issues(self) -> Path:
        """Return the folder of the issue files."""
        return self.folder / ISSUES

    @property
    def templates(self) -> Path:
        """Return the folder of the newsletter's templates."""
        return self.folder / TEMPLATES

    @cached_property
    def location(self) -> StateLocation:
        """Return the place of the state; raise StateError if it cannot be found."""
        return locate(self.folder, self.state_dir)

    @property
    def state(self) -> Path:
        """Return the folder of local files that are not committed: database and keys."""
        return self.location.folder

    @property
    def outbox(self) -> Path:
        """Return the folder of the provider `outbox`."""
        return self.folder / self.config.outbox.path

    @property
    def list_id(self) -> str:
        """Return the id of the list, for the header List-Id (RFC 2919)."""
        domain = self.config.sender.email.rpartition("@")[2]
        slug = re.sub(r"[^a-z0-9]+", "-", self.config.name.lower()).strip("-") or "newsletter"
        return self.config.list_id or f"{slug}.{domain}"

    @property
    def runs(self) -> Path:
        """Return the folder with the journal and the lock of each process that sends."""
        return self.state / RUNS

    @cached_property
    def site(self) -> Site:
        """Return the part of the configuration that rendering reads."""
        config = self.config
        labels = config.labels.model_dump()
        labels["months"] = config.labels.months or month_names(config.language)
        if config.tracking.opens or config.tracking.clicks:
            labels["untracked"] = ""  # the sentence of this label would be false
        return Site(
            name=config.name,
            postal_address=config.postal_address,
            language=config.language,
            description=config.description,
            url=config.site,
            archive=config.archive.exists,
            labels=labels,
            templates=str(self.templates),
            logo=config.logo,
            logo_where=self.where("logo", "src"),
            date_line=config.date_line,
            contents=config.contents,
            folder=str(self.folder),
            theme=config.theme,
            colors=config.colors.model_dump(exclude_none=True),
            fonts=config.fonts.model_dump(exclude_none=True),
        )


def with_provider(newsletter: Newsletter, name: str | None) -> Newsletter:
    """Return the newsletter with another provider. Raise ConfigError if its settings do not fit that one."""
    if name is None or name == newsletter.config.provider:
        return newsletter
    try:
        chosen = Config.model_validate({**dict(newsletter.config), "provider": name})
    except ValidationError as invalid:
        raise ConfigError(
            [_provider_problem(newsletter, name, error) for error in invalid.errors(include_url=False)]
        ) from invalid
    return replace(newsletter, config=chosen)


def _provider_problem(newsletter: Newsletter, provider: str, error: ErrorDetails) -> Problem:
    context = error.get("ctx", {})
    what = reader.sentence(error["loc"], context.get("what", error["msg"]))
    where = newsletter.where(*error["loc"])
    return Problem(where, what, context.get("fix", f"change it, or do not send through {provider}"))


def load(folder: Path, environment: Mapping[str, str] | None = None, *, review: bool = False) -> Newsletter:
    """Return the newsletter in `folder`; raise ConfigError with every problem of its newsletter.yml.

    Secrets come from `environment` (by default the environment of this process), then from the file `env` in
    the folder of the state, then from `.env`. `review`: the folder may be a stranger's branch, and no secret
    of `.env` is needed; `.env` is not read, and the state is not changed. Otherwise a state of an earlier
    version is moved, its permissions are restricted, and StateError is raised if Git tracks `.env` or the
    state.
    """
    environment = os.environ if environment is None else environment
    state_dir = environment.get(VARIABLE, "")
    location = None if review else locate(folder, state_dir)
    notices = settle_state(location) if location else ()
    with _told(notices):
        config, lines = load_file(folder)
        if not review:
            _refuse_placeholder(folder, config, lines)
        files = _variables(location) if location else _variables_for_review(folder, state_dir)
        values = merged([environment, *files])
        secrets = Secrets.from_environment(values)
        copy_target = secret_value(merged([environment, *files[:1]]), COPY_TARGET)
    return Newsletter(folder, config, secrets, is_ci(values), lines, state_dir, notices, copy_target)


@contextmanager
def _told(notices: Sequence[Problem]) -> Iterator[None]:
    """Add notices to the error of the block: a state is moved once, so they are not told again."""
    try:
        yield
    except InvalidInput as failure:
        if not notices:
            raise
        raise type(failure)([*notices, *failure.problems]) from failure


def settle_state(location: StateLocation) -> tuple[Problem, ...]:
    """Move the state of an earlier version, and restrict the permissions of the state; return what happened.

    Raise StateError if the state cannot be moved or reached, or if Git tracks a file of it.
    """
    from newsletter.state.folder import protect
    from newsletter.state.identity import holds_other_files

    notices = []
    if location.is_shared and location.has_old:
        from newsletter.state.migration import move_old_state

        if moved := move_old_state(location):
            notices.append(Problem("", moved, severity="note"))
    try:
        is_folder = location.folder.is_dir()
    except OSError as failure:  # no permission to enter a folder above it, or too long a name
        fix = "check the permissions of the folders above it, or set NEWS_STATE_DIR to another folder"
        raise StateError.of(display_path(location.folder), cannot_be("read", failure), fix) from failure
    if is_folder and not holds_other_files(location):
        refuse_tracked(location.folder)
        notices += protect(location.folder)
    return tuple(notices)


def _variables(location: StateLocation) -> list[dict[str, str]]:
    """Return the variables of the state's `env`, then those of `.env`."""
    file = location.newsletter / DOTENV
    refuse_tracked(file)
    return [dotenv(location.env), dotenv(file)]


def _variables_for_review(folder: Path, state_dir: str) -> list[dict[str, str]]:
    """Return the variables of the state's `env`, if there is a state that no branch may have written."""
    try:
        location = locate(folder, state_dir)
        refuse_tracked(location.folder, location.env)
    except StateError:
        return []  # commands that need the state report this
    return [dotenv(location.env)]


def _refuse_placeholder(folder: Path, config: Config, lines: Mapping[reader.Loc, int]) -> None:
    """Raise ConfigError for the sender of `news init`: the state would keep the list id that it gives."""
    if config.sender.email.startswith("TODO@") and not config.list_id:
        where = reader.Document(display_path(folder / FILE), None, lines).where(("sender", "email"))
        what = f"sender.email is still {config.sender.email}"
        fix = "write your real address: the id of the list is made from it once, and does not change later"
        raise ConfigError.of(where, what, fix)


def load_file(folder: Path) -> tuple[Config, Mapping[reader.Loc, int]]:
    """Return the content of newsletter.yml and the line of each key; raise ConfigError with all problems."""
    refuse_missing(folder)
    document = reader.read(folder / FILE, ConfigError, root=folder)
    return validation.validate(document, Config, ConfigError), document.lines


def refuse_missing(folder: Path) -> None:
    """Raise ConfigError if a folder has no newsletter.yml."""
    if not os.path.lexists(file := folder / FILE):
        fix = "run news in the newsletter's folder, or name it: news -C FOLDER …; to begin one: news init"
        raise ConfigError.of(display_path(file), "there is no newsletter in this folder", fix)


def is_on_github(values: Mapping[str, str]) -> bool:
    """Return True if the environment is that of a runner of GitHub Actions."""
    return values.get("GITHUB_ACTIONS") == "true"


def is_ci(values: Mapping[str, str]) -> bool:
    """Return True if the environment is that of a CI runner."""
    return values.get("CI", "").lower() not in ("", "0", "false")
