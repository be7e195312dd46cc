"""Examine the secrets that a newsletter needs; findings never contain a secret."""

import stat
from collections.abc import Iterator
from pathlib import Path

from newsletter.config.environment import (
    DATABASE_URL,
    IMAP_PASSWORD,
    OLD_SECRET_KEYS,
    SECRET_KEY,
    WORKER_TOKEN,
)
from newsletter.config.key_hosts import (
    MAILBOX_OWNERS,
    BoundKey,
    key_problem,
    mailbox_key,
    provider_key,
    sendgrid_key,
    worker_key,
)
from newsletter.config.loader import DOTENV, Newsletter
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.display import counted, display_path
from newsletter.doctor.setup import ENVIRONMENT, Setup, Variable
from newsletter.errors import ConfigError, StateError
from newsletter.findings import Finding
from newsletter.providers.webhook_secrets import WEBHOOK_SECRETS, webhook_secret_problems
from newsletter.state.location import DATABASE, ENV, SECRET
from newsletter.state.secret_key import MIN_LENGTH, parse_old_keys, read_key
from newsletter.state.state_key import VARIABLE as STATE_KEY
from newsletter.state.state_key import parse_state_keys

_CREATE_KEY = "create one (openssl rand -hex 32) and set it as a secret of the repository"


def secrets(setup: Setup, needed: tuple[str, ...], leaves_machine: bool) -> Iterator[Finding]:
    """Yield findings on the variables, on the key in the state, and on the permissions of files.

    `needed` are the names of the variables that the provider requires.
    """
    for problem in setup.dotenv_problems:
        yield Finding.of(problem, DOTENV)
    for variable in setup.variables.values():
        if variable.state in ("empty", "malformed") or variable.hides:
            yield from _malformed_or_hidden(variable)
        if variable.state == "malformed":
            continue
        if variable.name == SECRET_KEY:
            yield from _key(setup, variable, leaves_machine)
        elif variable.name == DATABASE_URL:
            yield from _database(setup, variable, leaves_machine)
        elif variable.name == STATE_KEY:
            yield from _state_key(setup, variable)
        elif variable.name == OLD_SECRET_KEYS:
            yield from _old_keys(variable)
        elif variable.name in WEBHOOK_SECRETS:
            yield from _webhook_secret(setup, variable)
        else:
            yield from _provider_secret(setup, variable, variable.name in needed)
    if not setup.config:
        what = "not known which others are needed: newsletter.yml cannot be read"
        yield Finding("secrets", "skipped", what)
    yield from _files(setup)


def _malformed_or_hidden(variable: Variable) -> Iterator[Finding]:
    if variable.state == "malformed":
        what = "is malformed: it holds a line break or an invisible character"
        yield Finding(variable.name, "error", what, f"set it again in {variable.source}, as one line")
    if variable.state == "empty" and variable.hides:
        what = f"is empty in {variable.source}, which hides the value in {variable.hides}"
        yield Finding(variable.name, "warning", what, _unset(variable))
    elif variable.hides:
        what = f"differs between {variable.hides} and {variable.source}; that of {variable.source} is used"
        fix = f"delete it from {variable.hides}, or {_unset(variable)}"
        yield Finding(variable.name, "note", what, fix)


def _unset(variable: Variable) -> str:
    in_environment = variable.source == ENVIRONMENT
    return f"unset it: unset {variable.name}" if in_environment else f"delete it from {variable.source}"


def _provider_secret(setup: Setup, variable: Variable, needed: bool) -> Iterator[Finding]:
    key = _sent_key(setup.newsletter, variable.name) if setup.newsletter and needed else None
    if setup.newsletter and key and (problem := key_problem(setup.newsletter, key)):
        yield Finding(variable.name, "error", problem.what, problem.fix)
    elif key:
        # The secret key of AWS signs requests, and is never sent.
        use = "signs requests to" if variable.name == "AWS_SECRET_ACCESS_KEY" else "sent to"
        yield Finding(variable.name, "ok", f"is set in {variable.source}, and {use} {key.host} only")
    elif variable.state == "set":
        unneeded = ", and not needed here" if setup.config and not needed else ""
        yield Finding(variable.name, "ok", f"is set in {variable.source}{unneeded}")
    elif needed:
        fix = f"set it in the environment or in {display_path(setup.state / ENV)} (never in newsletter.yml)"
        yield Finding(variable.name, "error", f"is not set, and {_user_of(variable.name)} needs it", fix)


def _webhook_secret(setup: Setup, variable: Variable) -> Iterator[Finding]:
    """Yield findings on a secret that proves the requests of a webhook; only `news serve` needs it."""
    if variable.state != "set":
        return
    problems = [one for one in webhook_secret_problems(setup.secrets) if one.where == variable.name]
    yield from map(Finding.of, problems)
    if not problems:
        yield Finding(variable.name, "ok", f"is set in {variable.source}, and used by news serve")


def _sent_key(newsletter: Newsletter, name: str) -> BoundKey | None:
    """Return the key in a variable, as a send or a pull sends it to a host; None if none is sent."""
    found = (
        *(find(newsletter) for find in (provider_key, sendgrid_key, worker_key)),
        *(mailbox_key(newsletter, owner) for owner in MAILBOX_OWNERS),
    )
    keys = [key for key in found if key and key.variable == name]
    # One password may be for two mailboxes: the host that it is not for is the one to tell.
    return next((key for key in keys if key.is_misdirected), keys[0] if keys else None)


def _user_of(name: str) -> str:
    return {IMAP_PASSWORD: "the mailbox", WORKER_TOKEN: "`pull.worker`"}.get(name, "the provider")


