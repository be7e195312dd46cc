"""Copy the templates of a theme into a newsletter, to be changed there."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from newsletter.config import loader
from newsletter.disk import reading, writing
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path
from newsletter.errors import ConfigError, Unavailable
from newsletter.render.template_files import BUILT_IN, is_built_in, theme_templates
from newsletter.render.themes import ThemeName

_MAX_TEMPLATE_BYTES = 1_000_000


@dataclass(frozen=True)
class EjectedFile:
    """A template of the newsletter, and its result."""

    path: Path
    result: Literal[
        "written",
        "kept",  # it is there already, and is what would be written
        "differs",  # something else is there, which is kept
    ]


def eject(folder: Path, name: ThemeName) -> Iterator[EjectedFile]:
    """Copy every template of a theme into the newsletter's folder; yield each file. None is overwritten.

    Raise ConfigError if the folder has no newsletter, or if its templates are the built-in ones; Unavailable
    if a file cannot be written.
    """
    loader.refuse_missing(folder)
    own = folder / loader.TEMPLATES
    if is_built_in(own):
        what = "this folder is that of the built-in templates"
        raise ConfigError.of(display_path(own), what, f"change {display_path(BUILT_IN / name)} itself")
    for template in theme_templates(name):
        yield _copy(reading.read(template, _MAX_TEMPLATE_BYTES), own / template.name, root=folder)


def _copy(content: bytes, path: Path, *, root: Path) -> EjectedFile:
    try:
        writing.create(path, content, root=root)
    except OSError as failure:
        if isinstance(failure, FileExistsError) and os.path.lexists(path):
            return EjectedFile(path, "kept" if _holds(path, content, root) else "differs")
        hint = write_hint(failure, "check the permissions of its folder")
        raise Unavailable(cannot_be("written", failure), hint, where=display_path(path)) from failure
    return EjectedFile(path, "written")


def _holds(path: Path, content: bytes, root: Path) -> bool:
    with suppress(OSError):
        return reading.read(path, len(content), root=root) == content
    return False
