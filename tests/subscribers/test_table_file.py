"""Files of subscribers as spreadsheets, mail programs and other tools write them, with their faults."""

import csv
import os
import threading
import time
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.errors import SubscriberError
from newsletter.subscribers.table import Record
from newsletter.subscribers.table_file import open_tables

Row = tuple[int, list[str]] | str
_QUICK = settings(derandomize=True, max_examples=40, deadline=None, database=None)
ADA = [(2, ["ada@example.com", "Ada Émile"])]


def rows(path: Path, encoding: str = "utf-8") -> list[Row]:
    """Return the header of each table, its records, and its problems as text."""
    found = list[Row]()
    with open_tables(path, encoding) as tables:
        for table in tables:
            found.append((table.header_line, table.header or ["(none)"]))
            found += [tuple(r) if isinstance(r, Record) else str(r) for r in table.records]
    return [row.replace(str(path), "list.csv") if isinstance(row, str) else row for row in found]


def read(path: Path, content: bytes | str, encoding: str = "utf-8") -> list[Row]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return rows(path, encoding)


def refused(path: Path, content: bytes | str, encoding: str = "utf-8") -> str:
    with pytest.raises(SubscriberError) as failure:
        read(path, content, encoding)
    assert failure.value.hint
    return f"{failure.value}; {failure.value.hint}".replace(str(path), "list.csv")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("address,name\nada@example.com,Ada Émile\n", id="commas"),
        pytest.param("address;name\nada@example.com;Ada Émile\n", id="semicolons"),
        pytest.param("address\tname\nada@example.com\tAda Émile\n", id="tabs"),
        pytest.param("address|name\nada@example.com|Ada Émile\n", id="bars"),
        pytest.param("address,name\nada@example.com,Ada Émile", id="no-last-line-feed"),
        pytest.param("\ufeffaddress,name\r\nada@example.com,Ada Émile\r\n", id="bom-and-crlf"),
        pytest.param("\ufeff\ufeffaddress,name\nada@example.com,Ada Émile", id="two-boms"),
        pytest.param("address,name\rada@example.com,Ada Émile\r", id="old-mac"),
        pytest.param("address,name\r\nada@example.com,Ada Émile\r\n\n\r", id="mixed-line-ends"),
        pytest.param("address,name\nada@example.com,Ada Émile\n".encode("utf-16-le"), id="utf-16-le"),
        pytest.param(
            "\ufeffaddress,name\nada@example.com,Ada Émile\n".encode("utf-16-le"), id="utf-16-le-bom"
        ),
        pytest.param(
            "\ufeffaddress,name\r\nada@example.com,Ada Émile".encode("utf-16-be"), id="utf-16-be-bom"
        ),
        pytest.param('"address", "name"\n"ada@example.com", "Ada Émile"\n', id="blanks-before-quotes"),
        pytest.param(" address , name \n ada@example.com\t,  Ada Émile  \n", id="padding"),
        pytest.param("address,name\nada@example.com,Ada Émile,,\n", id="more-delimiters-than-the-header"),
        pytest.param("address,name\nada@example.com,Ada Émile\n\n , \n,,,\n\t\r\n", id="blank-lines"),
    ],
)
def test_spreadsheets_write_it_in_many_ways(content: str | bytes, file: Path) -> None:
    is_utf16 = isinstance(content, bytes) and not content.startswith((b"\xff\xfe", b"\xfe\xff"))
    assert read(file, content, "utf-16-le" if is_utf16 else "utf-8") == [(1, ["address", "name"]), *ADA]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;", "sep=;;;", '"sep=;";'])
def test_the_first_line_may_name_the_delimiter(line: str, file: Path) -> None:
    content = f"{line}\r\naddress;name, with a title, or two\r\nada@example.com;Ada\r\n"
    header = ["address", "name, with a title, or two"]
    assert read(file, content) == [(2, header), (3, ["ada@example.com", "Ada"])]


def test_a_delimiter_that_is_named_and_not_supported_is_an_answer(file: Path) -> None:
    assert read(file, "sep=\t\na\tb,c,d\n1\t2\n") == [(2, ["a", "b,c,d"]), (3, ["1", "2"])]
    assert "list.csv:1: the delimiter `:` is not supported; use a comma" in refused(file, "sep=:\na:b\n")


def test_the_delimiter_is_the_one_that_makes_most_columns(file: Path) -> None:
    """Delimiters in quotes do not count, and the name of a column may be of two lines."""
    content = '"Name, first, last";"E-Mail\naddress"\n"Lee, Ann";ann@example.com\n'
    header = ["Name, first, last", "E-Mail\naddress"]
    assert read(file, content) == [(1, header), (3, ["Lee, Ann", "ann@example.com"])]


