"""Find installed programs; a program in the work tree of the newsletter may be a stranger's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_program(name: str, folder: Path) -> str | None:
    """Return the path of a program of PATH; None if it is not installed outside the work tree of a folder.

    Entries of PATH that are relative, or inside that work tree such as `.venv/bin`, are passed over: a branch
    may have added files to them.
    """
    import shutil  # takes 3 ms, and no_programs_of is a part of every command

    tops = _work_trees(folder)
    outside = _outside(tops)
    found = shutil.which(name, path=os.pathsep.join(outside)) if outside else None
    return found if found and os.path.isabs(found) and not _is_below(found, tops) else None


def path_outside(folder: Path) -> str:
    """Return PATH without the entries that `find_program` passes over, for a program that starts others."""
    return os.pathsep.join(_outside(_work_trees(folder)))


@contextmanager
def no_programs_of(folder: Path) -> Iterator[None]:
    """Remove the work tree of a newsletter's folder from PATH during the block.

    `find_program` may be asked for another folder meanwhile: a branch can name an outbox elsewhere.
    """
    before = os.environ.get("PATH")
    os.environ["PATH"] = path_outside(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = before


def _outside(tops: frozenset[str]) -> list[str]:
    """Return the entries of PATH that are absolute, and not in one of these work trees."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [entry for entry in entries if os.path.isabs(entry) and not _is_below(entry, tops)]


def _work_trees(folder: Path) -> frozenset[str]:
    """Return the tops of the work trees that a folder is in, also through a link; else the folder itself.

    A submodule is also in the work tree of the repository that contains it.
    """
    tops = set()
    for start in {Path(os.path.abspath(folder)), Path(os.path.realpath(folder))}:
        top = start
        for above in (start, *start.parents):
            if os.path.lexists(above / ".git"):
                top = above
                if (above / ".git").is_dir():
                    break
        tops |= {str(top), os.path.realpath(top)}
    return frozenset(tops)


def _is_below(path: str, tops: frozenset[str]) -> bool:
    forms = [Path(os.path.abspath(path)), Path(os.path.realpath(path))]
    return any(form.is_relative_to(top) for form in forms for top in tops)
