"""Read the files of a commit of the newsletter's repository.

The commands are plumbing with fixed arguments: no filter, hook or diff program that a configuration or a
branch names is started.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from newsletter.display import printable
from newsletter.errors import Unavailable
from newsletter.state.git import Repository, find_repository
from newsletter.state.git_process import Reply
from newsletter.state.local_git import ask_git

MAX_LISTING_BYTES = 20_000_000
_ID = re.compile(rb"([0-9a-f]{40,64})\n?")
_ENTRY = re.compile(rb"(100[0-7]{3}) blob ([0-9a-f]{40,64})\t(.+)", re.DOTALL)
_FETCH = (
    "fetch it: git fetch --depth=1 origin COMMIT; a workflow checks out with fetch-depth: 2, and names HEAD^"
)


@dataclass(frozen=True)
class Commit:
    """A commit of a repository; `name` is how the user wrote it, `id` its hash."""

    repository: Repository
    name: str
    id: str

    def files(self, *paths: Path) -> dict[Path, str]:
        """Return the regular files at or below paths of the work tree, each with the id of its content.

        Raise Unavailable if git cannot list them.
        """
        top = self.repository.top
        names = [path.relative_to(top).as_posix() for path in paths]
        listing = ("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", self.id, "--", *names)
        reply = ask_git(self.repository, *listing, max_bytes=MAX_LISTING_BYTES)
        if reply.code != 0:
            raise self._unreadable(reply)
        entries = map(_ENTRY.fullmatch, reply.output.split(b"\0"))
        return {top / os.fsdecode(entry[3]): entry[2].decode() for entry in entries if entry}

    def content(self, blob: str, max_bytes: int) -> bytes:
        """Return the first `max_bytes` of a content by its id; raise Unavailable if it is not there."""
        reply = ask_git(self.repository, "cat-file", "blob", blob, max_bytes=max_bytes)
        if reply.code != 0:
            raise self._unreadable(reply)
        return reply.output

    def _unreadable(self, reply: Reply) -> Unavailable:
        why = "git gave no reply" if reply.code is None else printable(reply.errors.strip(), 200)
        return Unavailable(f"its files cannot be read: {why}", _FETCH, where=f"commit {printable(self.name)}")


def find_commit(folder: Path, name: str) -> Commit:
    """Return the commit that a name or a hash means in the repository of a folder.

    It is the common ancestor of that commit and of HEAD, if git finds one, as in a pull request. Raise
    Unavailable if the commit is not in this clone, and if there is no repository.
    """
    repository = find_repository(folder)
    shown = f"commit {printable(name)}"
    if repository is None:
        raise Unavailable("this folder is not in a Git repository", "leave out --base", where=shown)
    if not name or name.startswith("-") or not name.isprintable():
        raise Unavailable("this is not the name of a commit", "name a commit, such as main", where=shown)
    found = _id(ask_git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"))
    if found is None:
        raise Unavailable("there is no such commit in this clone", _FETCH, where=shown)
    ancestor = _id(ask_git(repository, "merge-base", found, "HEAD"))
    return Commit(repository, name, ancestor or found)


def blob_id(content: bytes, like: str) -> str:
    """Return the id that Git gives a content, in the hash of the id `like` (SHA-1 or SHA-256)."""
    framed = b"blob %d\0" % len(content) + content
    algorithm = "sha256" if len(like) == 64 else "sha1"
    return hashlib.new(algorithm, framed, usedforsecurity=False).hexdigest()


def _id(reply: Reply) -> str | None:
    found = _ID.fullmatch(reply.output) if reply.code == 0 else None
    return found[1].decode() if found else None
