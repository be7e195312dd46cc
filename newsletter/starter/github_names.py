"""Names of repositories on GitHub, the address of their pages, and the source of this copy of news."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata

from newsletter.errors import Unavailable

_PART = r"[A-Za-z0-9_.-]{1,100}"
REPOSITORY = re.compile(rf"{_PART}/{_PART}")
"""The name of a repository, `OWNER/NAME`."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# `?`: `.git` is no part of the name.
_URL = re.compile(rf"(?:https://|ssh://git@)github\.com/({_PART}/{_PART}?)(?:\.git)?/?")
_DISTRIBUTION = "news"
_HINT = "name the repository of news and a commit of it: news init --github --action OWNER/NAME@COMMIT"


@dataclass(frozen=True)
class ActionSource:
    """A repository on GitHub that has the actions of news, `OWNER/NAME`, and a commit of it."""

    repository: str
    commit: str


def parse_repository(text: str) -> str:
    """Return `OWNER/NAME`; raise ValueError for other text."""
    if not REPOSITORY.fullmatch(text):
        raise ValueError("it must have the form OWNER/NAME")
    return text


def pages_address(repository: str) -> str:
    """Return the address that GitHub Pages gives to the site of `OWNER/NAME`."""
    owner, _, name = repository.partition("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}" if name.lower() == host else f"https://{host}/{name}"


def parse_action(text: str) -> ActionSource:
    """Parse `OWNER/NAME@COMMIT`; raise ValueError for other text, such as one with a branch."""
    repository, _, commit = text.partition("@")
    if not (REPOSITORY.fullmatch(repository) and _COMMIT.fullmatch(commit)):
        reason = "all 40 digits of the commit, because a branch or a tag can be moved"
        raise ValueError(f"it must have the form OWNER/NAME@COMMIT, with {reason}")
    return ActionSource(repository, commit)


def installed_action() -> ActionSource:
    """Return the repository and the commit that this copy of news was installed from.

    pip and uv record them (https://packaging.python.org/en/latest/specifications/direct-url/). Raise
    Unavailable if there is no record, or if it is not of a repository on GitHub.
    """
    try:
        distribution = metadata.distribution(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return recorded_action("")
    return recorded_action(distribution.read_text("direct_url.json") or "")


def recorded_action(direct_url: str) -> ActionSource:
    """Return the repository and the commit in the text of a `direct_url.json`; else raise Unavailable."""
    with suppress(ValueError, KeyError, TypeError):  # no record, or one of a folder, an archive or an index
        record = json.loads(direct_url)
        vcs, url = record["vcs_info"], _URL.fullmatch(record["url"])
        if vcs["vcs"] == "git" and url and _COMMIT.fullmatch(vcs["commit_id"]):
            return ActionSource(url[1], vcs["commit_id"])
    raise Unavailable("this copy of news was not installed from a repository on GitHub", _HINT)