LINE = "list.csv:2: the line is not CSV (',' expected after '\"'); write a quote inside a field as two quotes"
OPEN = "list.csv:2: a quote is opened and not closed"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param('"a@example.com" ,"A"', LINE, id="blank-after-a-quote"),
        pytest.param('"Joe "The Boss" Doe",x@example.com', LINE, id="quotes-in-quotes"),
        pytest.param('"Joe \\"The Boss\\" Doe",x@example.com', LINE, id="backslashes"),
        pytest.param('a@example.com,"Joe', OPEN, id="not-closed"),
        pytest.param('"Joe \\"Boss\\"",x@example.com', LINE, id="backslash-before-the-last-quote"),
        pytest.param('"Boss\\"",x@example.com', OPEN, id="backslash-that-leaves-the-quote-open"),
        pytest.param(
            "a@example.com," + "A" * 200_000, "list.csv:2: the line is not CSV (field larger", id="long-field"
        ),
        pytest.param(
            "a@example.com,A,B", "list.csv:2: the line has 3 fields, the header has 2", id="too-many"
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_malformed_row_is_left_out_and_named(row: str, says: str, end: str, file: Path) -> None:
    after = ['bo@example.com,"Lee, Bo"', "cy@example.com,Cy"]
    found = read(file, end.join(["address,name", row, *after, ""]))
    assert found[0] == (1, ["address", "name"])
    assert str(found[1]).startswith(says)
    assert found[2:] == [(3, ["bo@example.com", "Lee, Bo"]), (4, ["cy@example.com", "Cy"])]


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        pytest.param('5" nails,a@example.com', ['5" nails', "a@example.com"], id="quote-in-a-bare-field"),
        pytest.param('"say ""hi""",a@example.com', ['say "hi"', "a@example.com"], id="doubled"),
        pytest.param('"""soup"",""weekly""",b', ['"soup","weekly"', "b"], id="mailchimp-tags"),
        pytest.param('"",b', ["", "b"], id="empty-quotes"),
        pytest.param("only", ["only", ""], id="last-fields-missing"),
        pytest.param("👩🏽‍🍳 Ana,a@example.com", ["👩🏽‍🍳 Ana", "a@example.com"], id="emoji"),
        pytest.param("A\0B,a@example.com", ["A\0B", "a@example.com"], id="nul"),
        pytest.param('"l\u2028m\x0bn",a', ["l\u2028m\x0bn", "a"], id="line-separators-that-end-no-line"),
    ],
)
def test_a_row_that_looks_malformed_and_is_not(row: str, fields: list[str], file: Path) -> None:
    assert read(file, f"name,address\n{row}\n") == [(1, ["name", "address"]), (2, fields)]


def test_line_breaks_in_quotes_belong_to_the_field(file: Path) -> None:
    """As in SendGrid's bounces: the reason has line breaks, commas, and doubled quotes."""
    content = (
        'status,reason,email,created\n5.1.1,"550 ""ada"" not,\nfound, no,\n\nreally",a@example.com,17\n'
        '5.1.2,"x\r\ny",b@example.com,18\n5.1.3,z,c@example.com,19\n'
    )
    assert read(file, content)[1:] == [
        (2, ["5.1.1", '550 "ada" not,\nfound, no,\n\nreally', "a@example.com", "17"]),
        (6, ["5.1.2", "x\r\ny", "b@example.com", "18"]),
        (8, ["5.1.3", "z", "c@example.com", "19"]),
    ]
    assert read(file, 'a,b\n"1\n2,3\n",4,,\n')[1:] == [(2, ["1\n2,3", "4"])]
    assert read(file, 'a,b,c\n1,"x\ny"\n4,5,6\n')[1:] == [(2, ["1", "x\ny", ""]), (4, ["4", "5", "6"])]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(['a,"A', "b,B", "c,C"], ["2", 3, 4], id="to-the-end"),
        pytest.param(['a,"A', "b,B", 'c,"C"', "d,D"], ["2", 3, 4, 5], id="to-the-next-quote"),
        pytest.param(['a,"A', "b,B", 'c,"C', 'C"', "d,D"], ["2", 3, 4, 6], id="to-a-row-of-two-lines"),
        pytest.param(['a,"A', 'b,"B', 'c,"C', "d,D"], ["2", "3", "4", 5], id="several"),
        pytest.param(['a,"A', "b,B,3", "c,C", 'd,"D'], ["2", 4, "5"], id="a-wide-row-in-it"),
        pytest.param(['a,"A', "b,B", 'c,",y"', "d,D"], ["2", 3, 4, 5], id="closed-by-chance"),
        pytest.param(['a,"A', *["b,B"] * 1_500], ["2", *range(3, 1_503)], id="longer-than-a-record-may-be"),
        pytest.param(['a,"A', *["b," + "B" * 90_000] * 3], ["2", 3, 4, 5], id="longer-than-a-field-may-be"),
        pytest.param(["a,A", 'b,"B'], [2, "3"], id="in-the-last-line"),
    ],
)
def test_a_quote_that_is_not_closed_does_not_swallow_the_file(
    lines: list[str], expected: list[int | str], file: Path
) -> None:
    found = read(file, "\n".join(["address,name", *lines, ""]))[1:]
    assert [row.split(":")[1] if isinstance(row, str) else row[0] for row in found] == expected


