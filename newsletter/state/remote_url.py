"""Read the addresses of Git remotes, and refuse those that newsletter.yml must not name."""

import os
import re
from urllib.parse import SplitResult, urlsplit

from newsletter.errors import StateError

SAFE_TRANSPORTS = ("https", "ssh")
_MAX_LENGTH = 1000
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_CREDENTIALS = re.compile(r"://[^/\s@]*@")


def refuse_unsafe_remote(url: str) -> None:
    """Raise StateError unless a URL from newsletter.yml is https or ssh, without a password.

    A branch may have written it: `ext::` runs a program, and a local path names any folder.
    """
    if len(url) > _MAX_LENGTH or not url.isprintable() or " " in url or "\\" in url:
        raise _unsafe("has a blank, a backslash or an invisible character, or is too long")
    protocol = transport(url)
    if protocol not in SAFE_TRANSPORTS:
        raise _unsafe("is neither an https nor an ssh address")
    user, host, path = split_remote(url)
    if ":" in user or (user and protocol == "https"):
        raise _unsafe("has a user name or a password, which everybody with the repository can read")
    if (user and not _USER.fullmatch(user)) or not _HOST.fullmatch(host) or not path or path[0] == "-":
        raise _unsafe("names no user, host and path that git can use")


def repository_name(url: str) -> str:
    """Return `host/path` of a repository, whatever the way to reach it; the absolute path of a local one."""
    if transport(url) == "file":
        return os.path.abspath(url.removeprefix("file://"))
    _, host, path = split_remote(url)
    return f"{host.lower()}/{path.strip('/').removesuffix('.git').rstrip('/')}"


def transport(url: str) -> str:
    """Return the protocol by which git reaches a URL; `file` for a path, `name::` for a helper."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme.replace("+", "").isalnum():
        return scheme.lower()
    before, colon, after = url.partition(":")
    if not colon or "/" in before:
        return "file"
    if after.startswith(":"):
        return f"{before}::"
    return "ssh" if len(before) > 1 else "file"  # C:\newsletter


def split_remote(url: str) -> tuple[str, str, str]:
    """Return user, host without the port, and path of an address that is not local."""
    if "://" not in url:
        before, _, path = url.partition(":")
        user, _, host = before.rpartition("@")
        return user, host, path
    authority, _, path = url.partition("://")[2].partition("/")
    user, _, host = authority.rpartition("@")
    name, colon, port = host.rpartition(":")
    return user, name if colon and (port.isdigit() or not port) else host, path


def split_url(url: str) -> SplitResult:
    """Return the parts of a URL; empty ones for what is no URL."""
    try:
        parts = urlsplit(url if "://" in url else "")
        return parts if parts.hostname else urlsplit("")
    except ValueError:  # a damaged IPv6 address
        return urlsplit("")


def without_credentials(text: str) -> str:
    """Return text without the user names and passwords of URLs in it."""
    return _CREDENTIALS.sub("://", text)


def _unsafe(what: str) -> StateError:
    fix = "write it as https://example.com/me/state.git or git@example.com:me/state.git"
    return StateError.of("newsletter.yml", f"the remote of the state {what}", fix)
