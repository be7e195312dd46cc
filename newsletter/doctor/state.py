"""Examine the place of the state: subscribers, the record of what was sent, and keys; change nothing."""

import os
import shlex
from collections.abc import Iterator

from newsletter.config.loader import DOTENV
from newsletter.display import display_path
from newsletter.doctor.setup import Setup
from newsletter.errors import StateError
from newsletter.findings import Finding
from newsletter.state.identity import find_problem
from newsletter.state.location import VARIABLE, StateLocation
from newsletter.state.tracked import tracked_problems

STATE = "state"


def state(setup: Setup) -> Iterator[Finding]:
    """Yield findings on the place of the state, on its list, on its backup, and on files that Git tracks."""
    yield from (Finding.of(problem, STATE) for problem in setup.state_problems)
    if (location := setup.location) is None:
        return
    yield Finding(display_path(location.folder), "ok", _place(location))
    yield from _list(setup, location)
    yield from _old(location)
    yield from _tracked(setup, location)
    yield from _dotenv(setup, location)
    yield _backup(setup, location)


def _place(location: StateLocation) -> str:
    if location.configured:
        return f"is the place of the state; {VARIABLE} names it"
    if location.is_shared:
        return "is the place of the state; all work trees of this repository share it"
    return "is the place of the state"


def _list(setup: Setup, location: StateLocation) -> Iterator[Finding]:
    if setup.newsletter is None:
        return
    try:
        problem = find_problem(location, setup.newsletter.list_id)
    except StateError as failure:
        yield from (Finding.of(one, STATE) for one in failure.problems)
    else:
        if problem:
            yield Finding.of(problem, STATE)


def _old(location: StateLocation) -> Iterator[Finding]:
    if location.is_shared and location.has_old:
        what = (
            f"is the place of the state in earlier versions; the next command moves it to {_shown(location)}"
        )
        yield Finding(display_path(location.old), "note", what, "run that command: news status")
    elif location.configured and os.path.lexists(location.old):
        what = f"is not used, because {VARIABLE} names another folder"
        yield Finding(display_path(location.old), "note", what, f"move it away, or unset {VARIABLE}")


def _shown(location: StateLocation) -> str:
    return f"{display_path(location.folder)}/"


def _tracked(setup: Setup, location: StateLocation) -> Iterator[Finding]:
    private = [location.old] + ([setup.newsletter.outbox] if setup.newsletter else [])
    private += [location.folder] if location.configured else []
    yield from (Finding.of(problem) for problem in tracked_problems(private))


def _dotenv(setup: Setup, location: StateLocation) -> Iterator[Finding]:
    """Offer to move `.env` out of the work tree."""
    file = setup.folder / DOTENV
    if not location.is_shared or not file.is_file() or setup.dotenv_problems:
        return
    what = "is in the work tree, where a checkout of a branch with such a file overwrites it"
    source, target = (shlex.quote(display_path(path)) for path in (file, location.env))
    if os.path.lexists(location.env):
        fix = f"move its lines to {target}"
    elif location.folder.is_dir():
        fix = f"move it: mv {source} {target}"
    else:
        fix = f"move it: mkdir -p -m 700 {shlex.quote(display_path(location.folder))} && mv {source} {target}"
    yield Finding(display_path(file), "note", what, fix)


def _backup(setup: Setup, location: StateLocation) -> Finding:
    if setup.config and setup.config.state:
        what = f"{_shown(location)} and the Git ref hold the state; a person who may push can delete the ref"
        return Finding("backup", "note", what, "keep the state key, and write a file: news state save FILE")
    in_files = "the subscribers, the record of what was sent, and keys"
    content = "keys" if setup.secrets.has_database_server else in_files
    what = f"holds {content}; Git has no copy, and a new clone has none of it"
    return Finding("backup", "note", f"{_shown(location)} {what}", "back up that folder: news state path")
