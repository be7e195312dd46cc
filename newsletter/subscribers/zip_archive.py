"""Find the lists of subscribers in a zip archive, and read them as streams: nothing is extracted."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, NoReturn, cast

from newsletter.display import counted, printable
from newsletter.errors import SubscriberError
from newsletter.subscribers.departure_columns import is_suppression_list

MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""The first bytes of a zip archive: of a file in it, of an empty archive, of a part of one."""
MAX_DIRECTORY_BYTES = 4_000_000  # about 50,000 files; Python holds the directory in memory
MAX_UNPACKED_BYTES = 1 << 30
MAX_RATIO = 200  # CSV shrinks to a twentieth at best; zip bombs come near 1,032, the most that deflate can do
MIN_RATIO_BYTES = 10_000_000  # a small list of nearly equal rows may shrink more
_LISTS = (".csv", ".tsv", ".txt")
_PACKED = (".zip", ".gz", ".7z", ".rar", ".tar", ".xlsx", ".xls", ".ods")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DOCUMENTS = {"[Content_Types].xml": "an Excel workbook", "content.xml": "a spreadsheet"}
_MACOS_NOTES = re.compile(r"(?:^|/)(?:__MACOSX/|\._)")  # what macOS knows about a file, beside each one
# Pages and pictures beside the lists, such as the posts of a blog: their names tell of their content.
_PAGES = re.compile(
    r"\.(?:html?|xhtml|md|pdf|css|js|png|jpe?g|gif|svg|webp|avif|ico|eml|mp[34]|woff2?)\Z", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LEADS_OUT = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)")
_MAX_NAMED = 5
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,  # an offset before the start of the file
    OverflowError,
    RuntimeError,
    ValueError,
)


class Archive(NamedTuple):
    """The lists of an archive, in the order of their names, and a sentence about what is left out, or ""."""

    file: zipfile.ZipFile
    lists: Sequence[zipfile.ZipInfo]
    note: str


def read_directory(file: io.BufferedReader, shown: str) -> Archive:
    """Return the lists of an archive; raise SubscriberError if one cannot be read, or should not be."""
    if not file.seekable():
        what = "a zip archive or an Excel workbook cannot be read from a pipe"
        raise SubscriberError(what, "save it as a file, and name that file", where=shown)
    with _refuse_damage(shown):
        archive = zipfile.ZipFile(_LimitedReads(file, shown))
    entries = archive.infolist()
    names = [entry.orig_filename for entry in entries]
    if document := next((kind for name, kind in _DOCUMENTS.items() if name in names), None):
        raise SubscriberError(f"the file is {document}", "save it as CSV", where=shown)
    _refuse_names(names, shown)
    lists = sorted(filter(_is_list, entries), key=lambda entry: entry.orig_filename)
    others = [entry for entry in entries if not _is_list(entry)]
    _refuse_packed(others, shown)
    _refuse_unread_departures(others, shown)
    if not lists:
        found = f"; it has {_named(others)}" if others else ""
        what = f"the archive has no CSV or text file{found}"
        raise SubscriberError(what, "name an archive of CSV files, or a CSV file", where=shown)
    _refuse_unreadable(lists, shown)
    _refuse_bomb(lists, shown)
    return Archive(
        archive, lists, f"not read, since neither CSV nor text: {_named(others)}" if others else ""
    )


class Member(io.BufferedIOBase):
    """The content of a file in an archive, as a stream; a damaged one raises SubscriberError."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str) -> None:
        self._shown = shown
        with _refuse_damage(shown):
            self._stream = cast(io.BufferedIOBase, archive.open(entry))

    def read(self, size: int | None = -1, /) -> bytes:
        with _refuse_damage(self._shown):
            return self._stream.read(size)

    def read1(self, size: int = -1, /) -> bytes:
        with _refuse_damage(self._shown):
            return self._stream.read1(size)


class _LimitedReads:
    """An archive's file; a directory of the archive that would not fit into memory raises SubscriberError."""

    def __init__(self, file: io.BufferedReader, shown: str) -> None:
        self._file, self._shown = file, shown
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY_BYTES:
            what = "the archive has too many files, or is damaged"
            raise SubscriberError(what, "name the CSV files", where=self._shown)
        return self._file.read(size if size >= 0 else MAX_DIRECTORY_BYTES)


