"""Find out what the workflows of a newsletter on GitHub need to know: its repository, branch and provider."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.config.key_hosts import SENDGRID_HOSTS
from newsletter.config.loader import FILE
from newsletter.config.model import Config
from newsletter.display import display_path, printable
from newsletter.errors import Problem, StateError, Unavailable
from newsletter.starter.action_source import installed_action, parse_action
from newsletter.starter.github_workflows import WorkflowOptions
from newsletter.state.git import Repository, find_repository
from newsletter.state.git_remote import open_remote
from newsletter.state.local_git import main_branch

# GitHub notices after 45 minutes that a runner has vanished; the next run waits for that and needs some time.
_SAFE_UNDO_WINDOW = timedelta(minutes=90)
SHORT_UNDO_WINDOW = (
    "is shorter than 90 minutes: GitHub may notice too late that a runner has vanished, and the next run can "
    "then not recall its unknown mail"
)
DAILY_RUN = (
    "the daily run of that day sends it. GitHub may start that run hours late, and stops it in a public "
    "repository after 60 days without activity: then start it by hand"
)
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
# These stand in YAML without quotation marks, and in patterns of paths and branches.
_PLAIN = re.compile(r"\.|[A-Za-z0-9][A-Za-z0-9_./-]*")


@dataclass(frozen=True)
class GitHubSetup:
    """A newsletter on GitHub: the top of its work tree, `OWNER/NAME`, and the options of its workflows."""

    top: Path
    repository: str
    workflows: WorkflowOptions


def find_setup(folder: Path, action: str, repository: str, config: Config | None) -> GitHubSetup:
    """Return the set-up of a newsletter in a folder, which may not exist yet.

    `action` is `OWNER/NAME@COMMIT`, or "" for that of the installed news; `repository` is `OWNER/NAME`, or
    "" for that of the remote `origin`. Raise StateError or Unavailable if one of them cannot be found out.
    """
    source = parse_action(action) if action else installed_action()
    local = _local_repository(folder)
    name = _named(repository) if repository else _name_of_origin(local)
    branch = _plain("the branch", main_branch(local), local)
    place = _plain("the newsletter's folder", folder.resolve().relative_to(local.top).as_posix(), local)
    options = WorkflowOptions(source, f"github.repository == '{name}'", branch, place)
    if config and config.provider == "smtp":
        options = replace(options, provider="smtp")
    elif config and urlsplit(config.sendgrid.host).hostname not in SENDGRID_HOSTS:
        options = replace(options, own_host=True)
    return GitHubSetup(local.top, name, options)


def missing_settings(folder: Path, config: Config) -> Iterator[Problem]:
    """Yield a note for each setting that a newsletter.yml lacks to send from GitHub."""
    where = display_path(folder / FILE)
    if not config.state:
        what = "has no `state:`: the list and the record of what was sent would be on this machine only"
        yield Problem(where, what, "write `state: git`, or use PostgreSQL", "note")
    if config.provider == "outbox":
        yield Problem(where, "has the provider `outbox`, which sends nothing", "write another one", "note")
    elif has_short_undo_window(config):
        what = f"`send.undo_window` {SHORT_UNDO_WINDOW}"
        yield Problem(where, what, "write `send: {undo_window: 90m}`", "note")


def has_short_undo_window(config: Config) -> bool:
    """Return True if held mail may leave before another run of GitHub can recall what is unknown."""
    window = timedelta(seconds=config.send.undo_window_seconds)
    return config.provider == "sendgrid" and timedelta() < window < _SAFE_UNDO_WINDOW


def _local_repository(folder: Path) -> Repository:
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())
    if repository := find_repository(existing):
        return repository
    fix = "git init; then, with a repository on GitHub: git remote add origin URL"
    raise StateError.of(display_path(folder), "is not in a Git repository, where workflows are", fix)


def _named(repository: str) -> str:
    if _REPOSITORY.fullmatch(repository):
        return repository
    what = f'"{printable(repository, 100)}" is not the name of a repository on GitHub'
    raise Unavailable(what, "write --repository OWNER/NAME")


def _name_of_origin(repository: Repository) -> str:
    """Return `OWNER/NAME` of the remote `origin`; raise StateError if it has no such name."""
    remote = open_remote(repository.top)
    name = remote.name.partition("/")[2]
    if not remote.name.startswith("/") and _REPOSITORY.fullmatch(name):
        return name
    what = f"the remote `origin`, {printable(remote.name, 100)}, is no repository on GitHub"
    fix = "name the one whose workflows send: --repository OWNER/NAME"
    raise StateError.of(display_path(repository.top), what, fix)


def _plain(what: str, text: str, repository: Repository) -> str:
    if _PLAIN.fullmatch(text):
        return text
    named = f'is "{printable(text)}"' if text else "is unknown, since none is checked out"
    fix = "check out the default branch" if not text else "use only letters, digits and ._/- in its name"
    raise StateError.of(display_path(repository.top), f"{what} {named}", fix)