def _key(setup: Setup, variable: Variable, leaves_machine: bool) -> Iterator[Finding]:
    """Yield findings on NEWS_SECRET_KEY and the key file, by the rules of `newsletter.state.secret_key`."""
    file = setup.state / SECRET
    stored = _stored_key(file)
    if variable.state == "set":
        yield _key_length(variable)
        old = setup.variables[OLD_SECRET_KEYS].value
        if isinstance(stored, str) and stored and stored != variable.value and stored not in old:
            what = f"differs from the key in {display_path(file)}: links signed with that key do not work"
            fix = f"if mail was sent with that key, set it to that, or add that to {OLD_SECRET_KEYS}"
            yield Finding(SECRET_KEY, "note", what, fix)
    elif isinstance(stored, OSError):
        fix = read_hint(stored, "check the permissions of the file and its folder")
        yield Finding(display_path(file), "error", cannot_be("read", stored), fix)
    elif stored is not None and len(stored) < MIN_LENGTH:
        fix = "restore it from a backup; the links in mail already sent depend on it"
        yield Finding(display_path(file), "error", "holds no key", fix)
    elif stored is not None:
        yield Finding(display_path(file), "ok", "holds the key that signs unsubscribe links")
    elif setup.config and setup.config.state:
        yield Finding(SECRET_KEY, "ok", "is not set: the key is kept in the state on the Git ref")
    elif setup.in_ci and leaves_machine:
        what = "is not set; a key created in CI is lost with its machine, and all links then stop working"
        yield Finding(SECRET_KEY, "error", what, _CREATE_KEY)
    else:
        what = f"is not set; the first send creates a key in {display_path(file)}"
        yield Finding(
            SECRET_KEY, "note", what, "back up that file after the first send: the links in mail depend on it"
        )


def _key_length(variable: Variable) -> Finding:
    if len(variable.value) < MIN_LENGTH:
        what = f"is too short: fewer than {MIN_LENGTH} characters"
        return Finding(SECRET_KEY, "error", what, "create one: openssl rand -hex 32")
    return Finding(SECRET_KEY, "ok", f"is set in {variable.source}, and long enough")


def _old_keys(variable: Variable) -> Iterator[Finding]:
    """Yield findings on NEWS_SECRET_KEY_OLD, which nobody needs whose key was never replaced."""
    if variable.state != "set":
        return
    try:
        keys = parse_old_keys(variable.value)
    except ConfigError as failure:
        yield from (Finding.of(problem, OLD_SECRET_KEYS) for problem in failure.problems)
        return
    what = f"is set in {variable.source}: links signed with {counted(len(keys), 'old key')} work"
    yield Finding(OLD_SECRET_KEYS, "ok", what)


def _stored_key(file: Path) -> str | OSError | None:
    """Return the key in a file as `read_key` does: None if there is no file, an OSError if unreadable."""
    try:
        return read_key(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failure:
        return failure


def _state_key(setup: Setup, variable: Variable) -> Iterator[Finding]:
    """Yield findings on NEWS_STATE_KEY, which only a newsletter with `state:` needs."""
    is_needed = bool(setup.config and setup.config.state)
    if variable.state == "set":
        try:
            keys = parse_state_keys(variable.value)
        except StateError as failure:
            yield from (Finding.of(problem, STATE_KEY) for problem in failure.problems)
            return
        two = "; two keys are set, until the older one is removed" if len(keys) > 1 else ""
        unneeded = "" if is_needed else ", and needed here for backups only"
        yield Finding(STATE_KEY, "ok", f"is set in {variable.source}{unneeded}{two}")
    elif is_needed:
        fix = "set it to the newsletter's state key; if there is no state yet: news state init"
        yield Finding(STATE_KEY, "error", "is not set, and the state on the Git ref is sealed with it", fix)


def _database(setup: Setup, variable: Variable, leaves_machine: bool) -> Iterator[Finding]:
    if setup.config and setup.config.state:
        if variable.state == "set":
            what = "names the place of the state, and so does `state:` in newsletter.yml"
            yield Finding(DATABASE_URL, "error", what, "unset it, or delete `state:`")
        else:
            yield Finding(DATABASE_URL, "ok", "is not set: the state is kept on a Git ref")
    elif setup.in_ci and leaves_machine and not setup.secrets.has_database_server:
        what = "names no PostgreSQL database: in CI, the record of a send would be lost, and mail sent twice"
        what = what if variable.state == "set" else f"is not set and {what}"
        fix = "set it to a PostgreSQL database that outlives the CI job (postgresql://user@host/name)"
        yield Finding(DATABASE_URL, "error", what, fix)
    elif variable.state == "set":
        yield Finding(DATABASE_URL, "ok", f"is set in {variable.source}")
    elif variable.state == "not set":
        yield Finding(
            DATABASE_URL, "ok", f"is not set: the database is a file in {display_path(setup.state)}/"
        )


def _files(setup: Setup) -> Iterator[Finding]:
    """Yield findings on the permissions of .env, and of the folder and the files of the state."""
    state = [(setup.state / name, 600) for name in (ENV, SECRET, DATABASE)]
    for path, mode in ((setup.folder / DOTENV, 600), (setup.state, 700), *state):
        try:
            status = path.stat()
        except OSError:
            continue
        if path.name == DOTENV and stat.S_ISDIR(status.st_mode):
            continue  # a virtual environment in the folder .env
        if status.st_mode & 0o077:
            what = f"other users of this machine may read it ({stat.filemode(status.st_mode)})"
            yield Finding(display_path(path), "warning", what, f"chmod {mode} {display_path(path)}")
        elif path.parent != setup.state:
            yield Finding(display_path(path), "ok", "only you may read it")