@contextmanager
def _refuse_damage(shown: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as failure:
        what = f"the archive is damaged ({printable(str(failure))})"
        raise SubscriberError(what, "download it again, or name the files in it", where=shown) from failure


def _is_list(entry: zipfile.ZipInfo) -> bool:
    return _ends(entry, _LISTS) and not entry.is_dir() and not _MACOS_NOTES.search(entry.orig_filename)


def _ends(entry: zipfile.ZipInfo, endings: tuple[str, ...]) -> bool:
    return entry.orig_filename.lower().endswith(endings)


def _refuse_names(names: Sequence[str], shown: str) -> None:
    seen = set[str]()
    for name in names:
        if _CONTROLS.search(name):
            _refuse(shown, name, "has a control character in its name")
        if _LEADS_OUT.search(name):
            _refuse(shown, name, "has a path that leads out of the archive")
        if name in seen:
            _refuse(shown, name, "is in the archive twice")
        seen.add(name)


def _refuse_packed(others: Sequence[zipfile.ZipInfo], shown: str) -> None:
    """Raise SubscriberError for an archive or a workbook: it may have the list of those who have left."""
    for entry in others:
        if _ends(entry, _PACKED):
            _refuse(shown, entry.orig_filename, "is an archive or a workbook itself")


def _refuse_unread_departures(others: Sequence[zipfile.ZipInfo], shown: str) -> None:
    """Raise SubscriberError if a file that is not read lists people who have left, by its name."""
    for entry in others:
        name = entry.orig_filename
        if entry.is_dir() or _PAGES.search(name) or _MACOS_NOTES.search(name):
            continue
        if any(map(is_suppression_list, name.split("/"))):
            what = "lists people who have left or never confirmed, by its name, and is neither CSV nor text"
            _refuse(shown, name, what, "unpack the archive, save this file as CSV, and name the CSV files")


def _refuse_unreadable(lists: Sequence[zipfile.ZipInfo], shown: str) -> None:
    for entry in lists:
        if entry.flag_bits & 0x1:
            _refuse(shown, entry.orig_filename, "is encrypted")
        if entry.compress_type not in _METHODS:
            _refuse(shown, entry.orig_filename, "is compressed in a way that is not supported")


def _refuse_bomb(lists: Sequence[zipfile.ZipInfo], shown: str) -> None:
    """Raise SubscriberError for sizes that no list has; not more than the stated size is ever unpacked."""
    for entry in lists:
        if entry.file_size > max(MIN_RATIO_BYTES, MAX_RATIO * entry.compress_size):
            what = f"unpacks to more than {MAX_RATIO} times its size, as no list of subscribers does"
            hint = "download the export again; if you trust it, unpack it and name its files"
            _refuse(shown, entry.orig_filename, what, hint)
    if sum(entry.file_size for entry in lists) > MAX_UNPACKED_BYTES:
        what = f"the files of the archive would be larger than {MAX_UNPACKED_BYTES:,} bytes when unpacked"
        raise SubscriberError(what, "unpack it, and name its files one by one", where=shown)


def _refuse(
    shown: str, name: str, what: str, hint: str = "unpack the archive, and name the CSV files in it"
) -> NoReturn:
    raise SubscriberError(f"the file `{printable(name, 100)}` {what}", hint, where=shown)


def _named(entries: Sequence[zipfile.ZipInfo]) -> str:
    """Return the names of the first files, and the number of the others."""
    named = ", ".join(f"`{printable(entry.orig_filename)}`" for entry in entries[:_MAX_NAMED])
    more = len(entries) - _MAX_NAMED
    return f"{named} and {counted(more, 'other file')}" if more > 0 else named
