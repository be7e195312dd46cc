"""Syntax errors of YAML: each message names the line and the fix."""

from pathlib import Path

import pytest

from newsletter.errors import IssueError
from newsletter.yamlfile import reader

QUOTE = "put the whole text in quotes"
FOLD = "or write >- after the colon, and the text on the next line, indented"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "title: World-R1: Reinforcing\n",
            f'1: YAML reads a ": " here as the end of a key; {QUOTE}, or indent the keys equally',
            id="colon-in-text",
        ),
        pytest.param(
            "subject: a\n  preheader: b\n",
            f'2: YAML reads a ": " here as the end of a key; {QUOTE}, or indent the keys equally',
            id="key-indented-too-far",
        ),
        pytest.param(
            'subject: "World models\npreheader: b\nready: true\n',
            "1: a quotation mark is opened here and not closed; close it",
            id="quotation-mark-not-closed",
        ),
        pytest.param(
            'subject: "World" models\n',
            f"1: YAML does not expect this line here; indent it like the lines around it, {FOLD}",
            id="text-behind-quotes",
        ),
        pytest.param(
            "subject: [a link](https://example.com)\n",
            f"1: YAML does not expect this line here; indent it like the lines around it, {FOLD}",
            id="Markdown-link",
        ),
        pytest.param(
            "text: |\n    one\n  two\nready: true\n",
            f"3: YAML does not expect this line here; indent it like the lines around it, {FOLD}",
            id="block-dedented",
        ),
        pytest.param(
            "stories:\n  - title: a\n  link: b\n",
            "3: YAML does not expect this line here; "
            'indent it like the keys of its entry, or start it with "- "',
            id="key-next-to-a-dash",
        ),
        pytest.param(
            "subject: a\nnot a key at all\npreheader: b\n",
            "2: this line is not a `key: value` line; indent text below its key; put a space after `:`",
            id="no-key",
        ),
        pytest.param(
            "subject: **bold** text\n", f"1: YAML reads text that starts with * as a name; {QUOTE}", id="star"
        ),
        pytest.param(
            "subject: & more\n", f"1: YAML reads text that starts with & as a name; {QUOTE}", id="ampersand"
        ),
        pytest.param(
            "subject: !a!b c\n", f"1: YAML reads text that starts with ! as a tag; {QUOTE}", id="exclamation"
        ),
        pytest.param("subject: @example\n", f"1: a text cannot start with @; {QUOTE}", id="at"),
        pytest.param("subject: `code`\n", f"1: a text cannot start with `; {QUOTE}", id="backtick"),
        pytest.param("subject: %s\n", f"1: a text cannot start with %; {QUOTE}", id="percent"),
        pytest.param(
            "%foo\nsubject: a\n",
            "1: YAML reads a line that starts with % as a directive; delete it, or indent its text",
            id="directive",
        ),
        pytest.param(
            "%YAML 2.0\n---\na: b\n",
            "1: the line with %YAML asks for another version; delete it",
            id="version",
        ),
        pytest.param("stories:\n\t- title: a\n", "2: a tab is used to indent; indent with spaces", id="tab"),
        pytest.param("subject: a\n\tb\n", "2: a tab is used to indent; indent with spaces", id="tab-in-text"),
        pytest.param("text: |\n\tb\n", "2: a tab is used to indent; indent with spaces", id="tab-in-a-block"),
        pytest.param(
            "text: | one\n",
            "1: this line has text after | or >; start the text on the next line",
            id="text-behind-a-bar",
        ),
        pytest.param(
            'subject: "C:\\path"\n',
            "1: a backslash starts an escape in double quotes; use single quotes",
            id="backslash",
        ),
        pytest.param(
            'subject: "C:\\x"\n',
            "1: a backslash starts an escape in double quotes; use single quotes",
            id="no-hex",
        ),
        pytest.param(
            'subject: "\\ud800"\n',
            "1: this escape is not a valid character; write the character itself",
            id="surrogate",
        ),
        pytest.param(
            "tags: [agents, survey\nready: true\n",
            f"1: a bracket is opened here and not closed; close it, or {QUOTE}",
            id="bracket-not-closed",
        ),
        pytest.param(
            "links:\n  - {text: a, link: b\n  - {text: c}\n",
            f"2: a bracket is opened here and not closed; close it, or {QUOTE}",
            id="brace-not-closed",
        ),
        pytest.param(
            "tags: [a,, b]\n",
            f"1: a bracket or comma is in the place of a value; delete it, or {QUOTE}",
            id="two-commas",
        ),
        pytest.param(
            "subject: - a\n",
            f'1: a list ("- ") cannot start here; start it on the next line, or {QUOTE}',
            id="dash",
        ),
        pytest.param(
            "subject: ? a\n",
            f'1: YAML reads text that starts with "? " as a key; {QUOTE}',
            id="question-mark",
        ),
        pytest.param(
            "a: b\n...\nc: d\n",
            "3: this line is after the end of the document; delete it, or delete the `...` above it",
            id="behind-the-end",
        ),
    ],
)
def test_a_mistake_is_explained(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yml").write_text(text, "utf-8")
    with pytest.raises(IssueError) as raised:
        reader.read(Path("a.yml"), IssueError)
    assert str(raised.value) == f"a.yml:{problem}"
