"""Keep the id of the list whose state a folder holds, so that no other list is sent to its subscribers."""

import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from newsletter.constants import CONFIG_FILE
from newsletter.disk import reading
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.disk.writing import write_atomically
from newsletter.display import display_path, printable
from newsletter.errors import Problem, StateError
from newsletter.state.folder import make_private_dir
from newsletter.state.git import work_trees
from newsletter.state.location import BEFORE_FIRST_USE, OLD, VARIABLE, StateLocation, has_state

FILE = "newsletter.json"
_MAX_BYTES = 20_000
# The states in the same folder that are searched for one whose newsletter was moved.
_MAX_SIBLINGS = 1000


@dataclass(frozen=True)
class Identity:
    """The list that a state belongs to.

    `list_id` is its id as in the header List-Id; `path` is that of the newsletter's folder from the top of
    the work tree, "" outside Git.
    """

    list_id: str
    path: str


def claim(location: StateLocation, list_id: str, *, for_test: bool = False) -> None:
    """Make the folder of the state for a list, or confirm that it belongs to that list.

    `for_test`: do not record the list as the owner. A test message may be sent from a stranger's branch,
    whose list id must not lock the newsletter's own list out.

    Raise StateError if it belongs to another list, if it is the folder of something else, if the state lies
    under the folder's earlier path, or if it cannot be made.
    """
    if problem := find_problem(location, list_id):
        raise StateError([problem])
    folder, identity = location.folder, Identity(list_id, location.path)
    try:
        if location.is_shared:
            make_private_dir(folder.parent)
        make_private_dir(folder)
        if not for_test and read(folder) != identity:
            content = json.dumps(asdict(identity), indent=2, ensure_ascii=False)
            write_atomically(folder / FILE, f"{content}\n".encode(), replace=True)
    except OSError as failure:
        hint = write_hint(failure, "check that you have the permission to write to its folder")
        raise StateError.of(display_path(folder), cannot_be("made", failure), hint) from failure


def find_problem(location: StateLocation, list_id: str) -> Problem | None:
    """Return the reason why a list must not use a state, or None. Raise StateError if it cannot be read."""
    folder = location.folder
    if identity := read(folder):
        return None if identity.list_id == list_id else _other_list(folder, identity, list_id)
    if has_state(folder):
        return None  # of a version that kept no identity
    if holds_other_files(location):
        what = f"is not empty, and holds no state; {VARIABLE} names it"
        return Problem(display_path(folder), what, "name an empty folder, or one that does not exist")
    if location.is_shared and (before := _moved_from(location, list_id)):
        return _moved(folder, *before)
    return _in_other_work_tree(location)


def _in_other_work_tree(location: StateLocation) -> Problem | None:
    """Return the problem of a state that an earlier version left in another work tree of the repository."""
    if not location.is_shared or location.repository is None:
        return None
    for top in work_trees(location.repository):
        newsletter = top / location.path
        if has_state(newsletter / OLD):
            what = "holds the state of this newsletter, from an earlier version"
            fix = f"move it to Git's folder first: news -C {shlex.quote(display_path(newsletter))} status"
            return Problem(display_path(newsletter / OLD), what, fix)
    return None


def read(folder: Path) -> Identity | None:
    """Return the identity in a state's folder, None if there is none; raise StateError if it is invalid."""
    file = folder / FILE
    try:
        content = json.loads(reading.read(file, _MAX_BYTES, root=folder))
        return Identity(str(content["list_id"]), str(content["path"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failure:
        what = cannot_be("read", failure)
        fix = "check the permissions of the file and its folder"
        raise StateError.of(display_path(file), what, fix) from failure
    except (ValueError, TypeError, KeyError, RecursionError) as failure:
        what = "does not name the list of this state"
        fix = "restore it from a backup, or delete it if you know that the state is this newsletter's"
        raise StateError.of(display_path(file), what, fix) from failure


def holds_other_files(location: StateLocation) -> bool:
    """Return True if NEWS_STATE_DIR names a folder of something else, which must stay as it is."""
    folder = location.folder
    if not location.configured or has_state(folder) or os.path.lexists(folder / FILE):
        return False
    try:
        return any(name not in BEFORE_FIRST_USE for name in os.listdir(folder))
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _other_list(folder: Path, identity: Identity, list_id: str) -> Problem:
    before = printable(identity.list_id)
    what = f"is the state of the list {before}, and newsletter.yml is that of {printable(list_id)}"
    fix = (
        "if the newsletter has a new name, or a sender with another domain, keep the list's id: "
        f"`list_id: {before}` in newsletter.yml; for another list, use another folder, or set {VARIABLE}"
    )
    return Problem(display_path(folder), what, fix)


def _moved_from(location: StateLocation, list_id: str) -> tuple[Path, Identity] | None:
    """Return the state of the same list whose newsletter is not in its folder any more, and its identity."""
    for folder in _siblings(location.folder):
        try:
            identity = read(folder)
        except StateError:
            continue
        if identity and identity.list_id == list_id and identity.path and location.repository:
            newsletter = location.repository.top / identity.path
            if not os.path.lexists(newsletter / CONFIG_FILE):
                return folder, identity
    return None


def _siblings(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(folder.parent))
    except OSError:
        return
    yield from (folder.parent / name for name in names[:_MAX_SIBLINGS] if name != folder.name)


def _moved(folder: Path, before: Path, identity: Identity) -> Problem:
    source, target = (shlex.quote(display_path(path)) for path in (before, folder))
    what = (
        f"does not exist, and {display_path(before)} holds the state of the same list, whose folder was "
        f"{printable(identity.path)}"
    )
    return Problem(
        display_path(folder), what, f"if the folder was moved, move the state too: mv {source} {target}"
    )
