"""Validation: all problems of a file at once, ordered by line, each one once and as a sentence."""

from pathlib import Path

import pytest

from newsletter.errors import IssueError
from newsletter.issue.model import IssueFile
from newsletter.yamlfile import reader, validation

DATA = Path(__file__).parent.parent / "data" / "issues"
HEAD = "subject: Soup\npreheader: A soup.\n"
STORY = "  - title: Leek\n    link: https://example.com\n    passages: [{text: Cut.}]\n"
ISSUE = f"{HEAD}stories:\n{STORY}"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(text: str, name: str = "a.yml") -> list[str]:
    Path(name).write_text(text, "utf-8")
    with pytest.raises(IssueError) as raised:
        validation.validate(reader.read(Path(name), IssueError), IssueFile, IssueError)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("name", ["many-problems", "follows"])
def test_all_problems_of_a_file(name: str) -> None:
    Path("issues").mkdir()
    text = (DATA / f"{name}.yml").read_text("utf-8")
    expected = (DATA / f"{name}.expected").read_text("utf-8").splitlines()
    assert problems(text, "issues/2026-05-04.yml") == expected


KEYS = (
    "subject, preheader, ready, archive, updated, number, date_line, contents, image, opening, stories, "
    "sections, closing, extra"
)
ALL = f"write a line `key: value` for each of {KEYS}"
UNKNOWN = f"is an unknown key; the keys are {KEYS}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", f"the file is empty; {ALL}", id="empty"),
        pytest.param("# only\n# comments\n", f"the file is empty; {ALL}", id="comments"),
        pytest.param("null\n", f"the file is empty; {ALL}", id="null"),
        pytest.param("Hello there\n", f"the file holds no keys; {ALL}", id="text"),
        pytest.param(
            "subject:Soup\npreheader:Soup\n",
            "there is no space after `subject:`; put a space after the colon",
            id="no-space-behind-colons",
        ),
        pytest.param("- a\n- b\n", f"the file holds no keys; {ALL}", id="list"),
        pytest.param("5\n", f"the file holds no keys; {ALL}", id="number"),
    ],
)
def test_a_file_without_keys(text: str, problem: str) -> None:
    assert problems(text) == [f"a.yml:1: {problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            f"{HEAD}stories:\n", "a.yml:3: stories is empty; fill it in, or delete the key", id="list"
        ),
        pytest.param(
            f"{HEAD}stories: []\n",
            "a.yml:1: the file has no content; add `stories:`, `sections:` or `opening:`",
            id="list-in-brackets",
        ),
        pytest.param(
            HEAD, "a.yml:1: the file has no content; add `stories:`, `sections:` or `opening:`", id="nothing"
        ),
        pytest.param(
            f"{ISSUE}closing:\n",
            "a.yml:7: closing is empty; fill it in, or delete the key",
            id="optional-list",
        ),
        pytest.param(
            f"{ISSUE}ready:\n", "a.yml:7: ready is empty; fill it in, or delete the key", id="optional-switch"
        ),
        pytest.param(
            f"{ISSUE}extra:\n", "a.yml:7: extra is empty; fill it in, or delete the key", id="optional-keys"
        ),
        pytest.param(
            f'{ISSUE}    tags: [a, " "]\n',
            "a.yml:7: stories[0].tags[1] is empty; fill it in, or delete the entry",
            id="entry",
        ),
        pytest.param(
            f'{ISSUE}closing: [{{heading: "", text: Bye.}}]\n',
            "a.yml:7: closing[0].heading is empty; fill it in, or delete the key",
            id="optional-text",
        ),
        pytest.param(
            f'{ISSUE}closing: [{{text: "\\n "}}]\n',
            "a.yml:7: closing[0].text is empty; fill it in",
            id="required-text",
        ),
    ],
)
def test_what_is_empty(text: str, problem: str) -> None:
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param(
            "ready: 1",
            'ready is neither true nor false ("1"); write true or false, without quotes',
            id="number",
        ),
        pytest.param(
            "closing: Bye",
            'closing is not a list ("Bye"); write each entry on its own line, after "- "',
            id="text",
        ),
        pytest.param(
            "closing: {text: Bye}",
            'closing is not a list (keys with values); write each entry on its own line, after "- "',
            id="keys-for-a-list",
        ),
        pytest.param(
            "closing: [Bye]",
            'closing[0] holds no keys ("Bye"); write it with its keys: heading, text, image',
            id="text-for-keys",
        ),
        pytest.param(
            "closing: [[text, Bye]]",
            "closing[0] holds no keys (a list); write it with its keys: heading, text, image",
            id="list-for-keys",
        ),
        pytest.param(
            "closing: [{text: 5}]", 'closing[0].text is not text ("5"); quote it: "5"', id="number-for-text"
        ),
        pytest.param(
            "closing: [{text: true}]",
            'closing[0].text is not text ("true"); quote it: "true"',
            id="switch-for-text",
        ),
        pytest.param(
            "closing: [{text: 1.5}]",
            'closing[0].text is not text ("1.5"); quote it: "1.5"',
            id="decimal-for-text",
        ),
        pytest.param(
            "closing: [{text: [a link]}]",
            "closing[0].text is not text (a list); put text that starts with [ in quotes",
            id="list-for-text",
        ),
        pytest.param(
            "closing: [{text: {a: b}}]",
            "closing[0].text is not text (keys with values); "
            'put text that contains ": " or starts with { in quotes',
            id="keys-for-text",
        ),
        pytest.param(
            "extra: [a]",
            "extra holds no keys (a list); write `key: value` lines below it",
            id="list-for-free-keys",
        ),
        pytest.param(
            "tags: a",
            f"tags {UNKNOWN}",
            id="key-of-another-place",
        ),
        pytest.param("Closing: []", "Closing is an unknown key; did you mean `closing`?", id="capital"),
        pytest.param("OPENING: []", "OPENING is an unknown key; did you mean `opening`?", id="capitals"),
        pytest.param(
            '"a[b": 1',
            f'"a[b" {UNKNOWN}',
            id="bracket-in-a-key",
        ),
        pytest.param(
            "1: a",
            f"1 {UNKNOWN}",
            id="number-as-a-key",
        ),
    ],
)
def test_wrong_types_and_unknown_keys(line: str, problem: str) -> None:
    assert problems(f"{ISSUE}{line}\n") == [f"a.yml:7: {problem}"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param(
            "more_authors: 1.5",
            'stories[0].more_authors is not a whole number ("1.5"); write it in digits, without quotes',
            id="decimal",
        ),
        pytest.param("more_authors: -1", "stories[0].more_authors is -1; write 0 or more", id="negative"),
        pytest.param(
            "image: {src: https://example.com/a.png, alt: A, width: 15}",
            "stories[0].image.width is 15; write 16 or more",
            id="narrow",
        ),
        pytest.param(
            "image: {src: https://example.com/a.png, alt: A, width: 529}",
            "stories[0].image.width is 529; write 528 or less",
            id="wide",
        ),
        pytest.param(
            "image: {src: https://example.com/a.png}",
            "stories[0].image.alt is missing; add `alt:`",
            id="no-alt-text",
        ),
        pytest.param(
            "image: {source: https://example.com/a.png, alt: A}",
            "stories[0].image.source is an unknown key; did you mean `src`?",
            id="unknown-key-of-an-optional-part",
        ),
    ],
)
def test_problems_inside_a_story(line: str, problem: str) -> None:
    assert problems(f"{ISSUE}    {line}\n") == [f"a.yml:7: {problem}"]


