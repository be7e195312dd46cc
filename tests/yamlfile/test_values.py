"""Values of YAML: they are read as they are written, and values that YAML would convert are rejected."""

from pathlib import Path
from typing import Any

import pytest

from newsletter.display import printable
from newsletter.errors import IssueError
from newsletter.yamlfile import reader
from newsletter.yamlfile.values import dotted


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("a.yml")


def values(file: Path, text: str) -> Any:
    file.write_text(text, "utf-8")
    return reader.read(file, IssueError).data


def invalid(file: Path, text: str) -> list[str]:
    """Return the problems of values after which reading continues."""
    file.write_text(text, "utf-8")
    return [str(problem) for _, problem in reader.read(file, IssueError).problems]


def stopped(file: Path, text: str) -> str:
    """Return the message of the error that stops reading."""
    file.write_text(text, "utf-8")
    with pytest.raises(IssueError) as raised:
        reader.read(file, IssueError)
    return str(raised.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("plain text", "plain text", id="plain"),
        pytest.param('"quoted"', "quoted", id="double-quoted"),
        pytest.param("'it''s'", "it's", id="single-quoted"),
        pytest.param('"tab\\tnewline\\n\\u00e9"', "tab\tnewline\né", id="escapes"),
        pytest.param("|\n  two\n  lines\n", "two\nlines\n", id="block"),
        pytest.param(">-\n  folded\n  text\n", "folded text", id="folded"),
        pytest.param("", None, id="nothing"),
        pytest.param("null", None, id="null"),
        pytest.param("~", None, id="tilde"),
        pytest.param("true", True, id="true"),
        pytest.param("false", False, id="false"),
        pytest.param("0", 0, id="zero"),
        pytest.param("528", 528, id="integer"),
        pytest.param("-5", -5, id="negative"),
        pytest.param("3.5", 3.5, id="decimal"),
        pytest.param('"12:30"', "12:30", id="quoted-time"),
        pytest.param("'off'", "off", id="quoted-off"),
        pytest.param('"2026-04-27"', "2026-04-27", id="quoted-date"),
        pytest.param("!!str 2026", "2026", id="tagged-as-text"),
        pytest.param("1.2.3", "1.2.3", id="version"),
        pytest.param("1e5", "1e5", id="text-in-YAML-1.1"),
        pytest.param("C#", "C#", id="hash-in-a-word"),
        pytest.param("a  # a comment", "a", id="comment"),
        pytest.param("<&>", "<&>", id="markup"),
        pytest.param(
            "\U0001f469\u200d\U0001f680 \U0001f600", "\U0001f469\u200d\U0001f680 \U0001f600", id="emoji"
        ),
        pytest.param("[a, [b], {c: d}]", ("a", ("b",), {"c": "d"}), id="nested"),
        pytest.param("https://example.com/#part", "https://example.com/#part", id="address-with-a-fragment"),
    ],
)
def test_values_are_what_is_written(file: Path, written: str, value: object) -> None:
    read = values(file, f"a: {written}\n")["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["---\na: b\n", "a: b\n...\n", "---\na: b\n...\n", "%YAML 1.1\n---\na: b\n"])
def test_one_document_may_be_marked_as_one(file: Path, text: str) -> None:
    assert values(file, text) == {"a": "b"}


@pytest.mark.parametrize("text", ["", "# a\n# b\n", "---\n", "---\n...\n", "\n\n", " "])
def test_an_empty_file_holds_nothing(file: Path, text: str) -> None:
    assert values(file, text) is None


BOOL = ", or write true or false"
NUMBER = ", or write a number in plain digits"


@pytest.mark.parametrize(
    ("written", "read_as", "otherwise"),
    [
        *(
            pytest.param(word, "true or false", BOOL, id=word)
            for word in ("off", "yes", "NO", "On", "True", "FALSE")
        ),
        *(
            pytest.param(number, "another number", NUMBER, id=number)
            for number in ("12:30:45", "12:30", "010", "0x1F", "0b1", "1_000", "+5", "-0", ".5", "5.", "1.10")
        ),
        pytest.param(".inf", "another number", NUMBER, id="infinite"),
        pytest.param("-.INF", "another number", NUMBER, id="minus-infinite"),
        pytest.param(".nan", "another number", NUMBER, id="not-a-number"),
        pytest.param("1.0e+5", "another number", NUMBER, id="exponent"),
        pytest.param("9" * 19, "another number", NUMBER, id="19-digits"),
        pytest.param("0.1000000000000000055", "another number", NUMBER, id="too-exact"),
        pytest.param("Null", "nothing", "", id="Null"),
        pytest.param("2026-04-27", "a date", "", id="date"),
        pytest.param("2026-13-45", "a date", "", id="no-date-at-all"),
        pytest.param("2026-04-27 12:30:00", "a date", "", id="date-and-time"),
        pytest.param("=", "a default value", "", id="equals"),
        pytest.param("<<", "a merge of two mappings", "", id="merge-as-a-value"),
    ],
)
def test_values_that_yaml_would_twist_are_refused(
    file: Path, written: str, read_as: str, otherwise: str
) -> None:
    expected = f'a.yml:1: a: YAML reads {written} as {read_as}; quote it: "{written}"{otherwise}'
    assert invalid(file, f"a: {written}\n") == [expected]


def test_a_number_of_many_digits_is_shortened_in_the_message(file: Path) -> None:
    (problem,) = invalid(file, f"a: {'9' * 10_000}\n")
    assert len(problem) < 300


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "a: &Friends are back\n",
            "a.yml:1: a: YAML reads &Friends as the name of a value, and no alias uses this name; "
            "put text that starts with & in quotes",
            id="ampersand",
        ),
        pytest.param(
            "a: &a b\nc: [*a, &a d]\n",
            "a.yml:2: c[1]: YAML reads &a as the name of a value, and this name is used twice; "
            "put text that starts with & in quotes",
            id="ampersand-twice",
        ),
        pytest.param(
            "a: !important news\n",
            "a.yml:1: a: YAML reads !important as a tag, and tags are not supported; "
            "delete it, or put text that starts with ! in quotes",
            id="exclamation-mark",
        ),
        pytest.param(
            "a: Our #1 paper\n",
            'a.yml:1: a: YAML reads the text after " #" as a comment; '
            'put the whole text in quotes; for a comment, write a space after "#"',
            id="number-sign",
        ),
        pytest.param(
            "a: \U0001f600 \U0001f680 #\U0001f600\n",
            'a.yml:1: a: YAML reads the text after " #" as a comment; '
            'put the whole text in quotes; for a comment, write a space after "#"',
            id="number-sign-behind-emoji",
        ),
    ],
)
def test_text_that_yaml_would_cut_is_refused(file: Path, text: str, problem: str) -> None:
    assert invalid(file, text) == [problem]


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object:os.system",
        "!!python/object/apply:os.system",
        "!!binary",
        "!!set",
        "!custom",
        "!!int",
        "!!bool",
    ],
)
def test_tags_are_refused_and_build_nothing(file: Path, tag: str) -> None:
    expected = (
        f"a.yml:1: a: YAML reads {tag} as a tag, and tags are not supported; "
        "delete it, or put text that starts with ! in quotes"
    )
    assert invalid(file, f"a: {tag} x\n") == [expected]
    assert invalid(file, f"a: {tag} [x]\n") == [expected]
    assert invalid(file, f"a: {tag} {{x: y}}\n") == [expected]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param("a: 1\na: 2\n", ["a.yml:2: a is defined twice (first in line 1); delete one"], id="top"),
        pytest.param(
            'a: 1\n"a": 2\n', ["a.yml:2: a is defined twice (first in line 1); delete one"], id="quoted"
        ),
        pytest.param(
            "a:\n  - b: {c: 1,\n      c: 2}\n",
            ["a.yml:3: a[0].b.c is defined twice (first in line 2); delete one"],
            id="deep",
        ),
        pytest.param(
            "a: 1\nb:\n  c: 1\n  c: 2\na: 3\na: 4\n",
            [
                "a.yml:4: b.c is defined twice (first in line 3); delete one",
                "a.yml:5: a is defined twice (first in line 1); delete one",
                "a.yml:6: a is defined twice (first in line 5); delete one",
            ],
            id="several",
        ),
    ],
)
def test_duplicate_keys_are_refused(file: Path, text: str, problems: list[str]) -> None:
    assert invalid(file, text) == problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "b: &b {c: d}\na:\n  <<: *b\n",
            'a.yml:3: a."<<": merge keys are not supported; write the keys out',
            id="merge",
        ),
        pytest.param(
            "&a b: c\n",
            "a.yml:1: b: a key cannot have a tag or an anchor; put the key in quotes",
            id="anchor",
        ),
        pytest.param(
            "!!binary b: c\n",
            "a.yml:1: b: a key cannot have a tag or an anchor; put the key in quotes",
            id="tag",
        ),
        pytest.param(
            '"a\\0b": c\n',
            'a.yml:1: "a\\u0000b" holds a control character; delete it',
            id="control-character",
        ),
    ],
)
def test_keys_are_text_and_nothing_else(file: Path, text: str, problem: str) -> None:
    assert invalid(file, text) == [problem]


