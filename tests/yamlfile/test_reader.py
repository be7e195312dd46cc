"""YAML files: any bytes are read or rejected with problems, and every value has its line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.display import display_path
from newsletter.errors import InvalidInput, IssueError, Problem
from newsletter.issue.model import IssueFile
from newsletter.yamlfile import reader, validation
from newsletter.yamlfile.reader import Document

ISSUE = """\
subject: Leek & potato
preheader: A soup for the first cold evening.
stories:
  - title: Leek and potato soup
    link: https://example.com/leek
    passages:
      - text: Cut, cook, blend.
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(raw: bytes) -> Document:
    Path("a.yml").write_bytes(raw)
    return reader.read(Path("a.yml"), IssueError)


def invalid(raw: bytes) -> list[str]:
    with pytest.raises(IssueError) as raised:
        read(raw)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(ISSUE.encode(), id="LF"),
        pytest.param(ISSUE.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(ISSUE.replace("\n", "\r").encode(), id="CR"),
        pytest.param(ISSUE.encode("utf-8-sig"), id="BOM"),
        pytest.param(ISSUE.replace("\n", "\r\n").encode("utf-8-sig"), id="BOM-and-CRLF"),
        pytest.param(f"---\n{ISSUE}...\n".encode(), id="document-marks"),
    ],
)
def test_an_issue_is_the_same_from_every_editor(raw: bytes) -> None:
    assert read(raw).data == read(ISSUE.encode()).data


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_every_value_has_its_line(newline: str) -> None:
    document = read(ISSUE.replace("\n", newline).encode())
    assert document.where(("subject",)) == "a.yml:1"
    assert document.where(("stories",)) == "a.yml:3"
    assert document.where(("stories", 0)) == "a.yml:4"
    assert document.where(("stories", 0, "link")) == "a.yml:5"
    assert document.where(("stories", 0, "passages", 0, "text")) == "a.yml:7"


def test_what_is_not_there_is_where_it_would_be() -> None:
    document = read(ISSUE.encode())
    assert document.where(("stories", 0, "image", "alt")) == "a.yml:4"
    assert document.where(("closing", 3)) == "a.yml:1"
    assert document.where(()) == "a.yml:1"


@pytest.mark.parametrize(
    ("raw", "problems"),
    [
        pytest.param(
            ISSUE.encode("utf-16"),
            ["a.yml:1: the file is not UTF-8 text; save the file as UTF-8"],
            id="UTF-16",
        ),
        pytest.param(
            ISSUE.encode("utf-16-le"),
            ["a.yml:1: the file has a NUL character, so it is not text; save the file as UTF-8 text"],
            id="UTF-16-no-BOM",
        ),
        pytest.param(
            "a: b\nc: é\n".encode("latin-1"),
            ["a.yml:2: the file is not UTF-8 text; save the file as UTF-8"],
            id="latin-1",
        ),
        pytest.param(
            "a: b\rc: é\r".encode("latin-1"),
            ["a.yml:2: the file is not UTF-8 text; save the file as UTF-8"],
            id="latin-1-and-CR",
        ),
        pytest.param(
            b"a: \xed\xa0\x80\n",
            ["a.yml:1: the file is not UTF-8 text; save the file as UTF-8"],
            id="surrogate",
        ),
        pytest.param(
            b"a: b\nc: \0\n",
            ["a.yml:2: the file has a NUL character, so it is not text; save the file as UTF-8 text"],
            id="NUL",
        ),
        pytest.param(
            b"\x89PNG\r\n\x1a\n",
            ["a.yml:1: the file is not UTF-8 text; save the file as UTF-8"],
            id="picture",
        ),
        pytest.param(
            "a: b\nc: one\x0btwo\nd: \u2028e\n\ufefff: g\n".encode(),
            [
                'a.yml:2: an invisible character (U+000B) after "c: one"; delete it',
                'a.yml:3: an invisible character (U+2028) after "d:"; delete it',
                "a.yml:4: an invisible character (U+FEFF) at the start of the line; delete it",
            ],
            id="invisible",
        ),
        pytest.param(
            b"a: " + b"x" * 3_000_000,
            ["a.yml: is larger than 2,000,000 bytes; shorten it"],
            id="3-MB",
        ),
    ],
)
def test_what_is_no_text_is_refused(raw: bytes, problems: list[str]) -> None:
    assert invalid(raw) == problems


