"""The CSV import: files as spreadsheets write them, and invalid files."""

from pathlib import Path

import pytest

from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers import csv_import
from newsletter.subscribers.csv_import import Row


def read(path: Path, content: bytes, encoding: str = "utf-8") -> list[Row | Problem]:
    path.write_bytes(content)
    return list(csv_import.read(path, encoding))


def shown(rows: list[Row | Problem], path: Path) -> list[str]:
    return [
        (
            f"{row.where}: {row.address.given} {row.name}".rstrip() if isinstance(row, Row) else str(row)
        ).replace(str(path), "list.csv")
        for row in rows
    ]


ADA = ["list.csv:2: ada@example.com Ada Émile"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("address,name\nada@example.com,Ada Émile\n".encode(), id="plain"),
        pytest.param("address,name\nada@example.com,Ada Émile".encode(), id="no-last-line-feed"),
        pytest.param("\ufeffaddress,name\r\nada@example.com,Ada Émile\r\n".encode(), id="bom-and-crlf"),
        pytest.param("address;name\nada@example.com;Ada Émile\n".encode(), id="semicolons"),
        pytest.param("address\tname\nada@example.com\tAda Émile\n".encode(), id="tabs"),
        pytest.param("Name,E-Mail\nAda Émile,ada@example.com\n".encode(), id="other-order-other-names"),
        pytest.param('"address", "name"\n"ada@example.com", "Ada Émile"\n'.encode(), id="quotes-and-spaces"),
        pytest.param("address,name\nada@example.com,Ada Émile\n".encode("utf-16"), id="utf-16"),
        pytest.param("address,name\r\nada@example.com,Ada Émile\r\n".encode("utf-16"), id="utf-16-crlf"),
    ],
)
def test_spreadsheets_write_it_in_many_ways(content: bytes, tmp_path: Path) -> None:
    assert shown(read(tmp_path / "list.csv", content), tmp_path / "list.csv") == ADA


def test_another_encoding_is_read_when_it_is_named(tmp_path: Path) -> None:
    content = "address,name\nada@example.com,Ada Émile\n".encode("cp1252")
    assert shown(read(tmp_path / "list.csv", content, "cp1252"), tmp_path / "list.csv") == ADA


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "list.csv: the file is empty", id="empty"),
        pytest.param(b"\n \n", "list.csv: the file is empty", id="blank"),
        pytest.param(b"ada@example.com,Ada\n", "list.csv:1: the file has no header", id="no-header"),
        pytest.param(
            b"name,city\nAda,Rome\n", "list.csv:1: the header has no column `address`", id="no-column"
        ),
        pytest.param(
            b"address,name\nada@example.com,\xc9mile\n", "list.csv:2: the line is not utf-8 text", id="cp1252"
        ),
        pytest.param(
            b'address,name\na@example.com,"Ada\nb@example.com,B\n',
            "list.csv:2: the line is not CSV",
            id="quote",
        ),
        pytest.param(b"address,name\rada@example.com,Ada\r", "CR LF line endings", id="old-mac"),
        pytest.param(b"\xff\xfea", "the file is not UTF-16 text", id="half-utf-16"),
        pytest.param(b"PK\x03\x04", "list.csv: the file is an Excel workbook; save it as CSV", id="xlsx"),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_answer(content: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(SubscriberError) as refused:
        read(tmp_path / "list.csv", content)
    assert says in f"{refused.value}; {refused.value.hint}".replace(str(tmp_path) + "/", "")
    assert refused.value.hint


def test_no_file_and_no_encoding(tmp_path: Path) -> None:
    with pytest.raises(SubscriberError, match="cannot be read"):
        list(csv_import.read(tmp_path / "nothing.csv"))
    with pytest.raises(SubscriberError, match="is a folder, not a regular file"):
        list(csv_import.read(tmp_path))
    with pytest.raises(SubscriberError, match="the encoding klingon is unknown"):
        read(tmp_path / "list.csv", b"address\n", "klingon")


def test_each_line_that_is_no_use_is_named(tmp_path: Path) -> None:
    content = b"""address,name,city
ada@example.com,Ada,Rome
ada@example.com
bo@example.com,Bo,Rome,Italy

nobody,N,Rome
,Nameless,Rome
ann@exa mple.com,Ann,Rome
"two
lines@example.com",T,Rome
cy@example.com,"C
y",Rome
dot.@example.com,D,Rome
eve@example.com,=?utf-8?q?=0D=0ABcc:_x?=,Rome
last@example.com,"Last, of all",Rome
"""
    lines = shown(read(tmp_path / "list.csv", content), tmp_path / "list.csv")
    wheres = [line.split(":")[1] for line in lines]
    assert wheres == ["1", "2", "3", "4", "6", "7", "8", "9", "11", "13", "14", "15"]
    assert lines[0] == "list.csv:1: the column `city` is not imported"
    assert lines[2].startswith("list.csv:3: the line has 1 field, the header has 3; put a field")
    assert lines[3].startswith("list.csv:4: the line has 4 fields, the header has 3")
    assert lines[4].startswith('list.csv:6: "nobody" is not an email address (')
    assert lines[8].startswith("list.csv:11: the name is more than one line")
    assert lines[10].startswith("list.csv:14: the name has an encoded word")
    assert lines[-1] == "list.csv:15: last@example.com Last, of all"


def test_a_long_file_is_streamed(tmp_path: Path) -> None:
    """The first row is yielded before the last line is read."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"address\n" + b"ada@example.com\n" * 100_000 + b"\xff\n")
    rows = csv_import.read(path)
    assert isinstance(next(rows), Row)
