"""Notices changes of what a preview is made from, by watchfiles."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

from newsletter.config import loader
from newsletter.render.templates import BUILT_IN

# Milliseconds. A save is often several writes (empty it, fill it, rename it): one quiet step ends it.
_STEP, _LONGEST = 10, 300
# How long nothing happens before the folders are looked at again.
_PAUSE = 300


async def changes(folder: Path, name: str | None = None) -> AsyncIterator[None]:
    """Yields after each change of the newsletter's configuration, issues, templates, or of a file named.

    Folders that come and go are followed. Only they are watched, never all below `folder`, which may hold an
    outbox of a million mails.
    """
    folder = folder.resolve()
    files = {folder / loader.FILE}
    if name and name.endswith((".yml", ".yaml")):
        files.add(Path(name).resolve())
    polling = False
    while True:
        try:
            async with aclosing(_until_moved(folder, files, polling)) as found:
                async for _ in found:
                    yield
        except (FileNotFoundError, NotADirectoryError):
            await asyncio.sleep(_PAUSE / 1000)  # a folder went away just now
        except RuntimeError:
            if polling:
                raise
            polling = True  # the system has no more watches to give (inotify's limit)


async def _until_moved(folder: Path, files: set[Path], polling: bool) -> AsyncGenerator[None]:
    """Changes until there are other folders to watch."""
    places = _places(folder)
    moving = places | _roots(folder)
    watch = awatch(
        *places | {file.parent for file in files if file.parent.is_dir()},
        recursive=False,
        step=_STEP,
        debounce=_LONGEST,
        rust_timeout=_PAUSE,
        yield_on_timeout=True,
        watch_filter=None,
        force_polling=polling or None,
        ignore_permission_denied=True,
    )
    settled = False
    async with aclosing(watch) as changed:
        async for found in changed:
            paths = {Path(path) for _, path in found}
            # The first quiet moment counts: something may have been written before the watch stood.
            if _matter(paths, files | moving, places) or not (found or settled):
                yield
            settled = settled or not found
            if paths & moving or _places(folder) != places:
                return


def _matter(paths: set[Path], watched: set[Path], places: set[Path]) -> bool:
    return any(path in watched or path.parent in places for path in paths)


def _roots(folder: Path) -> set[Path]:
    return {folder / loader.ISSUES, folder / loader.TEMPLATES, BUILT_IN.resolve()}


def _places(folder: Path) -> set[Path]:
    """The folders to watch now: those with issues and templates, and what is below them."""
    roots = {root.resolve() for root in _roots(folder) if root.is_dir()}
    return roots | {path.resolve() for root in roots for path in root.rglob("*") if path.is_dir()}
