"""Find and read the files of templates.

A template in the newsletter's `templates/` replaces that of the theme, and both replace the built-in one of
the same name.
"""

import os
from collections.abc import Callable
from pathlib import Path

import jinja2

from newsletter.conflict_markers import CHOOSE, conflict_markers
from newsletter.disk import reading
from newsletter.disk.boundary import entries
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.display import display_path, printable
from newsletter.errors import TemplateError
from newsletter.render.themes import ThemeName

# The templates are inside the package in a wheel, and beside it in a checkout.
_PACKAGE = Path(__file__).parent.parent
BUILT_IN = next(p for p in (_PACKAGE / "templates", _PACKAGE.parent / "templates") if p.is_dir())
MAX_BYTES = 1_000_000
PAGE_FOLDERS = ("archive", "web")
"""The folders of the templates of web pages."""
_SUFFIX = ".j2"


class TemplateLoader(jinja2.BaseLoader):
    """Load a template from the first folder that has it; search again on every use to find new files.

    The newsletter's own folder comes first, then the theme's, then the built-in one. A newsletter whose own
    folder is the built-in one, as in the repository of news, has no own templates.
    """

    def __init__(self, own: Path | None, theme: ThemeName) -> None:
        self._own, self._root = own, own.parent if own else None
        self._folders = [folder for folder in (BUILT_IN / theme,) if folder.is_dir()] + [BUILT_IN]
        if own and is_built_in(own):
            self._own = BUILT_IN
        elif own:
            self._folders.insert(0, own)

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        found = self._find(template)
        version = _version(found)

        def is_current() -> bool:
            return self._find(template) == found and _version(found) == version

        file = Path(found)
        # The built-in templates may be links of the installation.
        root = self._root if self._own and file.is_relative_to(self._own) else None
        return _read(file, root), str(file), is_current

    def _find(self, template: str) -> str:
        # Texts instead of Path: a mail includes templates 40 times, and each time they are searched again.
        parts = jinja2.loaders.split_template_path(template)
        for folder in self._folders:
            file = os.path.join(folder, *parts)
            if os.path.lexists(file):  # False for a name that is too long for a file, too
                return file
        raise jinja2.TemplateNotFound(template)


def theme_templates(theme: ThemeName) -> list[Path]:
    """Return the files of a theme by their names, with the shared ones that it has no file for."""
    by_name = {
        entry.name: Path(entry.path)
        for folder in (BUILT_IN, BUILT_IN / theme)
        for entry in entries(folder, folder)
        if entry.name.endswith(_SUFFIX) and Path(entry.path).parent == folder
    }
    return [by_name[name] for name in sorted(by_name)]


def page_templates() -> list[Path]:
    """Return the files of the web pages: those of the archive, and those of `news serve`."""
    found = [entry for name in PAGE_FOLDERS for entry in entries(BUILT_IN / name, BUILT_IN)]
    return sorted(Path(entry.path) for entry in found if entry.name.endswith(_SUFFIX))


def is_built_in(folder: Path) -> bool:
    """Return True if a folder is that of the built-in templates."""
    try:
        return folder.samefile(BUILT_IN)
    except OSError:  # there is no such folder
        return False


def _version(file: str) -> tuple[int, ...]:
    """Return a value that changes with a file's content, also if a link leads to another file of its time."""
    try:
        status = os.stat(file)
    except OSError:  # the file was removed meanwhile
        return ()
    return status.st_mtime_ns, status.st_size, status.st_dev, status.st_ino


def _read(file: Path, root: Path | None) -> str:
    """Return the text of a template, which must be inside the newsletter's folder `root`, if any."""
    try:
        raw = reading.read(file, MAX_BYTES, root=root, suffix=_SUFFIX)
    except OSError as failure:
        fix = read_hint(failure, "make it a file that this user may read")
        what = cannot_be("read", failure)
        raise TemplateError(what, fix, where=display_path(file)) from failure
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = raw.count(b"\n", 0, failure.start) + 1
        raise TemplateError(
            "not UTF-8 text", "save the file as UTF-8", where=f"{display_path(file)}:{line}"
        ) from failure
    for marker in conflict_markers(text):
        what = f"a conflict marker of Git: {printable(str(marker))}"
        raise TemplateError(what, CHOOSE, where=f"{display_path(file)}:{marker.line + 1}")
    return text
