"""Find the paths whose changes the preview shows, also behind symbolic links inside the folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from newsletter.config import loader
from newsletter.disk.boundary import entries, follow, root_of
from newsletter.issue.model import PICTURES
from newsletter.render.template_files import BUILT_IN

_MAX_PATHS = 10_000


@dataclass(frozen=True)
class WatchedPaths:
    """Paths without symbolic links on the way to them: folders with all their entries, and single files.

    `files` has symbolic links, too. `parents` are the existing folders to watch, because the system reports a
    change of a file to the watch of its folder. `movable` are paths whose change may end such a watch.
    """

    folders: frozenset[Path]
    files: frozenset[Path]
    parents: frozenset[Path]
    movable: frozenset[Path]

    def are_relevant(self, paths: Iterable[Path]) -> bool:
        """Return True if a change of one of these paths may change the preview."""
        single = self.files | self.movable
        return any(path in single or path.parent in self.folders for path in paths)


def find(folder: Path, name: str | None = None) -> WatchedPaths:
    """Return the paths of the newsletter's files, of the issue file `name`, and of the targets of links.

    `folder` has no links on the way to it. Paths outside it are left out, except the built-in templates and a
    file that the user has named by a path that does not lead through `folder`.
    """
    built_in = BUILT_IN.resolve()
    files = _inside(follow(folder / loader.FILE, folder), folder)
    if name and Path(name).suffix:  # else it is a date
        named = Path(os.path.abspath(name))
        files |= _inside(follow(named, Path(named.anchor)), root_of(named, folder))
    own = [follow(folder / root, folder) for root in (loader.ISSUES, loader.TEMPLATES, PICTURES)]
    roots = _inside(chain(*own), folder)
    folders, files = set[Path](), files | roots
    for real, boundary in (*((trail[-1], folder) for trail in own), (built_in, built_in)):
        below, linked = _below(real, boundary)
        folders |= below
        files |= linked
    parents = folders | {file.parent for file in files if file.parent.is_dir()}
    movable = parents - {folder} | roots | {built_in}
    return WatchedPaths(frozenset(folders), frozenset(files), frozenset(parents), frozenset(movable))


def _below(root: Path, boundary: Path) -> tuple[set[Path], set[Path]]:
    """Return a folder with the folders below it, also linked ones; and all links there with their targets."""
    folders, files, waiting = set[Path](), set[Path](), [root]
    while waiting and len(folders) + len(files) < _MAX_PATHS:
        folder = waiting.pop()
        if folder in folders or not (folder.is_relative_to(boundary) and folder.is_dir()):
            continue
        folders.add(folder)
        if folder != root and (root.is_relative_to(folder) or _is_hidden(folder, boundary)):
            continue  # a link up would add everything beside; files in hidden folders are refused
        for entry in entries(folder, boundary):
            path = Path(entry.path)
            if entry.is_symlink():
                trail = follow(path, path.parent)
                files |= _inside(trail, boundary)
                waiting.append(trail[-1])
            elif entry.is_dir():
                folders.add(path)
    return folders, files


def _inside(paths: Iterable[Path], boundary: Path | None) -> set[Path]:
    """Return the paths that are below a folder; None permits all paths."""
    return {path for path in paths if boundary is None or path.parent.is_relative_to(boundary)}


def _is_hidden(folder: Path, boundary: Path) -> bool:
    return any(part.startswith(".") for part in folder.relative_to(boundary).parts)