def test_a_file_full_of_invisible_characters_is_not_listed_whole() -> None:
    assert len(invalid(b"\x01\n" * 100_000)) == 100


def test_a_long_line_is_read() -> None:
    assert read(b"a: " + b"x" * 1_900_000).data == {"a": "x" * 1_900_000}


def test_a_folder_is_refused() -> None:
    Path("a.yml").mkdir()
    with pytest.raises(IssueError) as raised:
        reader.read(Path("a.yml"), IssueError)
    assert (
        str(raised.value)
        == "a.yml: is a folder, not a regular file; put a regular file in its place, or name another file"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("missing.yml", "No such file or directory", id="missing"),
        pytest.param("dangling.yml", "No such file or directory", id="dangling"),
        pytest.param("loop.yml", "Too many levels of symbolic links", id="loop"),
        pytest.param("file.txt/a.yml", "Not a directory", id="below-a-file"),
        pytest.param("loop.yml/a.yml", "Too many levels of symbolic links", id="below-a-loop"),
        pytest.param(f"{'x' * 300}.yml", "File name too long", id="long-name"),
    ],
)
def test_what_cannot_be_opened_is_refused(name: str, reason: str) -> None:
    Path("dangling.yml").symlink_to("nowhere.yml")
    Path("loop.yml").symlink_to("loop.yml")
    Path("file.txt").touch()
    with pytest.raises(IssueError) as raised:
        reader.read(Path(name), IssueError)
    assert str(raised.value) == f"{name}: cannot be read ({reason}); check its name and permissions"


def test_no_permission_is_refused() -> None:
    Path("a.yml").touch(mode=0o000)
    with as_nobody(), pytest.raises(IssueError, match="cannot be read \\(Permission denied\\)"):
        reader.read(Path("a.yml"), IssueError)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run the block as an unprivileged user, because root may read every file."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_path_is_shown_as_a_person_here_would_write_it(tmp_path: Path) -> None:
    Path("issues").mkdir()
    Path("issues/link.yml").symlink_to(tmp_path / "elsewhere.yml")
    assert display_path(Path("issues/a.yml")) == "issues/a.yml"
    assert display_path(Path("./issues/../issues/a.yml")) == "issues/a.yml"
    assert display_path(tmp_path / "issues" / "a.yml") == "issues/a.yml"
    assert display_path(Path("issues/link.yml")) == "issues/link.yml"
    assert display_path(Path(".")) == "."


@pytest.mark.parametrize("path", ["/elsewhere/a.yml", "../a.yml", "../../a.yml", "/"])
def test_a_path_outside_of_the_folder_is_shown_as_given(path: str) -> None:
    assert display_path(Path(path)) == path


def test_a_path_that_cannot_be_printed_is_shown() -> None:
    assert display_path(Path(os.fsdecode(b"caf\xe9/a\nb.yml"))) == "caf\\udce9/a\\u000ab.yml"


def test_a_path_is_shown_where_the_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert display_path(Path("a.yml")) == "a.yml"


def read_issue(raw: bytes, path: Path) -> IssueFile | None:
    """Return an issue, or None if the bytes are rejected with problems; fail on any other error."""
    path.write_bytes(raw)
    try:
        return validation.validate(reader.read(path, IssueError), IssueFile, IssueError)
    except InvalidInput as invalid:
        assert invalid.problems
        assert all(
            isinstance(problem, Problem) and problem.where.startswith("a.yml") for problem in invalid.problems
        )
        assert all("\n" not in str(problem) for problem in invalid.problems)
        str(invalid).encode()
        return None


