"""Write the files of an archive into a folder that a web server may be serving.

All changed files are written as drafts in the folder first. Only when they are complete and were verified,
each takes its place with a rename, in the order in which they were given; files that are no longer published
are deleted last. A process that is killed leaves complete files, old or new ones, and the next run finishes
its work.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from newsletter.disk import reading, writing
from newsletter.disk.boundary import UnsafeFile, refuse_unsafe
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.display import display_path
from newsletter.errors import Unavailable
from newsletter.state.process_lock import HAS_LOCKS, FileLock

MANIFEST = ".news-archive.json"
"""The file that names the files of the archive: only these are replaced and deleted."""
LOCK = ".news-archive.lock"
NO_JEKYLL = ".nojekyll"
"""An empty file by which GitHub Pages publishes a branch as it is."""
_DRAFTS = ".news-archive"
_MAX_BYTES = 100_000_000
_CHUNK_BYTES = 1 << 20
_OTHER_FOLDER = "choose another folder: --output FOLDER"
_TEXT_SUFFIXES = (".css", ".html", ".json", ".txt", ".xml")

Verify = Callable[[str, bytes], None]


class Changes(NamedTuple):
    """The number of files that were written, that were already as they should be, and that were deleted."""

    written: int
    unchanged: int
    removed: int


@dataclass(frozen=True)
class Manifest:
    """The hash of each file by its path, and the key of each drawn picture by the name of its issue."""

    files: Mapping[str, str]
    cards: Mapping[str, str]


class ArchiveFolder:
    """A folder with an archive, for one build."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.before = manifest
        self._drafts = folder / _DRAFTS
        self._files: dict[str, str] = {}
        self._drafted: list[str] = []
        self._cards: dict[str, str] = {}

    @classmethod
    @contextmanager
    def open(cls, folder: Path, root: Path | None) -> "Iterator[ArchiveFolder]":
        """Open or make a folder for a build; drafts are deleted at the end of the block.

        Raise Unavailable if it cannot be written, if symbolic links lead from it out of `root`, or if another
        process writes into it.
        """
        with _as_unavailable(folder):
            writing.make_folder(folder, root=root)
        with _lock(folder):
            manifest = _read_manifest(folder)
            _delete_drafts(folder / _DRAFTS)  # of a process that was killed
            try:
                yield cls(folder, manifest)
            finally:
                with suppress(Unavailable):
                    _delete_drafts(folder / _DRAFTS)

    def put(self, path: str, content: bytes) -> None:
        """Write a draft of a file by its path, unless the folder has it already.

        Raise Unavailable if the folder has another file of this path that is none of the archive.
        """
        if self._needs(path, hashlib.sha256(content).hexdigest()):
            with _as_unavailable(self.folder / path):
                writing.write_public(self._drafts / path, content, root=self.folder)

    def put_copy(self, path: str, source: Path, root: Path, suffix: reading.Suffix) -> None:
        """Write a draft with a copy of a file inside `root`. Raise Unavailable as `put` and for links."""
        fix = "make it a file that this user may read"
        with _as_unreadable(source, fix), reading.open_regular(source, root=root, suffix=suffix) as file:
            if not self._needs(path, _digest(file)):
                return
            file.seek(0)
            with _as_unavailable(self.folder / path):
                writing.make_folder((self._drafts / path).parent, root=self.folder)
                with writing.replacing(self._drafts / path, private=False) as copy:
                    shutil.copyfileobj(file, copy, _CHUNK_BYTES)

    def put_card(self, path: str, issue: str, key: str, content: bytes | None) -> bool:
        """Write a draft of the drawn picture of an issue; without content, keep the one that has this key.

        Return True if the archive has a picture of this key then.
        """
        if content is not None:
            self.put(path, content)
        elif self.before.cards.get(issue) != key or not self._keep(path):
            return False
        self._cards[issue] = key
        return True

    def publish(self, verify: Verify) -> Changes:
        """Verify each file, then let all take their places: new ones first, then those that change.

        So no page leads to a page that is not there yet, as long as a list or an older page leads to both.
        `verify` gets each path, with the content of a text, also of one that has not changed. Raise what it
        raises, and Unavailable if a file cannot be read or written.
        """
        drafted = set(self._drafted)
        for path in self._files:
            file = (self._drafts if path in drafted else self.folder) / path
            content = b""
            if path.endswith(_TEXT_SUFFIXES):
                with _as_unavailable(self.folder / path):
                    content = reading.read(file, _MAX_BYTES, root=self.folder)
            verify(path, content)
        removed = [path for path in self.before.files if path not in self._files]
        for path in removed:
            with _as_unavailable(self.folder / path):
                refuse_unsafe(self.folder / path, self.folder)
        with _as_unavailable(self.folder):
            if self._drafted or removed:
                # A process that is killed in between must know its own files again.
                self._write_manifest({**self.before.files, **self._files})
            for path in sorted(self._drafted, key=self.before.files.__contains__):
                self._place(path)
            for path in removed:
                self._delete(path)
            self._write_manifest(self._files)
        return Changes(len(self._drafted), len(self._files) - len(self._drafted), len(removed))

    def _needs(self, path: str, digest: str) -> bool:
        """Return True if a file has to be written, and remember it as one of the archive."""
        found = self._digest_of(path)
        if found is not None and found != digest and path not in self.before.files:
            what = "was not written by news archive, and would be replaced"
            raise Unavailable(
                what, f"move it away, or {_OTHER_FOLDER}", where=display_path(self.folder / path)
            )
        if found == digest and path not in self.before.files:
            return False  # a file of other origin that is the same stays one
        self._files[path] = digest
        if found == digest:
            return False
        self._drafted.append(path)
        return True

    def _keep(self, path: str) -> bool:
        """Keep a file of the last build as it is; return False if it is missing or was changed."""
        digest = self.before.files.get(path)
        if digest is None or self._digest_of(path) != digest:
            return False
        self._files[path] = digest
        return True

    def _digest_of(self, path: str) -> str | None:
        with _as_unavailable(self.folder / path):
            try:
                with reading.open_regular(self.folder / path, root=self.folder) as file:
                    return _digest(file)
            except FileNotFoundError:
                return None

    def _place(self, path: str) -> None:
        target = self.folder / path
        writing.make_folder(target.parent, root=self.folder)
        (self._drafts / path).replace(target)

    def _delete(self, path: str) -> None:
        target = self.folder / path
        with suppress(FileNotFoundError):
            target.unlink()
        for parent in target.parents:
            if parent == self.folder:
                break
            with suppress(OSError):  # it has other files
                parent.rmdir()

    def _write_manifest(self, files: Mapping[str, str]) -> None:
        content = json.dumps({"files": dict(files), "cards": self._cards}, indent=0, sort_keys=True).encode()
        if self._digest_of(MANIFEST) != hashlib.sha256(content).hexdigest():
            writing.write_public(self._drafts / MANIFEST, content, root=self.folder)
            self._place(MANIFEST)


