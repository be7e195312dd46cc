"""Resolve the address and the size of a picture: on the web, or a file in the newsletter's `pictures/`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from newsletter.disk import reading
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.issue.model import PICTURES
from newsletter.render.model import Site
from newsletter.render.picture_size import SUFFIXES, picture_size

MAX_WIDTH = 528
"""The width of the text of a mail, in pixels; also that of a picture of the web without a width."""
MAX_HEADER_BYTES = 1_000_000
"""The part of a file that has its size: it is at the start, and only JPEG may have other data before it."""
# The parts of an address that name no other file.
_QUERY = re.compile("[?#]")


class Picture(NamedTuple):
    """A picture: its address on the web, and its natural size in pixels; None for a picture of the web."""

    src: str
    width: int | None = None
    height: int | None = None

    def shown_width(self, asked: int | None = None) -> int:
        """Return the width in a mail: as asked, else the natural one, but at most MAX_WIDTH."""
        return min(asked or self.width or MAX_WIDTH, MAX_WIDTH)

    def web_size(self, asked: int | None = None) -> tuple[int | None, int | None]:
        """Return the width and the height on a web page, each None if it is not known: the natural size.

        A width that is asked for scales the height.
        """
        if asked and self.width and self.height:
            return asked, max(1, round(self.height * asked / self.width))
        return asked or self.width, self.height


class BadPicture(ValueError):
    """The error for a picture that has no address on the web; `what` is a predicate whose subject it is."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.what, self.fix)


def resolve(src: str, site: Site) -> Picture:
    """Return the picture of an address, or of `pictures/FILE`, which is linked below the newsletter's site.

    Raise BadPicture for a file without a site, one that is missing or outside the newsletter, and one that is
    no picture. An address with a scheme is not changed.
    """
    if urlsplit(src).scheme or src.startswith(("//", "[[")):
        return Picture(src)
    path = PurePosixPath(unquote(src))
    if not _is_below_pictures(path) or _QUERY.search(src):
        fix = f"write the whole address: https://…, or {PICTURES}/FILE, and put the file there"
        raise BadPicture("is neither a web address nor a picture of the newsletter", fix)
    if path.suffix.lower() not in SUFFIXES:
        raise BadPicture("is no picture that mail programs show", f"use one of {', '.join(SUFFIXES)}")
    if site.url is None:
        fix = f"write `site:` in newsletter.yml: the address below which {PICTURES}/ will be published"
        raise BadPicture("is a file, and newsletter.yml has no `site` from which readers can load it", fix)
    if _QUERY.search(site.url):
        what = "is a file, and the address of the site has a ? or #, behind which no picture can be"
        raise BadPicture(what, "write `site:` in newsletter.yml without it")
    if site.folder is None:
        raise BadPicture("is a file of an issue outside a newsletter", "write the whole address: https://…")
    width, height = _size(path, site.folder)
    return Picture(f"{site.url}/{quote(path.as_posix())}", width, height)


def published_file(address: str, site: Site) -> PurePosixPath | None:
    """Return the `pictures/FILE` that is linked as this address, with any query; None for other addresses."""
    if site.url is None or site.folder is None or not address.startswith(f"{site.url}/"):
        return None
    path = PurePosixPath(unquote(_QUERY.split(address.removeprefix(f"{site.url}/"), 1)[0]))
    return path if _is_below_pictures(path) and path.suffix.lower() in SUFFIXES else None


@contextmanager
def open_file(path: PurePosixPath, folder: str) -> Iterator[BinaryIO]:
    """Open a picture of the newsletter in `folder`; raise OSError for one that is missing or leads out."""
    with reading.open_regular(Path(folder) / path, root=Path(folder), suffix=path.suffix) as file:
        yield file


def written_forms(address: str, site: Site) -> tuple[str, ...]:
    """Return how an issue may write the picture at an address: `pictures/FILE`, encoded or not."""
    file = address.removeprefix(f"{site.url}/")
    is_file = file != address and file.startswith(f"{PICTURES}/")
    return tuple(dict.fromkeys((file, unquote(file)))) if is_file else ()


def _is_below_pictures(path: PurePosixPath) -> bool:
    is_below = path.parts[:1] == (PICTURES,) and len(path.parts) > 1 and ".." not in path.parts
    return is_below and str(path).isprintable()


def _size(path: PurePosixPath, folder: str) -> tuple[int, int]:
    try:
        with open_file(path, folder) as file:
            head = file.read(MAX_HEADER_BYTES)
    except OSError as failure:
        raise BadPicture(cannot_be("read", failure), read_hint(failure, "put the file there")) from failure
    size = picture_size(head)
    if not size:
        kinds = ", ".join(SUFFIXES)
        raise BadPicture("is no picture, whatever its name says", f"save it as one of {kinds}")
    return size