@pytest.mark.parametrize("key", ["1", "null", "~", "off", "2026-04-27", "1.5", '"a[b"', "? a\n"])
def test_a_key_is_the_text_that_is_written(file: Path, key: str) -> None:
    assert list(values(file, f"{key}: b\n")) == [key.strip('"?\n ')]


@pytest.mark.parametrize(
    ("escape", "shown"),
    [("\\0", "U+0000"), ("\\x1b", "U+001B"), ("\\r", "U+000D"), ("\\L", "U+2028"), ("\\uFEFF", "U+FEFF")],
)
def test_escaped_control_characters_are_refused(file: Path, escape: str, shown: str) -> None:
    problem = f"a.yml:1: a[0] holds a control character ({shown}); delete it"
    assert invalid(file, f'a: ["x{escape}y"]\n') == [problem]


def test_aliases_stand_for_what_they_name(file: Path) -> None:
    assert values(file, "a: &a [1, {b: &b c}]\nd: [*a, *b]\n")["d"] == ((1, {"b": "c"}), "c")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("a: *bold\n", "*bold", id="unknown"),
        pytest.param("a: &a [*a]\n", "*a", id="itself"),
        pytest.param("a: [*b]\nb: &b c\n", "*b", id="further-down"),
    ],
)
def test_an_alias_needs_a_name_further_up(file: Path, text: str, problem: str) -> None:
    assert stopped(file, text) == (
        f"a.yml:1: YAML reads {problem} as an alias, and no value above has this name; "
        "put text that starts with * in quotes"
    )


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{below}: &{below} [{', '.join([f'*{above}'] * 9)}]\n"
    for above, below in zip("abcdefgh", "bcdefghi", strict=True)
)
TOWER = "a0: &a0 [[[[[[[[[x]]]]]]]]]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [[[[[[[[[*a{n}]]]]]]]]]\n" for n in range(90)
)
TOO_MUCH = (
    "the file has more than 10,000 values or 2,000,000 characters up to here; "
    "shorten the file; an alias (`*name`) counts as the value that it repeats"
)
TOO_DEEP = "values are nested deeper than 20 levels; use fewer levels"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(LAUGHS, f"a.yml:5: {TOO_MUCH}", id="billion-laughs"),
        pytest.param(TOWER, f"a.yml:3: {TOO_DEEP}", id="aliases-that-nest"),
        pytest.param(
            f'a: &a "{"x" * 1_000_000}"\nb: [*a, *a, *a]\n', f"a.yml:2: {TOO_MUCH}", id="long-text-repeated"
        ),
        pytest.param("a: [" + "x, " * 20_000 + "]\n", f"a.yml:1: {TOO_MUCH}", id="many-values"),
        pytest.param("[" * 100_000, f"a.yml:1: {TOO_DEEP}", id="brackets"),
        pytest.param("- " * 100_000, f"a.yml:1: {TOO_DEEP}", id="dashes"),
        pytest.param("{a: " * 100_000, f"a.yml:1: {TOO_DEEP}", id="braces"),
        pytest.param(
            "a: b\n---\nc: d\n",
            "a.yml:2: a second document starts here; keep one document in the file: delete this `---`",
            id="two-documents",
        ),
        pytest.param(
            "? [a]\n: b\n",
            "a.yml:1: a key is not text; write `key: value`, with text before the colon",
            id="complex-key",
        ),
        pytest.param(
            "{[a]: b}\n",
            "a.yml:1: a key is not text; write `key: value`, with text before the colon",
            id="list-as-a-key",
        ),
    ],
)
def test_what_cannot_be_read_ends_reading(file: Path, text: str, problem: str) -> None:
    assert stopped(file, text) == problem