def test_the_lines_that_an_open_quote_has_taken_are_named(file: Path) -> None:
    found = read(file, 'address,name\na@example.com,"A\nfoo,,,x\nbar\nb@example.com,B\n')
    expected = f"{OPEN}; lines 2 to 4 are left out; close the quote, or delete it"
    assert found[1:] == [expected, (5, ["b@example.com", "B"])]


def test_rows_without_their_last_delimiters_end_an_open_quote_too(file: Path) -> None:
    found = read(file, 'a,b,c\n1,2\n3,"4\n5,6\n7,8\n')
    assert found[1:] == [
        (2, ["1", "2", ""]),
        "list.csv:3" + OPEN.removeprefix("list.csv:2") + "; close the quote, or delete it",
        (4, ["5", "6", ""]),
        (5, ["7", "8", ""]),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("a@example.com\nb@example.com", [(1, "a@example.com"), (2, "b@example.com")], id="bare"),
        pytest.param(
            "a@example.com,\n\n b@example.com ;\n", [(1, "a@example.com"), (3, "b@example.com")], id="ends"
        ),
        pytest.param(
            "a@example.com, b@example.com;c@example.com\n",
            [(1, "a@example.com"), (1, "b@example.com"), (1, "c@example.com")],
            id="several-in-a-line",
        ),
        pytest.param(
            'Ada <a@example.com>, "Lee; Bo, Jr" <b@example.com>; Doe, Jo <c@example.com>\n"d@example.com"\n',
            [
                (1, "Ada <a@example.com>"),
                (1, '"Lee; Bo, Jr" <b@example.com>'),
                (1, "Doe, Jo <c@example.com>"),
                (2, "d@example.com"),
            ],
            id="names",
        ),
        pytest.param(
            '\ufeffsep=;\na@example.com\n<x>, <y>\nnobody, b@example.com, Bo\n"open, c@example.com\n',
            [
                (2, "a@example.com"),
                (3, "<x>"),
                (3, "<y>"),
                (4, "nobody"),
                (4, "b@example.com"),
                (4, "Bo"),
                (5, '"open, c@example.com'),
            ],
            id="what-is-no-address-stays",
        ),
    ],
)
def test_a_list_of_addresses_has_no_header(content: str, expected: list[tuple[int, str]], file: Path) -> None:
    first, *found = read(file, content)
    assert first == (expected[0][0], ["(none)"])
    assert found == [(line, [text]) for line, text in expected]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", "list.csv: the file is empty; write a first line `address,name`", id="empty"),
        pytest.param("\n \r\n\t\r,,;\n", "list.csv: the file is empty", id="blank"),
        pytest.param("\ufeff", "list.csv: the file is empty", id="only-a-bom"),
        pytest.param("sep=;\n", "list.csv: the file is empty", id="only-the-delimiter"),
        pytest.param("ada@example.com,Ada\n", "list.csv:1: the file has no header", id="no-header"),
        pytest.param("ada@example.com\tAda\n", "list.csv:1: the file has no header", id="no-header-tabs"),
        pytest.param('"address" ,"name"\n', "list.csv:1: the header is not CSV", id="header"),
        pytest.param('address,"name\na,b\n', "list.csv:1: the header is not CSV", id="header-not-closed"),
        pytest.param(b"a,b\nx,y\nz,\xc9mile\n", "list.csv:3: the line is not utf-8 text; save", id="cp1252"),
        pytest.param(
            b"name,b\rone,two\r\n\r\r\n1,\xc9\n",
            "list.csv:5: the line is not utf-8 text",
            id="cp1252-mixed-ends",
        ),
        pytest.param(b"a\n" * 9_000 + b"\xff\n", "list.csv:9001: the line is not utf-8", id="cp1252-late"),
        pytest.param(b"a,b\n1,2\n\xe2\x82", "list.csv:3: the line is not utf-8 text", id="cut"),
        pytest.param(b"\xff\xfea\0\n\0b", "list.csv:2: the line is not utf-16 text", id="half-utf-16"),
        pytest.param(
            "a,b\n".encode("utf-16-le"), "list.csv:1: the file has NUL characters", id="utf-16-no-bom"
        ),
        pytest.param(b"\0\0\1", "list.csv:1: the file has NUL characters, so it is not text", id="binary"),
        pytest.param(
            "a,b\n" + "x" * 1_000_001, "list.csv:2: the line is longer than 1,000,000", id="long-line"
        ),
        pytest.param(
            "," * 2_000 + "a", "list.csv:1: the header has 2,001 columns, more than 1,000", id="wide"
        ),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "is an Excel workbook", id="xls"),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_answer(content: str | bytes, says: str, file: Path) -> None:
    assert says in refused(file, content)


