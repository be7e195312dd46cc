"""Find out what the workflows of a newsletter on GitHub need to know: its repository, branch and provider."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.config.loader import Newsletter
from newsletter.config.model import Config
from newsletter.config.provider_facts import API_HOSTS
from newsletter.constants import ProviderName
from newsletter.disk import boundary, reading
from newsletter.display import display_path, printable
from newsletter.errors import Problem, StateError, Unavailable
from newsletter.services.github_limits import SHORT_UNDO_WINDOW, UNDO_WINDOW_FIX, has_short_undo_window
from newsletter.starter.github_names import REPOSITORY, ActionSource, installed_action, pages_address
from newsletter.starter.github_workflows import FOLDER, WorkflowOptions, workflows
from newsletter.state.git import Repository, find_repository
from newsletter.state.git_remote import open_remote
from newsletter.state.local_git import current_branch, known_default_branch

# These stand in YAML, and in patterns of paths and branches.
_PLAIN = re.compile(r"\.|[A-Za-z0-9][A-Za-z0-9_./-]*")
_OTHER_PROVIDER = "write `provider: sendgrid`, `smtp` or `ses`, and run the same command again"
_GITHUB_HOSTS = ("github.com", "ssh.github.com")
_USUAL_BRANCHES = ("main", "master")
_DEPLOY, _MAX_WORKFLOW_BYTES = b"actions/deploy-pages@", 1_000_000


@dataclass(frozen=True)
class GitHubSetup:
    """A newsletter on GitHub: the top of its work tree, and the options of its workflows.

    `notes` are the warnings and notes for a person.
    """

    top: Path
    workflows: WorkflowOptions
    notes: tuple[Problem, ...] = ()


def find_setup(
    folder: Path, source: ActionSource | None, repository: str, newsletter: Newsletter | None, *, pages: bool
) -> GitHubSetup:
    """Return the set-up of a newsletter, or of one to come, in a folder, which may not exist yet.

    `source` is by default that of the installed news; `repository` is `OWNER/NAME`, or "" for that of the
    remote `origin`. With `pages`, the archive is published there. Raise Unavailable or StateError if one of
    them cannot be found out.
    """
    local = _local_repository(folder)
    _refuse_link(local.top)
    source = source or installed_action()
    repository = repository or _repository_of_origin(local)
    branch, notes = _branch(local)
    place = _place(folder, local)
    options = WorkflowOptions(source, repository, branch, place, pages=pages)
    config = newsletter.config if newsletter else None
    if config:
        options = _with_provider(options, config)
    notes += tuple(_missing_settings(newsletter)) if newsletter else ()
    if pages:
        notes += tuple(_missing_archive(newsletter, repository)) if newsletter else ()
        notes += tuple(_other_sites(local.top, options))
    return GitHubSetup(local.top, options, notes)


def _with_provider(options: WorkflowOptions, config: Config) -> WorkflowOptions:
    """Return the options with the provider that sends, SendGrid in the place of the outbox."""
    if config.provider == "smtp":
        return replace(options, provider="smtp", has_own_host=True)
    if config.provider == "ses":
        return replace(options, provider="ses", has_own_host=config.ses.host is not None)
    provider: ProviderName = "sendgrid" if config.provider == "outbox" else config.provider
    host = urlsplit(getattr(config, provider).host).hostname
    return replace(options, provider=provider, has_own_host=host not in API_HOSTS[provider])


def existing_folder(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    path = folder.resolve()
    return next(parent for parent in (path, *path.parents) if parent.is_dir())


def _missing_settings(newsletter: Newsletter) -> Iterator[Problem]:
    """Yield a note for each setting that a newsletter on GitHub needs besides the workflows."""
    config = newsletter.config
    if not config.state:
        what = "has no `state:`: the list and the record of what was sent would be on this machine only"
        yield Problem(newsletter.where("state"), what, "write `state: git`, or use PostgreSQL", "note")
    elif config.state.remote:
        what = "keeps the state in another repository, for which the workflows need a deploy key"
        fix = "add `state-deploy-key` to send.yml and cancel.yml: docs/github.md of news shows how"
        yield Problem(newsletter.where("state", "remote"), what, fix, "note")
    if config.provider == "outbox":
        what = "has the provider `outbox`, which sends nothing"
        yield Problem(newsletter.where("provider"), what, _OTHER_PROVIDER, "note")
    elif has_short_undo_window(config):
        where = newsletter.where("send", "undo_window")
        yield Problem(where, f"`send.undo_window` {SHORT_UNDO_WINDOW}", UNDO_WINDOW_FIX, "note")


def _missing_archive(newsletter: Newsletter, repository: str) -> Iterator[Problem]:
    """Yield a warning for each setting without which nothing can be published."""
    if not newsletter.config.archive.exists:
        what = "`archive: false` says that there is no archive: pages.yml would fail, and send.yml with it"
        yield Problem(newsletter.where("archive"), what, "delete this line, or leave --pages out", "warning")
    if not newsletter.config.site:
        what = "has no `site:`: without the address of the archive, no page can be published"
        fix = f"write `site: {pages_address(repository)}`, or the address of your own domain"
        yield Problem(newsletter.where("site"), what, fix, "warning")


def _other_sites(top: Path, options: WorkflowOptions) -> Iterator[Problem]:
    """Yield a note for each other workflow that deploys to GitHub Pages: a repository has one site."""
    own = {path.name for path in workflows(options)}
    folder = top / FOLDER
    for name in boundary.names(folder):
        if name in own:
            continue
        with suppress(OSError):
            if _DEPLOY in reading.read(folder / name, _MAX_WORKFLOW_BYTES, root=top):
                what = "deploys to GitHub Pages too: a repository has one site, and each deploy replaces it"
                fix = "publish the archive from another repository, or with another host"
                yield Problem(display_path(folder / name), what, fix, "note")


def _refuse_link(top: Path) -> None:
    for folder in (top / FOLDER.parent, top / FOLDER):
        if folder.is_symlink():
            what = "is a symbolic link, which GitHub does not follow"
            raise Unavailable(what, "put the folder itself in its place", where=display_path(folder))


def _local_repository(folder: Path) -> Repository:
    if repository := find_repository(existing_folder(folder)):
        return repository
    fix = "git init; then, with a repository on GitHub: git remote add origin URL"
    raise Unavailable("is not in a Git repository", fix, where=display_path(folder))


def _repository_of_origin(repository: Repository) -> str:
    """Return `OWNER/NAME` of the remote `origin` on GitHub."""
    where, fix = display_path(repository.top), "name the repository on GitHub: --repository OWNER/NAME"
    try:
        remote = open_remote(repository.top)
    except StateError as failure:
        hint = f"git remote add origin URL; or {fix}"
        raise Unavailable(failure.problems[0].what, hint, where=where) from failure
    host, _, name = remote.name.partition("/")
    if host not in _GITHUB_HOSTS:
        raise Unavailable(f"the remote `origin` is not on {_GITHUB_HOSTS[0]}", fix, where=where)
    if not REPOSITORY.fullmatch(name):
        raise Unavailable("the address of the remote `origin` does not end with OWNER/NAME", fix, where=where)
    return name


def _branch(repository: Repository) -> tuple[str, tuple[Problem, ...]]:
    """Return the default branch, with a note if it is a guess."""
    if known := known_default_branch(repository):
        return _plain("the default branch", known, repository), ()
    branch = current_branch(repository)
    if not branch:
        what = "its default branch is unknown, and no branch is checked out"
        raise Unavailable(what, "check out the default branch", where=display_path(repository.top))
    _plain("the branch", branch, repository)
    if branch in _USUAL_BRANCHES:
        return branch, ()
    what = f"the default branch is unknown here; send.yml names {branch}, the branch that is checked out"
    return branch, (Problem("", what, "if it is another one, correct `branches:` in send.yml", "note"),)


def _place(folder: Path, repository: Repository) -> str:
    place = _plain("the newsletter's folder", repository.path_of(folder), repository)
    if "--" not in place:
        return place
    what = f'the newsletter\'s folder, "{place}", has `--` in its name: in names of workflows that is `/`'
    raise Unavailable(what, "rename it", where=display_path(repository.top))


def _plain(kind: str, name: str, repository: Repository) -> str:
    """Return the name of a folder or a branch; raise Unavailable if it cannot stand in a workflow."""
    if _PLAIN.fullmatch(name):
        return name
    what = f'{kind}, "{printable(name)}", has a character that cannot stand in a workflow'
    fix = "use only letters, digits and ._/- in its name"
    raise Unavailable(what, fix, where=display_path(repository.top))
