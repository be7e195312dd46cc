"""Judge a file that a database is to be copied to, before it is made."""

import os
from pathlib import Path

from newsletter.config.loader import Newsletter
from newsletter.disk.failures import cannot_be
from newsletter.display import display_path, printable
from newsletter.errors import SendRefused, StateError, StoreError
from newsletter.state import identity
from newsletter.state.database_files import with_companions
from newsletter.state.git import find_repository
from newsletter.state.local_git import ignored_by_folders
from newsletter.state.location import DATABASE
from newsletter.store.copy_target import file_url
from newsletter.store.sqlite import private_file

_NAME_FILE = "name a file, which does not need to exist, in a folder that exists: news db copy --to FILE"


def accepted_file(newsletter: Newsletter, named: str | Path) -> Path:
    """Return the path of a file to copy to, without symbolic links in its folder.

    Raise SendRefused for a file that is lost with this machine, StateError for the state of another list, and
    StoreError if it is no file, or if NEWS_DATABASE_URL cannot name it.
    """
    if newsletter.in_ci:
        what = "a file on this CI machine would be deleted together with it"
        raise SendRefused(what, "copy on your own machine, or to PostgreSQL")
    if not str(named) or "\0" in str(named):
        raise StoreError("no file is named to copy to", _NAME_FILE)
    path = Path(named)
    file = Path(os.path.realpath(path.parent)) / path.name
    _refuse_other_kinds(file)
    _refuse_other_state(newsletter, file)
    if not is_default(newsletter, file):
        file_url(file)
    return file


def is_default(newsletter: Newsletter, file: Path) -> bool:
    """Return True for the file that a newsletter uses without NEWS_DATABASE_URL."""
    return os.path.realpath(newsletter.state / DATABASE) == os.path.realpath(file)


def refuse_unignored(file: Path) -> None:
    """Raise StateError for a file in a Git repository that does not ignore it and SQLite's files beside it.

    Raise Unavailable if Git is not installed.
    """
    place = Path(os.path.realpath(file))
    repository = find_repository(place.parent)
    if repository is None or place.is_relative_to(repository.common_dir):  # Git adds nothing from there
        return
    names = {path.name for path in with_companions(place)}
    if names - ignored_by_folders(repository, place.parent, names):
        what = (
            "is in a Git repository that does not ignore it: the next `git add` and `git push` would publish "
            "all addresses"
        )
        fix = (
            f"name a file outside the repository; or write the line {printable(place.name)}* into a "
            ".gitignore of the repository"
        )
        raise StateError.of(display_path(file), what, fix)


def _refuse_other_kinds(file: Path) -> None:
    """Raise StoreError for a folder, a special file, and a link to nothing."""
    try:
        if not os.path.lexists(file) or file.is_file():
            return
        what = "is a folder" if file.is_dir() else "is not a regular file"
        if file.is_symlink() and not file.exists():
            what = "is a symbolic link to a file that does not exist"
    except OSError as failure:
        what = cannot_be("read", failure)
    raise StoreError(what, _NAME_FILE, where=display_path(file))


def _refuse_other_state(newsletter: Newsletter, file: Path) -> None:
    """Raise StateError for a file in the state of another list, and StoreError for a link in the own one."""
    owner = identity.read(file.parent)
    if owner and owner.list_id != newsletter.list_id:
        what = (
            f"is in the state of the list {printable(owner.list_id)}, and newsletter.yml is that of "
            f"{printable(newsletter.list_id)}"
        )
        raise StateError.of(display_path(file), what, "name a file in another folder")
    if os.path.realpath(file.parent) == os.path.realpath(newsletter.state):
        private_file(newsletter.state)
