"""CSV files for spreadsheets: no cell that a stranger wrote becomes a formula."""

import ast
import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import newsletter
from newsletter.cli.main import main
from newsletter.subscribers import csv_guard
from newsletter.subscribers.csv_guard import guarded, unguarded
from newsletter.subscribers.import_row import ImportRow
from tests import samples
from tests.fakes.smtp import ScriptedSmtp
from tests.import_tables import read_file


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+1+1", "'+1+1", id="plus"),
        pytest.param("-1+1", "'-1+1", id="minus"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("\tx", "'\tx", id="tab"),
        pytest.param("\rx", "'\rx", id="cr"),
        pytest.param("\nx", "'\nx", id="lf"),
        pytest.param(" =1+1", "' =1+1", id="space"),
        pytest.param("\xa0=1+1", "'\xa0=1+1", id="no-break-space"),
        pytest.param('"=1+1"', '\'"=1+1"', id="quote"),
        pytest.param("'=1+1", "''=1+1", id="apostrophe"),
        pytest.param("\ufeff=1+1", "'\ufeff=1+1", id="bom"),
        pytest.param("\x00=1+1", "'\x00=1+1", id="nul"),
        pytest.param("\uff1d1+1", "'\uff1d1+1", id="full-width-equals"),
        pytest.param("\uff0b1+1", "'\uff0b1+1", id="full-width-plus"),
        pytest.param("\uff0d1+1", "'\uff0d1+1", id="full-width-minus"),
        pytest.param("\uff20A1", "'\uff20A1", id="full-width-at"),
        pytest.param("\u22121+1", "'\u22121+1", id="minus-sign"),
        pytest.param("\u207b1+1", "'\u207b1+1", id="superscript-minus"),
        pytest.param("\ufe631+1", "'\ufe631+1", id="small-minus"),
        pytest.param("550 no;=1+1", "550 no;'=1+1", id="semicolon"),
        pytest.param('550 no,"=1+1', "550 no,'\"=1+1", id="comma-and-quote"),
        pytest.param("550 no\t=1+1", "550 no\t'=1+1", id="tab-inside"),
        pytest.param("550 no\r\n=1+1", "550 no\r\n'=1+1", id="line-inside"),
        pytest.param("-12.5", "-12.5", id="number"),
        pytest.param("+4930123456", "+4930123456", id="number-with-plus"),
        pytest.param("550 5.1.1 no - such = user", "550 5.1.1 no - such = user", id="prose"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_formula_becomes_text(cell: str, written: str) -> None:
    file = io.StringIO(newline="")
    csv_guard.write_rows(file, [(cell, 5, cell)])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""), strict=True)) == [written, "5", written]


def test_every_csv_file_is_written_by_this_module() -> None:
    root = Path(newsletter.__file__).parent
    sources = {path: path.read_text(encoding="utf-8") for path in root.rglob("*.py")}
    users = {
        path.relative_to(root).as_posix()
        for path, source in sources.items()
        if "riter" in source  # parsing every module takes two seconds
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("csv.writer", "csv.DictWriter"))
        or (isinstance(node, ast.alias) and node.name in ("csv.writer", "DictWriter"))
    }
    assert users == {"subscribers/csv_guard.py"}


def test_every_column_of_a_report_goes_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger chooses the address, and a server the reason."""
    monkeypatch.chdir(samples.write(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    news = CliRunner()
    assert news.invoke(main, ["subscribers", "add", "=cmd@example.com"]).exit_code == 0
    with ScriptedSmtp({"RCPT": ["550 5.1.1 x;=cmd|'/c calc'!A1"]}) as server:
        samples.write(tmp_path, extra=f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        assert news.invoke(main, ["send", "2026-04-27", "--yes"]).exit_code == 3
    assert news.invoke(main, ["status", "2026-04-27", "--csv", "who.csv"]).exit_code == 0
    with open("who.csv", encoding="utf-8", newline="") as file:
        header, recipient = csv.reader(file)
    assert header == ["address", "state", "reason"]
    assert recipient == ["'=cmd@example.com", "refused", "550 5.1.1 x;'=cmd|'/c calc'!A1"]


def test_an_address_that_was_protected_is_imported_as_it_was(tmp_path: Path) -> None:
    """Without this, the apostrophe would make it the address of somebody else."""
    addresses = ["=a@example.com", "+b@example.com", "-c@example.com", "o'hara@example.com", "'d@example.com"]
    path = tmp_path / "list.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv_guard.write_rows(file, [("address", "name"), *((address, "=Ada") for address in addresses)])
    rows = [row for row in read_file(path) if isinstance(row, ImportRow)]
    assert [row.address.given for row in rows] == addresses
    assert {row.name for row in rows} == {"=Ada"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text("'=+-@\u2212\uff1d;,\t\n \"a1", max_size=8))
def test_the_guard_of_a_cell_can_be_taken_off(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell


def test_a_name_is_the_same_after_an_export_and_an_import(tmp_path: Path) -> None:
    names = ["O'Neil, @home", "'=1", "a; =x", "''-x", "Ada \uff1d 1"]
    path = tmp_path / "list.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv_guard.write_rows(file, [("address", "name"), *(("ada@example.com", name) for name in names)])
    assert [row.name for row in read_file(path) if isinstance(row, ImportRow)] == names
