"""Watch the files of a preview with watchfiles."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

from newsletter.preview import watched_paths

# Editors often save in several writes (truncate, write, rename): a save ends with a step without changes.
_STEP_MILLISECONDS, _MAX_SAVE_MILLISECONDS = 10, 300
# The time without changes after which the folders are listed again.
_IDLE_MILLISECONDS = 300


async def changes(folder: Path, name: str | None = None) -> AsyncIterator[None]:
    """Yield after each change of the configuration, an issue, a template, a picture, or the file `name`.

    New folders are watched too, and the files and folders inside `folder` that symbolic links lead to. Other
    folders in `folder` are not watched: an outbox may have a million messages.
    """
    folder = folder.resolve()
    polling = False
    while True:
        try:
            async with aclosing(_until_moved(folder, name, polling)) as batches:
                async for _ in batches:
                    yield
        except (FileNotFoundError, NotADirectoryError):
            await asyncio.sleep(_IDLE_MILLISECONDS / 1000)  # a folder was removed meanwhile
        except RuntimeError:
            if polling:
                raise
            polling = True  # the system permits no further watches (inotify)


async def _until_moved(folder: Path, name: str | None, polling: bool) -> AsyncGenerator[None]:
    """Yield after each change until the set of paths to watch changes."""
    watched = watched_paths.find(folder, name)
    watch = awatch(
        *watched.parents,
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
            if watched.are_relevant(paths) or not (batch or settled):
                yield
            settled = settled or not batch
            if paths & watched.movable or watched_paths.find(folder, name) != watched:
                return
