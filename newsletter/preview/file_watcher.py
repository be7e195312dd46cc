"""Watch the files of a preview with watchfiles."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

from newsletter.config import loader
from newsletter.disk.boundary import entries, is_inside
from newsletter.issue.files import SUFFIXES
from newsletter.render.templates import BUILT_IN

# Editors often save in several writes (truncate, write, rename): a save ends with a step without changes.
_STEP_MILLISECONDS, _MAX_SAVE_MILLISECONDS = 10, 300
# The time without changes after which the folders are listed again.
_IDLE_MILLISECONDS = 300


async def changes(folder: Path, name: str | None = None) -> AsyncIterator[None]:
    """Yield after each change of the newsletter's configuration, issues or templates, or of the file `name`.

    New folders are watched too. Other folders in `folder` are not watched: an outbox may have a million
    messages.
    """
    folder = folder.resolve()
    files = {folder / loader.FILE}
    if name and name.endswith(SUFFIXES):
        files.add(Path(name).resolve())
    polling = False
    while True:
        try:
            async with aclosing(_until_moved(folder, files, polling)) as batches:
                async for _ in batches:
                    yield
        except (FileNotFoundError, NotADirectoryError):
            await asyncio.sleep(_IDLE_MILLISECONDS / 1000)  # a folder was removed meanwhile
        except RuntimeError:
            if polling:
                raise
            polling = True  # the system permits no further watches (inotify)


async def _until_moved(folder: Path, files: set[Path], polling: bool) -> AsyncGenerator[None]:
    """Yield after each change until the set of folders to watch changes."""
    places = _places(folder)
    movable = places | _roots(folder)
    watch = awatch(
        *places | {file.parent for file in files if file.parent.is_dir()},
        recursive=False,
        step=_STEP_MILLISECONDS,
        debounce=_MAX_SAVE_MILLISECONDS,
        rust_timeout=_IDLE_MILLISECONDS,
        yield_on_timeout=True,
        watch_filter=None,
        force_polling=polling or None,
        ignore_permission_denied=True,
    )
    settled = False
    async with aclosing(watch) as changed:
        async for batch in changed:
            paths = {Path(path) for _, path in batch}
            # The first empty batch is treated as a change: a file may have changed before the watch began.
            if _is_relevant(paths, files | movable, places) or not (batch or settled):
                yield
            settled = settled or not batch
            if paths & movable or _places(folder) != places:
                return


def _is_relevant(paths: set[Path], watched: set[Path], places: set[Path]) -> bool:
    return any(path in watched or path.parent in places for path in paths)


def _roots(folder: Path) -> set[Path]:
    return {folder / loader.ISSUES, folder / loader.TEMPLATES, BUILT_IN.resolve()}


def _places(folder: Path) -> set[Path]:
    """Return the existing folders to watch: those of issues and templates, with all their subfolders.

    Links to folders outside the newsletter are left out; subfolders of a linked folder are not watched.
    """
    places: set[Path] = set()
    for root in _roots(folder):
        # The built-in templates may be elsewhere; a link of the newsletter's own folders may not lead there.
        boundary = BUILT_IN if root == BUILT_IN.resolve() else folder
        for path in (os.fspath(root), *(entry.path for entry in entries(root, boundary))):
            if os.path.isdir(path) and is_inside(os.path.realpath(path), boundary):
                places.add(Path(path).resolve())
    return places
