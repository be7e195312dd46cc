"""Ask a remote of the newsletter's Git repository, with fixed arguments; nothing in the repository changes.

Git runs in that repository, so that its credentials, `url.insteadOf` and `core.sshCommand` apply. New objects
go to a temporary folder, the remote is named by its URL so that no tracking ref changes, and no hook runs.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from newsletter.disk.programs import find_program
from newsletter.display import display_path, printable
from newsletter.errors import StateError, Unavailable
from newsletter.network.hosts import is_loopback
from newsletter.state.git import NO_GIT, Repository, find_repository, refuse_foreign
from newsletter.state.git_process import Reply, git_environment, run_git
from newsletter.state.github_token import token_settings
from newsletter.state.remote_url import (
    SAFE_TRANSPORTS,
    refuse_unsafe_remote,
    repository_name,
    split_url,
    transport,
    without_credentials,
)

TIMEOUT_SECONDS = 60.0
_MAX_OUTPUT_BYTES = 1_000_000
_SETTINGS = (
    f"core.hooksPath={os.devnull}",
    *("core.fsmonitor=", "core.compression=0", "pack.compression=0", "gc.auto=0", "maintenance.auto=0"),
    *("push.gpgSign=false", "push.followTags=false", "push.pushOption=", "push.negotiate=false"),
    *("fetch.negotiationAlgorithm=noop", "fetch.writeCommitGraph=false", "fetch.recurseSubmodules=false"),
    *("transfer.bundleURI=false", "i18n.commitEncoding=UTF-8"),
)
_OPTIONS = (
    *("--no-pager", "--no-replace-objects", "--literal-pathspecs"),
    *(part for setting in _SETTINGS for part in ("-c", setting)),
)
_UNHELPFUL = (
    *("fatal: could not read from remote repository", "please make sure you have the correct access rights"),
    *(
        "and the repository exists",
        "error: failed to push some refs",
        "hint:",
        "everything up-to-date",
        "to ",
    ),
    *("fatal: the remote end hung up unexpectedly", "send-pack: unexpected disconnect"),
)
_DENIED = (
    *("denied", "error: 403", "error: 401", "read only", "read-only", "not granted", "not authorized"),
    *("could not read username", "could not read password", "authentication failed"),
)


@dataclass(frozen=True)
class GitRemote:
    """A remote: its URL as Git's configuration or newsletter.yml has it, and its name for messages.

    `transports` are the protocols that git may use. `environment` may hold a token, which no message shows.
    """

    git: str
    repository: Repository
    url: str
    name: str
    transports: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def run(
        self,
        *arguments: str,
        objects: Path | None = None,
        content: bytes = b"",
        max_bytes: int = _MAX_OUTPUT_BYTES,
    ) -> Reply:
        """Run git with arguments; new objects go to the folder `objects`. Raise Unavailable if it cannot."""
        environment = {**self.environment, "GIT_ALLOW_PROTOCOL": ":".join(self.transports)}
        if objects is not None:
            environment["GIT_OBJECT_DIRECTORY"] = str(objects)
            alternate = _quoted(self.repository.common_dir / "objects")
            environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = alternate
        return _run(
            self.git,
            self.repository,
            environment,
            *arguments,
            content=content,
            seconds=self.timeout_seconds,
            max_bytes=max_bytes,
        )

    @contextmanager
    def temporary_objects(self) -> Iterator[Path]:
        """Make a folder for new objects, and delete it at the end of the block."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="news-objects-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def reason(self, reply: Reply) -> str:
        """Return the line of a failed git that says why, without credentials."""
        if reply.code is None:
            return f"no reply within {self.timeout_seconds:g} seconds"
        return last_line(reply.errors) or f"git ended with exit code {reply.code}"


