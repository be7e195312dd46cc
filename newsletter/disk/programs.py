"""Find installed programs; a program in the work tree of the newsletter may be a stranger's."""

import os
import shutil
from pathlib import Path


def find_program(name: str, folder: Path) -> str | None:
    """Return the path of a program of PATH; None if it is not installed outside the work tree of a folder.

    Entries of PATH that are relative, or inside that work tree such as `.venv/bin`, are passed over: a branch
    may have added files to them.
    """
    top = _work_tree(folder)
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    outside = [entry for entry in entries if os.path.isabs(entry) and not _is_below(entry, top)]
    found = shutil.which(name, path=os.pathsep.join(outside)) if outside else None
    return found if found and os.path.isabs(found) and not _is_below(found, top) else None


def _work_tree(folder: Path) -> str:
    """Return the top of the work tree that a folder is in; outside Git, the folder itself."""
    start = Path(os.path.realpath(folder))
    return str(next((above for above in (start, *start.parents) if os.path.lexists(above / ".git")), start))


def _is_below(path: str, top: str) -> bool:
    return any(Path(form).is_relative_to(top) for form in (os.path.abspath(path), os.path.realpath(path)))
