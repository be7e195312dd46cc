"""Write the files that a command makes for an editor, and keep those that exist."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from newsletter.disk import reading, writing
from newsletter.errors import Unavailable


@dataclass(frozen=True)
class NewFile:
    """A file that a command makes, and its result."""

    path: Path
    result: Literal[
        "written",
        "extended",  # lines were added
        "kept",  # it is there already, and is what would be written
        "differs",  # something else is there, which is kept
    ]


def create_or_keep(path: Path, content: bytes, *, root: Path) -> NewFile:
    """Write a file inside the folder `root`, or keep the one that exists.

    Raise Unavailable if it cannot be written.
    """
    try:
        writing.create(path, content, root=root)
    except OSError as failure:
        if isinstance(failure, FileExistsError) and os.path.lexists(path):
            return NewFile(path, "kept" if _holds(path, content, root) else "differs")
        raise Unavailable.unwritable(path, failure) from failure
    return NewFile(path, "written")


def _holds(path: Path, content: bytes, root: Path) -> bool:
    with suppress(OSError):
        return reading.read(path, len(content), root=root) == content
    return False