def _read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the last build; an empty one for a folder without a valid one."""
    with _as_unreadable(folder / MANIFEST, _OTHER_FOLDER):
        try:
            raw = reading.read(folder / MANIFEST, _MAX_BYTES, root=folder)
        except FileNotFoundError:
            return Manifest({}, {})
    try:
        found: Any = json.loads(raw)
        return Manifest(_texts(found["files"]), _texts(found["cards"]))
    except (ValueError, TypeError, KeyError, RecursionError) as failure:
        what = "is not the list of files that news archive writes"
        fix = f"delete this file and those of the last archive, or {_OTHER_FOLDER}"
        raise Unavailable(what, fix, where=display_path(folder / MANIFEST)) from failure


def _texts(found: Any) -> dict[str, str]:
    """Return texts by path; raise ValueError for a path out of the folder, or to a hidden file of others."""
    if not isinstance(found, dict):
        raise ValueError("no mapping")
    texts = {str(key): str(value) for key, value in found.items()}
    for path in texts:
        parts = PurePosixPath(path).parts
        is_hidden = any(part.startswith(".") for part in parts) and path != NO_JEKYLL
        if not parts or parts[0] == "/" or is_hidden or "\\" in path or not path.isprintable():
            raise ValueError(path)
    return texts


def _delete_drafts(drafts: Path) -> None:
    """Delete the folder of drafts; raise Unavailable if that fails, or for a link in its place."""
    with _as_unavailable(drafts):
        if drafts.is_symlink():
            raise UnsafeFile("is a symbolic link", "delete it")
        if drafts.exists():
            shutil.rmtree(drafts)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Keep other builds out of a folder; raise Unavailable if there is one. Windows has no such locks.

    The file stays: a process that waits for a file that is deleted would lock nothing.
    """
    if not HAS_LOCKS:
        yield
        return
    with FileLock(folder / LOCK) as lock:
        if not lock.take():
            what = "is being written by another `news archive`"
            raise Unavailable(what, "wait until it ends", where=display_path(folder))
        yield


def _digest(file: Any) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _as_unavailable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise Unavailable.unwritable(path, failure, _OTHER_FOLDER) from failure


@contextmanager
def _as_unreadable(path: Path, fix: str) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        hint = read_hint(failure, fix)
        raise Unavailable(cannot_be("read", failure), hint, where=display_path(path)) from failure