def test_a_long_value_is_shortened_and_kept_in_one_line() -> None:
    (problem,) = problems(f'{ISSUE}ready: "{"x" * 1000}"\n')
    assert (
        problem
        == f'a.yml:7: ready is neither true nor false ("{"x" * 57}…"); write true or false, without quotes'
    )
    (problem,) = problems(f'{ISSUE}ready: "yes\\n\\u202e"\n')
    assert problem == (
        'a.yml:7: ready is neither true nor false ("yes\\u000a\\u202e"); write true or false, without quotes'
    )


def test_a_value_that_an_alias_repeats_is_judged_where_the_alias_stands() -> None:
    story = "  - title: Leek\n    link: *link\n    passages: [{text: Cut.}]\n"
    text = f"extra:\n  link: &link example.com\n{HEAD}stories:\n{story}"
    assert problems(text) == [
        'a.yml:7: stories[0].link is not a web address ("example.com"); write the whole address: https://…'
    ]


def test_a_problem_of_reading_is_reported_with_those_of_validating() -> None:
    assert problems(f"ready: yes\n{ISSUE}closing: [text]\n") == [
        'a.yml:1: ready: YAML reads yes as true or false; quote it: "yes", or write true or false',
        'a.yml:8: closing[0] holds no keys ("text"); write it with its keys: heading, text, image',
    ]
