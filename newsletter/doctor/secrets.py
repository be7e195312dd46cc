"""Whether the secrets are there that this newsletter needs; what they are is never said."""

import stat
from collections.abc import Iterator
from pathlib import Path

from newsletter.display import display_path
from newsletter.doctor.setup import DOTENV, Setup, Variable
from newsletter.errors import cannot_be
from newsletter.findings import Finding
from newsletter.state.secret_key import MIN_LENGTH

KEY, DATABASE = "NEWS_SECRET_KEY", "NEWS_DATABASE_URL"
_MAKE = "make one (openssl rand -hex 32) and set it as a secret of the repository"


def secrets(setup: Setup, needed: tuple[str, ...], leaves_machine: bool) -> Iterator[Finding]:
    """The variables that matter here, the key in `.news/secret`, and who may read the files.

    `needed`: those that the provider cannot do without.
    """
    for problem in setup.dotenv_problems:
        yield Finding.of(problem, DOTENV)
    for variable in setup.variables.values():
        if variable.state in ("empty", "malformed") or variable.hides:
            yield from _unsound(variable)
        if variable.state == "malformed":
            continue
        if variable.name == KEY:
            yield from _key(setup, variable, leaves_machine)
        elif variable.name == DATABASE:
            yield from _database(setup, variable, leaves_machine)
        else:
            yield from _of_provider(setup, variable, variable.name in needed)
    yield from _files(setup)


def _unsound(variable: Variable) -> Iterator[Finding]:
    if variable.state == "malformed":
        what = "is malformed: it holds a line break or an invisible character"
        yield Finding(variable.name, "error", what, f"set it again in {variable.source}, as one line")
    if variable.state == "empty" and variable.hides:
        what = f"is set to nothing in the environment, which hides the one in {variable.hides}"
        yield Finding(variable.name, "warning", what, f"unset it: unset {variable.name}")
    elif variable.hides:
        what = f"in {variable.hides} is another one than in the environment, which comes first"
        yield Finding(variable.name, "note", what, f"delete it in {variable.hides}, or unset {variable.name}")


def _of_provider(setup: Setup, variable: Variable, needed: bool) -> Iterator[Finding]:
    if variable.state == "set":
        spare = ", and not needed here" if setup.config and not needed else ""
        yield Finding(variable.name, "ok", f"is set in {variable.source}{spare}")
    elif needed:
        fix = "set it in the environment or in .env (never in newsletter.yml)"
        yield Finding(variable.name, "error", "is not set, and is needed to send", fix)
    elif not setup.config:
        yield Finding(variable.name, "skipped", "is not set; whether it is needed says newsletter.yml")


def _key(setup: Setup, variable: Variable, leaves_machine: bool) -> Iterator[Finding]:
    """NEWS_SECRET_KEY, or the file in its place, by the rules of `newsletter.state.secret_key`."""
    file = setup.state / "secret"
    kept = _kept(file)
    if variable.state == "set":
        yield _long_enough(variable)
        if isinstance(kept, str) and kept and kept != variable.value:
            what = f"is another key than the one in {display_path(file)}: links signed with that one are void"
            fix = "set it to that key, if it has signed links that readers still have"
            yield Finding(KEY, "note", what, fix)
    elif isinstance(kept, OSError):
        what = cannot_be("read", kept)
        yield Finding(display_path(file), "error", what, "check the permissions of the file and its folder")
    elif kept is not None and len(kept) < MIN_LENGTH:
        fix = "restore it from a backup; links already sent depend on it"
        yield Finding(display_path(file), "error", "holds no key", fix)
    elif kept is not None:
        yield Finding(display_path(file), "ok", "holds the key that signs unsubscribe links")
    elif setup.in_ci and leaves_machine:
        what = "is not set, and a key made here would vanish with this machine, and every link with it"
        yield Finding(KEY, "error", what, _MAKE)
    else:
        what = f"is not set; the first send makes a key, in {display_path(file)}"
        yield Finding(KEY, "note", what, "back that file up then: the links in mail depend on it")


def _long_enough(variable: Variable) -> Finding:
    if len(variable.value) < MIN_LENGTH:
        what = f"is too short: fewer than {MIN_LENGTH} characters"
        return Finding(KEY, "error", what, "make one: openssl rand -hex 32")
    return Finding(KEY, "ok", f"is set in {variable.source}, and long enough")


def _kept(file: Path) -> str | OSError | None:
    """The key in a file; None where there is none."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failure:
        return failure
    except UnicodeDecodeError:
        return ""


def _database(setup: Setup, variable: Variable, leaves_machine: bool) -> Iterator[Finding]:
    kept = variable.state == "set" and variable.value.startswith("postgres")
    if setup.in_ci and leaves_machine and not kept:
        what = "names no PostgreSQL: in CI, what was sent would be forgotten, and sent again"
        what = what if variable.state == "set" else f"is not set and {what}"
        fix = "set it to a PostgreSQL database that is kept (postgresql://user@host/name)"
        yield Finding(DATABASE, "error", what, fix)
    elif variable.state == "set":
        yield Finding(DATABASE, "ok", f"is set in {variable.source}")
    elif variable.state == "not set":
        yield Finding(DATABASE, "ok", "is not set: the database is a file in .news/")


def _files(setup: Setup) -> Iterator[Finding]:
    """Whether others on this machine may read what is nobody else's business."""
    for path, mode in ((setup.folder / DOTENV, 600), (setup.state, 700), (setup.state / "secret", 600)):
        try:
            status = path.stat()
        except OSError:
            continue
        if path.name == DOTENV and stat.S_ISDIR(status.st_mode):
            continue  # somebody's virtual environment
        if status.st_mode & 0o077:
            what = f"may be read by others on this machine ({stat.filemode(status.st_mode)})"
            yield Finding(display_path(path), "warning", what, f"chmod {mode} {display_path(path)}")
        elif path.name != "secret":
            yield Finding(display_path(path), "ok", "may be read by you alone")
