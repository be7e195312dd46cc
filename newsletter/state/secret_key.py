"""The newsletter's secret key, which signs links and hides addresses in Message-IDs."""

import hashlib
import logging
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.disk import reading
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.disk.writing import write_atomically
from newsletter.display import display_path
from newsletter.errors import ConfigError, SendRefused, Unavailable
from newsletter.state.folder import make_private_dir
from newsletter.state.location import SECRET

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter

log = logging.getLogger(__name__)

MIN_LENGTH = 16
"""Characters."""
_MAX_BYTES = 10_000


def find_secret_key(newsletter: "Newsletter") -> str | None:
    """Return the key as `secret_key` does, but make none: return None if there is no key yet."""
    if newsletter.secrets.secret_key or (newsletter.state / SECRET).exists():
        return secret_key(newsletter, leaves_machine=False)
    return None


def fingerprint(secret: str, issue: str) -> str:
    """Return a value by which two machines see that they have the same key, and that does not reveal it.

    It is a keyed hash of the issue's name, so that two issues have different fingerprints of one key.
    """
    key = hashlib.sha256(f"news.fingerprint:{secret}".encode()).digest()
    return hashlib.blake2b(issue.encode(), key=key, digest_size=16).hexdigest()


def secret_key(newsletter: "Newsletter", *, leaves_machine: bool) -> str:
    """Return NEWS_SECRET_KEY, or else the key in the file `secret` of the state, which is made on first use.

    Raise SendRefused if NEWS_SECRET_KEY is too short, or if a key would be made in CI for mail that leaves
    the machine: the key would be lost with the runner, and the unsubscribe links that it signed would stop
    working. Raise Unavailable if the file cannot be read or made, or its key is too short.
    """
    if configured := newsletter.secrets.secret_key:
        if len(configured.get_secret_value()) < MIN_LENGTH:
            raise SendRefused(
                f"NEWS_SECRET_KEY is shorter than {MIN_LENGTH} characters", "make one: openssl rand -hex 32"
            )
        return configured.get_secret_value()
    file = newsletter.state / SECRET
    if newsletter.in_ci and leaves_machine and not file.exists():
        raise SendRefused(
            "NEWS_SECRET_KEY is not set; a key made on this CI runner would be lost with it, "
            "and the unsubscribe links of this mail would stop working",
            "make one (openssl rand -hex 32) and set it as a secret of the repository",
        )
    return _read_or_make(file)


def all_secret_keys(newsletter: "Newsletter", *, leaves_machine: bool) -> list[str]:
    """Return the key of `secret_key`, which signs, and those of NEWS_SECRET_KEY_OLD, which verify old links.

    Raise what `secret_key` raises, and ConfigError for an old key that is too short.
    """
    old = newsletter.secrets.old_secret_keys
    keys = [
        secret_key(newsletter, leaves_machine=leaves_machine),
        *(parse_old_keys(old.get_secret_value()) if old else []),
    ]
    return list(dict.fromkeys(keys))


def parse_old_keys(text: str) -> list[str]:
    """Return the keys in the value of NEWS_SECRET_KEY_OLD, which are separated by commas.

    Raise ConfigError for a key that is too short; the message does not quote it.
    """
    keys = [key for part in text.split(",") if (key := part.strip())]
    for number, key in enumerate(keys, 1):
        if len(key) < MIN_LENGTH:
            what = f"NEWS_SECRET_KEY_OLD: key {number} of {len(keys)} is shorter than {MIN_LENGTH} characters"
            raise ConfigError.of("environment", what, "write whole keys, with a comma between two of them")
    return keys


def read_key(file: Path) -> str:
    """Return the key in a file, "" if it is not ASCII; raise OSError if the file cannot be read."""
    try:
        return reading.read(file, _MAX_BYTES, root=file.parent).decode("ascii").strip()
    except UnicodeDecodeError:
        return ""


def _read_or_make(file: Path) -> str:
    try:
        make_private_dir(file.parent)
        if not file.exists():
            # Two processes that start together use the same key: neither replaces the key of the other.
            write_atomically(file, f"{secrets.token_hex(32)}\n".encode("ascii"))
            log.info("secret key made", extra={"file": display_path(file)})
        key = read_key(file)
    except OSError as failure:
        what = cannot_be("read or made", failure)
        hint = write_hint(failure, "check the permissions of the file and its folder")
        raise Unavailable(what, hint, where=display_path(file)) from failure
    if len(key) < MIN_LENGTH:
        hint = "restore it from a backup; unsubscribe links in mail already sent depend on it"
        raise Unavailable("has no valid key", hint, where=display_path(file))
    return key
