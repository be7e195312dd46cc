"""The folder into which a command writes its files: the option `--output`, and how far links may lead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click


class OutputFolder(NamedTuple):
    """A folder for files, and the folder out of which symbolic links must not lead; None permits all."""

    path: Path
    root: Path | None


def output_option(default: Path, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the option `--output` as the parameter `target`, None if not given."""
    return click.option(
        "-o",
        "--output",
        "target",
        metavar="FOLDER",
        type=click.Path(path_type=Path),
        help=f"The folder {what}, relative to the current one.  [default: {default.as_posix()}]",
    )


def output_folder(target: Path | None, default: Path, newsletter: Path) -> OutputFolder:
    """Return the folder that a user has named, or else the default one; `newsletter` is its folder.

    A link of the default name in a stranger's branch must not lead elsewhere; a folder that the user names
    may.
    """
    from newsletter.disk.boundary import root_of

    path = target or default
    return OutputFolder(path, root_of(path, newsletter) or (None if target else Path.cwd()))