YAML = (
    "\n\n\n    ::::----  ??[]{},,#&*!|>'\"%@`~<=\\=.0123456789\t\r\ufeff\u2028\x85\x00abtruefnloéß\U0001f600"
)
KEYS = st.sampled_from(
    [*IssueFile.model_fields, "title", "link", "passages", "text", "heading", "a[b", "", "<<", "[key]"]
)
TREES = st.recursive(
    st.text(YAML, max_size=8)
    | st.sampled_from(["off", "null", "1.10", "&a x", "*a", "!t x", "https://example.com"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def flow(tree: object) -> str:
    """Return a tree as YAML in one line, with its texts unquoted."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f'"{key}": {flow(value)}' for key, value in tree.items()) + "}"
    return "[" + ", ".join(map(flow, tree)) + "]" if isinstance(tree, list) else str(tree)


FUZZ = settings(max_examples=300, deadline=None, derandomize=True, database=None)


@FUZZ
@given(st.binary(max_size=400))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    read_issue(raw, Path("a.yml"))


@FUZZ
@given(st.text(YAML, max_size=80))
@example('"a[b": 1')
@example("? ")
@example("- ? a\n  : - b")
def test_anything_like_yaml_is_read_or_refused(text: str) -> None:
    read_issue(text.encode(), Path("a.yml"))


@FUZZ
@given(st.dictionaries(KEYS, TREES, max_size=5))
@example({"stories": [{"[key]": "off"}]})
def test_anything_like_an_issue_is_read_or_refused(tree: dict[str, object]) -> None:
    read_issue("".join(f'"{key}": {flow(value)}\n' for key, value in tree.items()).encode(), Path("a.yml"))


@FUZZ
@given(st.integers(0, len(ISSUE)), st.text(YAML, max_size=3), st.integers(0, 5))
def test_a_slip_in_an_issue_is_read_or_refused(at: int, slip: str, deleted: int) -> None:
    read_issue((ISSUE[:at] + slip + ISSUE[at + deleted :]).encode(), Path("a.yml"))


def lists(value: object) -> object:
    if isinstance(value, dict):
        return {key: lists(inner) for key, inner in value.items()}
    return list(map(lists, value)) if isinstance(value, tuple) else value


def text_keys(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and text_keys(inner) for key, inner in value.items())
    return all(map(text_keys, value)) if isinstance(value, list) else True


@FUZZ
@given(TREES)
def test_what_is_read_is_what_any_other_program_reads(tree: object) -> None:
    raw = f'"a": {flow(tree)}\n'.encode()
    Path("a.yml").write_bytes(raw)
    try:
        document = reader.read(Path("a.yml"), IssueError)
    except InvalidInput:
        return
    if not document.problems and text_keys(plain := yaml.load(raw, yaml.CSafeLoader)):
        assert lists(document.data) == plain


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("a: |\n  One\n\n  One\n  > Two\n", [2, 3, 4, 5], id="block"),
        pytest.param("a: |+2\n\n  One\n    Two\n\n", [2, 3, 4], id="block-with-blank-lines"),
        pytest.param("a:\n  |\n  One\n  Two\n", [3, 4], id="mark-below-its-key"),
        pytest.param("a: >\n  One\n  two\n\n  > Three\n  four\n", [2, 5], id="folded"),
        pytest.param('a: "One\\nTwo\n\n  Three"\n', [1, 1, 3], id="quoted"),
    ],
)
def test_a_line_of_a_text_has_its_line_of_the_file(text: str, lines: list[int]) -> None:
    document = reader.parse(text, "x.yml", IssueError)
    content = document.data["a"]
    numbers = range(len(content.rstrip().split("\n")))
    places = [document.where_line(("a",), content, number) for number in numbers]
    assert places == [f"x.yml:{line}" for line in lines]
