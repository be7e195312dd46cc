"""Find out from which repository on GitHub, and which commit of it, a workflow can install news."""

import json
import re
from dataclasses import dataclass
from importlib import metadata

from newsletter.display import printable
from newsletter.errors import Unavailable

_NAME = r"[A-Za-z0-9_.-]{1,100}"
_COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"
_ACTION = re.compile(rf"({_NAME}/{_NAME})@({_COMMIT})")
_GITHUB_URL = re.compile(rf"(?:https://|ssh://git@)github\.com/({_NAME}/{_NAME}?)(?:\.git)?/?")
_DISTRIBUTION = "news"
_HINT = "name the repository of news and a commit of it: news init --github --action OWNER/NAME@COMMIT"


@dataclass(frozen=True)
class ActionSource:
    """A repository on GitHub that has the actions of news, `OWNER/NAME`, and a commit of it."""

    repository: str
    commit: str


def parse_action(text: str) -> ActionSource:
    """Parse `OWNER/NAME@COMMIT`; raise Unavailable for other text, such as one with a branch."""
    if match := _ACTION.fullmatch(text):
        return ActionSource(match[1], match[2])
    what = f'"{printable(text, 100)}" does not name a repository and a commit'
    raise Unavailable(what, "write OWNER/NAME@COMMIT, with all 40 digits: a branch or a tag can be moved")


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
    try:
        record = json.loads(direct_url)
        url, vcs = record["url"], record["vcs_info"]
        match = _GITHUB_URL.fullmatch(url)
        if vcs["vcs"] == "git" and match and re.fullmatch(_COMMIT, vcs["commit_id"]):
            return ActionSource(match[1], vcs["commit_id"])
    except (ValueError, KeyError, TypeError):
        pass  # no record, or one of a folder, an archive or an index
    raise Unavailable("this copy of news was not installed from a repository on GitHub", _HINT)