def open_remote(
    newsletter: Path,
    url: str = "",
    *,
    inherited: Mapping[str, str] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> GitRemote:
    """Return the remote with a URL from newsletter.yml, or else `origin` of the newsletter's repository.

    `inherited` is the environment of this process. Raise StateError if there is no repository, no `origin`,
    or if the URL is not a safe one; Unavailable if git is not installed.
    """
    inherited = os.environ if inherited is None else inherited
    if url:
        refuse_unsafe_remote(url)
    repository = _repository(newsletter)
    git = find_program("git", repository.top)
    if git is None:
        raise Unavailable(NO_GIT, "install git: the newsletter's state is kept in a Git repository")
    environment = git_environment(repository.top, inherited)
    transports: tuple[str, ...] = SAFE_TRANSPORTS
    if not url:
        url, transports = _origin(git, repository, environment), (*transports, "file")
    done = _run(git, repository, environment, "ls-remote", "--get-url", "--", url)
    rewritten = os.fsdecode(done.output).rstrip("\n") or url
    parts = split_url(rewritten)
    if "file" in transports and parts.scheme == "http" and is_loopback(parts.hostname or ""):
        transports = (*transports, "http")
    _refuse_other_transport(rewritten, transports)
    environment |= token_settings(parts, inherited)
    return GitRemote(
        git, repository, url, repository_name(rewritten), transports, environment, timeout_seconds
    )


def is_denied(reply: Reply) -> bool:
    """Return True if a failed git reports that the credentials are missing or do not suffice."""
    errors = reply.errors.lower()
    return any(word in errors for word in _DENIED)


def last_line(errors: str) -> str:
    """Return the last line of git's errors that says why, printable and without credentials; "" if none."""
    lines = (line.strip().removeprefix("remote:").strip() for line in errors.splitlines())
    useful = [line for line in lines if line and not line.lower().startswith(_UNHELPFUL)]
    if not useful:
        return ""
    line = useful[-1].removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
    return printable(without_credentials(line), 300)


def _repository(newsletter: Path) -> Repository:
    repository = find_repository(newsletter)
    if repository is None:
        what = "is not in a Git repository, so there is no remote that could keep its state"
        fix = "clone the newsletter's repository, or remove `state:` from newsletter.yml"
        raise StateError.of(display_path(newsletter), what, fix)
    refuse_foreign(repository)
    return repository


def _origin(git: str, repository: Repository, environment: Mapping[str, str]) -> str:
    done = _run(git, repository, environment, "config", "--get-all", "-z", "remote.origin.url")
    url = os.fsdecode(done.output.partition(b"\0")[0])
    if not url:
        fix = "git remote add origin URL; or name the repository of the state: `state: {remote: URL}`"
        raise StateError.of(display_path(repository.top), "has no remote `origin`", fix)
    # A path is relative to the top of the work tree, and might also be the name of a remote.
    is_path = transport(url) == "file" and "://" not in url
    return str(repository.top / url) if is_path else url


def _run(
    git: str,
    repository: Repository,
    environment: Mapping[str, str],
    *arguments: str,
    content: bytes = b"",
    seconds: float = TIMEOUT_SECONDS,
    max_bytes: int = _MAX_OUTPUT_BYTES,
) -> Reply:
    command = [git, *_OPTIONS, f"--git-dir={repository.git_dir}", *arguments]
    try:
        return run_git(
            command, repository.top, environment, content=content, seconds=seconds, max_bytes=max_bytes
        )
    except (OSError, ValueError) as failure:
        raise Unavailable(f"git cannot be run ({failure})", "check that git works: git status") from failure


def _refuse_other_transport(url: str, transports: tuple[str, ...]) -> None:
    protocol = transport(url)
    if protocol not in transports:
        what = f"{printable(without_credentials(url), 200)} is reached by {printable(protocol)}"
        fix = f"use one of {', '.join(transports)}: a state must reach the right server, and unchanged"
        raise StateError.of("the remote of the state", what, fix)


def _quoted(path: Path) -> str:
    """Return a path as one entry of a list of paths: git reads one in double quotes as a C string."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
