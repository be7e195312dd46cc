"""Make and read the commits that hold sealed states; the objects are in a temporary folder."""

import re
from collections.abc import Mapping
from pathlib import Path

from newsletter.errors import StateError, Unavailable
from newsletter.state.git_remote import GitRemote

MAX_READ_BYTES = 100_000_000
"""GitHub refuses larger files."""
_MAX_BLOBS = 16
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1 or SHA-256
_NAME = re.compile(r"[a-z]{1,40}")
_ENTRY = re.compile(r"100644 blob (?P<object>[0-9a-f]+) +(?P<size>[0-9]{1,12})\t(?P<name>[a-z]{1,40})")
# The same on every machine and at all times.
_IDENTITY = "news <news@news.invalid> 946684800 +0000"


def make_commit(remote: GitRemote, blobs: Mapping[str, bytes], nonce: str, objects: Path) -> str:
    """Make a commit of blobs and a nonce, without a parent; return its name. Raise Unavailable."""
    tree = ""
    for name, content in sorted(blobs.items()):
        if not _NAME.fullmatch(name):
            raise ValueError(f"not the name of a blob: {name!r}")
        tree += f"100644 blob {_make(remote, 'blob', content, objects)}\t{name}\n"
    made = _run(remote, "mktree", content=tree.encode("ascii"), objects=objects)
    head = f"tree {made}\nauthor {_IDENTITY}\ncommitter {_IDENTITY}\n"
    return _make(remote, "commit", f"{head}\nSealed state\n\n{nonce}\n".encode("ascii"), objects)


def read_blobs(remote: GitRemote, commit: str, objects: Path) -> dict[str, bytes] | None:
    """Return the blobs of a fetched commit by their names; None if it is no state, or is too large."""
    listed = remote.run("ls-tree", "-z", "-l", checked_object(commit), objects=objects)
    lines = listed.output.decode("utf-8", "replace").split("\0")[:-1]
    found = [match for line in lines[: _MAX_BLOBS + 1] if (match := _ENTRY.fullmatch(line))]
    is_small = len(found) <= _MAX_BLOBS and sum(int(match["size"]) for match in found) <= MAX_READ_BYTES
    if listed.code != 0 or not found or len(found) != len(lines) or not is_small:
        return None
    return {match["name"]: _read(remote, match["object"], int(match["size"]), objects) for match in found}


def is_object(name: str) -> bool:
    """Return True for the full name of an object in Git."""
    return _OBJECT.fullmatch(name) is not None


def checked_object(name: str) -> str:
    """Return the name of an object; raise ValueError for other text, which git could take for an option."""
    if not is_object(name):
        raise ValueError(f"not the name of an object: {name!r}")
    return name


def _make(remote: GitRemote, kind: str, content: bytes, objects: Path) -> str:
    return _run(remote, "hash-object", "-w", "-t", kind, "--stdin", content=content, objects=objects)


def _run(remote: GitRemote, *arguments: str, content: bytes, objects: Path) -> str:
    """Make an object; return its name."""
    done = remote.run(*arguments, content=content, objects=objects)
    if done.code != 0:
        what = f"git cannot prepare the state ({remote.reason(done)}); nothing was saved"
        raise Unavailable(what, "check that there is room for temporary files")
    return checked_object(done.output.decode("ascii", "replace").strip())


def _read(remote: GitRemote, name: str, size: int, objects: Path) -> bytes:
    done = remote.run("cat-file", "blob", name, objects=objects, max_bytes=size + 1)
    if done.code != 0 or len(done.output) != size:
        fix = "check that there is room for temporary files, then run the same command again"
        raise StateError.of(remote.name, f"git cannot read the state ({remote.reason(done)})", fix)
    return done.output
