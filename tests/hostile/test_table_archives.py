"""Zip archives and text that are made to mislead, fill the memory, or keep the import of subscribers busy."""

import io
import itertools
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.errors import SubscriberError
from newsletter.subscribers import csv_records
from newsletter.subscribers.csv_records import CsvRecords
from newsletter.subscribers.table import Record
from newsletter.subscribers.table_file import open_tables
from tests.hostile.growth import MAX_RATIO, ratio

CSV = "email\na@example.com\n"


def archive(*members: tuple[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as target:
        for name, text in members:
            target.writestr(name, text)
    return content.getvalue()


def read(path: Path) -> list[str]:
    """Return each table as `shown name header`, and its records and problems."""
    found = list[str]()
    with open_tables(path) as tables:
        for table in tables:
            found.append(f"{table.shown} {table.name} {table.header}")
            for row in table.records:
                found.append(
                    f"{row.line} {row.fields}" if isinstance(row, Record) else f"{row.severity} {row}"
                )
    return [line.replace(str(path.parent) + "/", "") for line in found]


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(SubscriberError) as failure:
        read(path)
    assert failure.value.hint
    return f"{failure.value}; {failure.value.hint}".replace(str(path.parent) + "/", "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.zip"


def test_each_list_of_an_archive_is_a_table(path: Path) -> None:
    path.write_bytes(
        archive(
            ("lists/unsubscribed.csv", 'email\n"b@example.com\n'),
            ("Subscribed.CSV", CSV),
            ("lists/", ""),
            ("__MACOSX/._Subscribed.csv", "\0\1"),
            (".DS_Store", "x"),
            ("a.txt", "c@example.com\n"),
            ("lists/cleaned.csv", ""),
            ("logo.png", "x"),
        )
    )
    note = "`lists/`, `__MACOSX/._Subscribed.csv`, `.DS_Store`, `logo.png`"
    assert read(path) == [
        "export.zip/Subscribed.CSV Subscribed.CSV ['email']",
        f"note export.zip: not read, since neither CSV nor text: {note}",
        "2 ['a@example.com']",
        "export.zip/a.txt a.txt None",
        "1 ['c@example.com']",
        "export.zip/lists/cleaned.csv cleaned.csv None",
        "note export.zip/lists/cleaned.csv: the file is empty",
        "export.zip/lists/unsubscribed.csv unsubscribed.csv ['email']",
        "error export.zip/lists/unsubscribed.csv:2: a quote is opened and not closed; close the quote, or "
        "delete it",
    ]


def test_an_archive_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(archive(("a.csv", CSV)))
    assert read(tmp_path / "list.csv")[0] == "list.csv/a.csv a.csv ['email']"
    (tmp_path / "list.zip").write_text(CSV)
    assert read(tmp_path / "list.zip")[0] == "list.zip list.zip ['email']"
    (tmp_path / "list.zip").write_text("PK,email\n")
    assert read(tmp_path / "list.zip") == ["list.zip list.zip ['PK', 'email']"]


def encrypted() -> bytes:
    content = bytearray(archive(("a.csv", CSV)))
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def twice() -> bytes:
    return archive(("a.csv", CSV), ("b.csv", CSV)).replace(b"b.csv", b"a.csv")


def renamed(name: bytes) -> bytes:
    return archive((name.decode().translate({0: "0", 1: "1", 0x1B: "e"}), CSV)).replace(
        name.translate(bytes.maketrans(b"\0\1\x1b", b"01e")), name
    )


def overlapping() -> bytes:
    """Return an archive of many entries in the directory that all have the content of the first."""
    content = archive(("000.csv", "a,b\n" + "1,2\n" * 500_000))
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry, last = content[start:end], bytearray(content[end:])
    entries = b"".join(entry.replace(b"000.csv", b"%03d.csv" % n) for n in range(999))
    last[8:16] = (999).to_bytes(2, "little") * 2 + len(entries).to_bytes(4, "little")
    return content[:start] + entries + bytes(last)


UNPACK = "unpack the archive, and name the CSV files in it"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(
            lambda: archive(("[Content_Types].xml", ""), ("xl/a.xml", "")),
            "export.zip: the file is an Excel workbook; save it as CSV",
            id="xlsx",
        ),
        pytest.param(
            lambda: archive(("content.xml", "")), "the file is a spreadsheet; save it as CSV", id="ods"
        ),
        pytest.param(archive, "the archive has no CSV or text file; name", id="empty"),
        pytest.param(
            lambda: archive(*((f"{n}.png", "") for n in range(7))),
            "it has `0.png`, `1.png`, `2.png`, `3.png`, `4.png` and 2 other files;",
            id="only-others",
        ),
        pytest.param(encrypted, f"export.zip: the file `a.csv` is encrypted; {UNPACK}", id="encrypted"),
        pytest.param(twice, "the file `a.csv` is in the archive twice", id="twice"),
        pytest.param(
            lambda: archive(("a.csv", CSV), ("b.zip", archive(("gone.csv", CSV)))),
            f"the file `b.zip` is an archive or a workbook itself; {UNPACK}",
            id="archive-in-it",
        ),
        pytest.param(
            lambda: archive(("a.csv", archive(("gone.csv", CSV)))),
            "export.zip/a.csv: the file in the archive is an archive or a workbook itself",
            id="archive-in-it-by-its-content",
        ),
        pytest.param(
            lambda: archive(("a.csv", CSV), ("Book.XLSX", "")),
            "`Book.XLSX` is an archive or a work",
            id="xlsx-in-it",
        ),
        pytest.param(
            lambda: archive(("../a.csv", CSV)), "has a path that leads out of the archive", id="parent"
        ),
        pytest.param(
            lambda: archive(("a/../../b", "")), "`a/../../b` has a path that leads out", id="parent-inside"
        ),
        pytest.param(
            lambda: archive(("a\\..\\b.csv", CSV)), "has a path that leads out", id="windows-parent"
        ),
        pytest.param(lambda: archive(("/etc/a.csv", CSV)), "has a path that leads out", id="absolute"),
        pytest.param(lambda: archive(("C:a.csv", CSV)), "has a path that leads out", id="drive"),
        pytest.param(
            lambda: renamed(b"a\x1b[2J.csv"),
            "`a\\u001b[2J.csv` has a control character in its name",
            id="escape",
        ),
        pytest.param(lambda: renamed(b"a.csv\0b.png"), "has a control character in its name", id="nul"),
        pytest.param(
            lambda: archive(("a.csv", "email\n" + "a" * 11_000_000)),
            "the file `a.csv` unpacks to more than 200 times its size, as no list of subscribers does; "
            "download the export again",
            id="bomb",
        ),
        pytest.param(
            lambda: archive(("a.csv", CSV), method=zipfile.ZIP_LZMA),
            "compressed in a way that is not",
            id="lzma",
        ),
        pytest.param(lambda: archive(("a.csv", CSV))[:-40], "export.zip: the archive is damaged (", id="cut"),
        pytest.param(
            lambda: b"PK\x03\x04", "the archive is damaged (File is not a zip file); download", id="start"
        ),
        pytest.param(
            lambda: archive(("a.csv", CSV), method=zipfile.ZIP_STORED).replace(b"a@ex", b"b@ex"),
            "export.zip/a.csv: the archive is damaged (Bad CRC-32",
            id="checksum",
        ),
    ],
)
def test_an_archive_that_should_not_be_read_is_an_answer(
    make: Callable[[], bytes], says: str, path: Path
) -> None:
    assert says in refused(path, make())


def test_entries_that_share_their_content_add_up(path: Path) -> None:
    says = "the files of the archive would be larger than 1,073,741,824 bytes when unpacked; unpack it"
    assert says in refused(path, overlapping())


def test_a_directory_that_would_fill_the_memory_is_not_read(path: Path) -> None:
    content = bytearray(archive(("a.csv", CSV)))
    end = content.index(b"PK\x05\x06")
    content[end:end] = b"\0" * 5_000_000
    content[end + 5_000_000 + 12 : end + 5_000_000 + 16] = (5_000_060).to_bytes(4, "little")
    assert "export.zip: the archive has too many files, or is damaged" in refused(path, bytes(content))


def test_damage_anywhere_is_an_answer(path: Path) -> None:
    """Each byte may be wrong: nothing but a SubscriberError is raised."""
    whole = archive(("a.csv", CSV * 3), ("b.txt", "b@example.com\n"), ("c.png", "x"))
    chance = random.Random(15)
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.choice((0, 1, 8, 9, 0x7F, 0xFF))
        path.write_bytes(content)
        try:
            read(path)
        except SubscriberError as failure:
            assert failure.hint


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there are no names of open pipes")
def test_an_archive_through_a_pipe_is_an_answer() -> None:
    reading, writing = os.pipe()
    os.write(writing, archive(("a.csv", CSV)))
    os.close(writing)
    with pytest.raises(SubscriberError, match="cannot be read from a pipe"):
        read(Path(f"/dev/fd/{reading}"))
    os.close(reading)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there are no devices")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_not_read(device: str, tmp_path: Path) -> None:
    """A device may be endless; a link to one is no other file."""
    (tmp_path / "list.csv").symlink_to(device)
    for path in (Path(device), tmp_path / "list.csv"):
        with pytest.raises(SubscriberError, match="is a device, not a regular file"):
            read(path)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param('a,"x\n', id="quotes-without-end"),
        pytest.param('x","y\n', id="lines-that-close-and-open"),
        pytest.param('x","y\na,b\n', id="with-rows-between"),
        pytest.param('x","y\n' + 'a,"b\nc"\n' * 2, id="with-rows-of-two-lines-between"),
        pytest.param('a,"x\n' + "b,c\n" * 1_001, id="as-long-as-a-record-may-be"),
        pytest.param('a,"' + "\n" * 500, id="empty-lines-in-quotes"),
        pytest.param('"" ,', id="blanks-after-quotes-in-one-line"),
        pytest.param('"a",', id="fields-in-one-line"),
        pytest.param("\n,\n", id="blank-lines"),
        pytest.param("\r\r\n", id="line-ends"),
    ],
)
def test_the_time_for_malformed_rows_grows_with_their_length(piece: str, tmp_path: Path) -> None:
    _refuse_growth("a,b\n", piece, tmp_path)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param('"a" <', id="brackets-without-end"),
        pytest.param("a, ", id="names-without-address"),
        pytest.param("<a>, ", id="names-in-brackets"),
        pytest.param("a@b,", id="addresses"),
        pytest.param('"', id="quotes"),
    ],
)
def test_the_time_for_a_list_of_addresses_grows_with_its_length(piece: str, tmp_path: Path) -> None:
    _refuse_growth("a@example.com\n", piece, tmp_path)


