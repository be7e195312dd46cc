"""Compare a checkout with the default branch of its remote, which may be further."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter.errors import Unavailable
from newsletter.state.git_process import Reply
from newsletter.state.git_remote import GitRemote

_FETCH = ("--depth=1", "--filter=blob:none", "--no-write-fetch-head", "--no-tags", "--no-auto-gc", "--quiet")
_FIX = "in a workflow, set `GITHUB_TOKEN: ${{ github.token }}` for this step; else check the network"


@dataclass(frozen=True)
class Branch:
    """A branch of a remote: its ref, such as `refs/heads/main`, and its commit."""

    ref: str
    commit: str


def default_branch(remote: GitRemote) -> Branch:
    """Return the default branch of a remote; raise Unavailable if the remote does not name it."""
    reply = remote.run("ls-remote", "--symref", "--", remote.url, "HEAD")
    ref = commit = ""
    for line in reply.output.decode("utf-8", "replace").splitlines():
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: "):
            ref = value.removeprefix("ref: ")
        elif name == "HEAD":
            commit = value
    if reply.code != 0 or not (ref and commit):
        raise _no_reply(remote, reply)
    return Branch(ref, commit)


def changed_paths(remote: GitRemote, branch: Branch, paths: Sequence[str]) -> list[str]:
    """Return those of the paths, from the top of the work tree, that differ between HEAD and a branch.

    Raise Unavailable if the remote does not give the branch.
    """
    with remote.temporary_objects() as objects:
        fetched = remote.run("fetch", *_FETCH, "--", remote.url, branch.commit, objects=objects)
        if fetched.code != 0:
            raise _no_reply(remote, fetched)
        return [
            path
            for path in paths
            if _object(remote, "HEAD", path, objects) != _object(remote, branch.commit, path, objects)
        ]


def _object(remote: GitRemote, commit: str, path: str, objects: Path) -> str:
    """Return the name of a file's or folder's content in a commit; "" if it has none."""
    found = remote.run("rev-parse", "--quiet", "--verify", f"{commit}:{path}", objects=objects)
    return found.output.decode("ascii", "replace").strip() if found.code == 0 else ""


def _no_reply(remote: GitRemote, reply: Reply) -> Unavailable:
    what = f"{remote.name} does not say what its default branch holds now ({remote.reason(reply)})"
    return Unavailable(what, _FIX)