def test_a_header_alone_is_a_table_without_records(file: Path) -> None:
    assert read(file, "\n\naddress,name") == [(3, ["address", "name"])]


def test_an_encoding_is_named(file: Path) -> None:
    content = "address,name\nada@example.com,Ada Émile\n"
    assert read(file, content.encode("cp1252"), "cp1252")[1:] == ADA
    assert read(file, b"\xef\xbb\xbf" + content.encode(), "cp1252")[1:] == ADA, "the byte order mark decides"
    assert "the line is not ascii text" in refused(file, content, "ascii")
    for encoding in ("klingon", "hex"):
        assert f"the encoding {encoding} is unknown; try" in refused(file, content, encoding)


def test_paths_that_are_no_files_are_answers(tmp_path: Path) -> None:
    (tmp_path / "list.csv").touch()
    for path, says in [
        (tmp_path / "nothing.csv", "cannot be read (No such file or directory)"),
        (tmp_path / "list.csv" / "x", "cannot be read (Not a directory)"),
        (tmp_path / ("x" * 300), "cannot be read (File name too long)"),
        (tmp_path, "is a folder, not a regular file"),
    ]:
        with pytest.raises(SubscriberError) as failure:
            rows(path)
        assert says in str(failure.value) and failure.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("name", ["pipe", "/dev/fd/"])
def test_a_pipe_is_read(name: str, tmp_path: Path) -> None:
    """As the shell's `<(…)` names it, and a named one; bytes may come one by one."""
    if name == "pipe":
        path = tmp_path / name
        os.mkfifo(path)
        reading, writing = -1, -1
    else:
        reading, writing = os.pipe()
        path = Path(f"{name}{reading}")

    def write() -> None:
        time.sleep(0.05)  # the reader waits for the writer
        target = os.open(path, os.O_WRONLY) if writing < 0 else writing
        for byte in "\ufeffaddress,name\nada@example.com,Ada Émile\n".encode():
            os.write(target, bytes([byte]))
        os.close(target)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        assert rows(path) == [(1, ["address", "name"]), *ADA]
    finally:
        writer.join(5)
        if reading >= 0:
            os.close(reading)


def test_a_long_file_is_streamed(file: Path) -> None:
    """The first record is read before the last line is."""
    file.write_bytes(b"address\n" + b"ada\n" * 100_000 + b"\xff\n")
    with open_tables(file) as tables:
        assert next(next(tables).records) == Record(2, ["ada"])


TEXT = st.text(st.sampled_from('ab@é,;\t|" \\\n\r\0'), max_size=60)


@_QUICK
@given(TEXT)
@example('"')
@example('a,b\n"\n"')
def test_no_text_raises_another_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = rows(path)
    except SubscriberError as failure:
        assert failure.hint
    else:
        lines = [row[0] for row in found if not isinstance(row, str)]
        assert lines == sorted(lines)


FIELD = st.text(st.sampled_from('ab,;|"é\n\r '), max_size=8)


@_QUICK
@given(
    st.lists(st.lists(FIELD, min_size=3, max_size=3), max_size=6),
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL)]),
)
def test_well_formed_csv_has_the_fields_that_the_csv_module_reads(
    tmp_path_factory: pytest.TempPathFactory, written: list[list[str]], dialect: tuple[str, Literal[0, 1]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "well-formed.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        end, quoting = dialect
        csv.writer(target, lineterminator=end, quoting=quoting).writerows([["one", "two", "three"], *written])
    with path.open(encoding="utf-8", newline="") as source:
        expected = [[field.strip() for field in row] for row in csv.reader(source)][1:]
    assert [row[1] for row in rows(path)[1:]] == [row for row in expected if any(row)]
