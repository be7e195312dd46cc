"""Text in the lines of a terminal."""

import pytest

from newsletter.cli import terminal

TEXT = "eleven letters " * 20


@pytest.mark.parametrize(("columns", "longest"), [("20", 40), ("60", 60), ("500", 100)])
def test_lines_fit_the_terminal_and_a_reader(
    monkeypatch: pytest.MonkeyPatch, columns: str, longest: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = terminal.wrapped(TEXT, 4, first=0, always=True)
    assert longest - len("eleven") < max(map(len, lines)) <= longest
    assert lines[0][0] == "e" and all(line[:5] == "    " + line.lstrip()[0] for line in lines[1:])
    assert " ".join(map(str.strip, lines)) == TEXT.strip()


@pytest.mark.parametrize("command", ["news status 2026-04-27 --list unknown", "news subscribers import FILE"])
def test_a_command_stays_in_one_line(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    for columns in range(40, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = terminal.wrapped(
            f"if the mail is still held back, run: {command}, then the next", 4, always=True
        )
        assert any(command in line for line in lines), lines
        assert max(map(len, lines)) <= max(columns, len(command) + len("    ,"))


def test_a_program_reads_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert terminal.wrapped(TEXT, 4) == ["    " + TEXT]