@pytest.mark.parametrize("columns", [500, 100_000])
def test_many_columns_do_not_make_many_short_rows_slow(columns: int, tmp_path: Path) -> None:
    """Each short row gets a field for each column."""
    path = tmp_path / "list.csv"
    path.write_text("a" + ",b" * columns + "\n" + "c\n" * 2_000)
    if columns < 1_000:
        assert len(read(path)) == 2_001
    else:
        with pytest.raises(SubscriberError, match="the header has 100,001 columns"):
            read(path)


def _refuse_growth(start: str, piece: str, folder: Path) -> None:
    path = folder / "list.csv"

    def run(length: int) -> Callable[[], object]:
        text = start + piece * (length // len(piece))

        def read_all() -> object:
            path.write_text(text)
            return read(path)

        return read_all

    assert ratio(run, 24_000) <= MAX_RATIO


@pytest.mark.parametrize(
    ("line", "most"),
    [
        pytest.param('x","y\n', csv_records.MAX_RECORD_LINES + 1, id="many-short-lines"),
        pytest.param('x","' + "y" * 100_000 + "\n", 12, id="few-long-lines"),
        pytest.param("y" * 1_000 + "\n", 133, id="a-long-field"),
    ],
)
def test_a_quote_without_end_is_given_up_soon(line: str, most: int) -> None:
    """The memory has the lines of one record."""
    taken = itertools.count(2)
    lines = (f'a,"{line}' if next(taken) == 2 else line for _ in range(10_000))
    next(iter(CsvRecords(lines, ",", 2, "list.csv", 2)))
    assert next(taken) - 2 <= most
