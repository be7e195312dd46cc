"""Show the pictures of the newsletter's folder in a mail from their files, also before its site has them.

Each becomes a `data:` address, which the policy of the mail's frame permits: the policy stays as it is, and
no address of the preview serves files.
"""

import os
import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from html import escape, unescape
from pathlib import PurePosixPath
from urllib.parse import urljoin

from newsletter.render.model import Site
from newsletter.render.picture_size import media_type, picture_size
from newsletter.render.pictures import MAX_HEADER_BYTES, open_file, published_file

MAX_FILE_BYTES = 10_000_000
MAX_PIXELS = 64_000_000
"""The limit of width times height: a browser needs four bytes for each pixel, whatever the file has."""
MAX_FILES = 200
MAX_MAIL_BYTES = 30_000_000
"""The limit of all pictures of a mail as `data:` addresses, a picture that it shows twice counted twice."""

Stamp = tuple[tuple[str, int, int, int], ...]

# A style sheet, or the opening tag of an element; the names of Outlook's own elements have a colon.
_PARTS = re.compile(
    r"""(<style\b[^<>]*+>)(.*?)(?=</style|\Z)|"""
    r"""<[a-z][a-z0-9]*+(?=[\s/>])(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""(?<![^\s"'/])([^\s"'<>/=]++\s*+=\s*+)("[^"]*+"|'[^']*+'|[^\s"'<>]++)""")
_CSS_URL = re.compile(r"""(url\(\s*+)("[^"]*+"|'[^']*+'|[^\s"'()]++)(?=\s*+\))""", re.IGNORECASE)
_CANDIDATE = re.compile(r"[^\s,]++")

_Replace = Callable[[str], str]


def embedded(html: str, site: Site, base: str = "") -> str:
    """Return the HTML of a mail with the content of each picture of the newsletter in place of its address.

    A file that is no picture, leads out of the newsletter or is beyond the limits keeps its address. `base`
    is the address of a web page, to which the addresses in it may be relative.
    """
    return _with_addresses(html, _Embedding(site, base).replace)


def embedded_css(css: str, site: Site, base: str) -> str:
    """Return a style sheet with the content of each picture of the newsletter, like `embedded`."""
    return _css(css, _Embedding(site, base).replace)


def stamp(html: str, site: Site, base: str = "") -> Stamp:
    """Return a value that changes when the file of a picture of this mail changes."""
    found: dict[str, tuple[int, int, int]] = {}

    def note(address: str) -> str:
        path = _file(address, site, base)
        if path and site.folder and str(path) not in found and len(found) < MAX_FILES:
            found[str(path)] = _identity(path, site.folder)
        return address

    _with_addresses(html, note)
    return tuple((path, *identity) for path, identity in found.items())


class _Embedding:
    """The pictures of a mail as `data:` addresses, by file; "" for a file that is not shown."""

    def __init__(self, site: Site, base: str) -> None:
        self._site = site
        self._base = base
        self._by_file: dict[PurePosixPath, str] = {}
        self._left = MAX_MAIL_BYTES

    def replace(self, address: str) -> str:
        """Return the `data:` address of a picture of the newsletter; any other address unchanged."""
        path = _file(address, self._site, self._base)
        if path is None or self._site.folder is None:
            return address
        if path not in self._by_file and len(self._by_file) < MAX_FILES:
            # Base64 has four characters for three bytes.
            self._by_file[path] = _data(path, self._site.folder, min(MAX_FILE_BYTES, self._left * 3 // 4))
        data = self._by_file.get(path, "")
        if not data or len(data) > self._left:
            return address
        self._left -= len(data)
        return data


def _file(address: str, site: Site, base: str) -> PurePosixPath | None:
    with suppress(ValueError):  # of an address that cannot be parsed
        return published_file(urljoin(base, address) if base else address, site)
    return None


def _data(path: PurePosixPath, folder: str, max_bytes: int) -> str:
    """Return the content of a picture as a `data:` address of the kind that its first bytes tell; else ""."""
    try:
        with open_file(path, folder) as file:
            if os.fstat(file.fileno()).st_size > max_bytes:
                return ""
            content = file.read(max_bytes)
    except OSError:
        return ""
    width, height = picture_size(content[:MAX_HEADER_BYTES]) or (0, 0)
    if not 0 < width * height <= MAX_PIXELS:
        return ""
    return f"data:{media_type(content)};base64,{b64encode(content).decode()}"


def _identity(path: PurePosixPath, folder: str) -> tuple[int, int, int]:
    try:
        with open_file(path, folder) as file:
            status = os.fstat(file.fileno())
    except OSError:
        return 0, 0, 0
    return status.st_ino, status.st_mtime_ns, status.st_size


def _with_addresses(html: str, replace: _Replace) -> str:
    """Return the HTML with other addresses of pictures; those of links, and texts, are not changed."""

    def part(found: re.Match[str]) -> str:
        if found[1]:
            return found[1] + _css(found[2], replace)
        return _ATTRIBUTE.sub(attribute, found[0])

    def attribute(found: re.Match[str]) -> str:
        change = _CHANGES.get(found[1].rstrip("= \t\r\n\f").lower())
        written = unescape(_unquoted(found[2]))
        changed = change(written, replace) if change else written
        return found[0] if changed == written else f'{found[1]}"{escape(changed)}"'

    return _PARTS.sub(part, html)


def _css(css: str, replace: _Replace) -> str:
    def url(found: re.Match[str]) -> str:
        written = _unquoted(found[2])
        changed = replace(written)
        return found[0] if changed == written else f"{found[1]}{changed}"

    return _CSS_URL.sub(url, css)


def _address(value: str, replace: _Replace) -> str:
    return replace(value.strip())


def _candidates(value: str, replace: _Replace) -> str:
    return _CANDIDATE.sub(lambda found: replace(found[0]), value)


def _unquoted(value: str) -> str:
    return value[1:-1] if value[0] in "\"'" else value


_CHANGES: dict[str, Callable[[str, _Replace], str]] = {
    "src": _address,
    "background": _address,
    "poster": _address,
    "srcset": _candidates,
    "style": _css,
}