def test_what_was_refused_before_the_end_is_reported_too(file: Path) -> None:
    assert stopped(file, "a: off\nb: [yes,\n  c: d\n").split("\n") == [
        'a.yml:1: a: YAML reads off as true or false; quote it: "off", or write true or false',
        'a.yml:2: b[0]: YAML reads yes as true or false; quote it: "yes", or write true or false',
        "a.yml:2: a bracket is opened here and not closed; close it, or put the whole text in quotes",
    ]


@pytest.mark.parametrize(
    ("loc", "shown"),
    [
        pytest.param((), "", id="file"),
        pytest.param(("stories", 2, "link"), "stories[2].link", id="story"),
        pytest.param((0, "a"), "[0].a", id="list-first"),
        pytest.param(("extra", "a b"), 'extra."a b"', id="space"),
        pytest.param(("",), '""', id="empty"),
        pytest.param(("a.b", "c"), '"a.b".c', id="dot"),
        pytest.param(("a\nb",), '"a\\u000ab"', id="newline"),
        pytest.param(("größe",), "größe", id="letters"),
    ],
)
def test_dotted(loc: reader.Loc, shown: str) -> None:
    assert dotted(loc) == shown


def test_visible_text_fits_in_a_line() -> None:
    assert printable("a\nb\u202ec\udce9") == "a\\u000ab\\u202ec\\udce9"
    assert printable("x" * 61) == "x" * 57 + "…"
    assert printable("x" * 60) == "x" * 60
