"""JSON read by JMESPath expressions: values of any type, and expressions that are wrong."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from newsletter.errors import ConfigError, Unavailable
from newsletter.sources import json_source
from newsletter.sources.entry import Entries, SourceEntry
from tests.sources.asking import ADDRESS, content, request

SOUPS = [
    {
        "name": "Leek",
        "url": "/leek",
        "cooks": ["Ada Example", "Bo Sample"],
        "at": "2026-04-28T09:00:00Z",
        "about": "It is warm.",
        "stars": 4,
    },
    {"name": "Lentil", "url": "/lentil", "cooks": [], "at": "2026-04-29", "about": None, "stars": 7.5},
]
EXPRESSIONS = {
    "title": "name",
    "link": "url",
    "authors": "cooks",
    "date": "at",
    "text": "about",
    "rating": "stars",
}


def read(data: object, **keys: Any) -> Entries:
    text = data if isinstance(data, str) else json.dumps(data)
    return json_source.read(request(**{"json": ADDRESS, "title": "name", **keys}), content(text))


def invalid(data: object, **keys: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        read(data, **keys)
    return str(raised.value)


def values(key: str, *given: object) -> list[Any]:
    """Return the field of entries whose item has these values at `x`."""
    field = "text" if key == "text" else key
    keys = {key: "x"} if key != "title" else {"title": "x"}
    items = [{"name": f"Soup {number}", "x": value} for number, value in enumerate(given)]
    return [getattr(entry, field) for entry in read(items, **keys).entries]


def test_the_expressions_give_the_parts_of_entries() -> None:
    assert read({"soups": SOUPS}, entries="soups", **EXPRESSIONS) == Entries(
        (
            SourceEntry(
                "Leek",
                "https://soup.example.com/leek",
                ("Ada Example", "Bo Sample"),
                datetime(2026, 4, 28, 9, tzinfo=UTC),
                "It is warm.",
                4.0,
            ),
            SourceEntry(
                "Lentil", "https://soup.example.com/lentil", (), datetime(2026, 4, 29, tzinfo=UTC), "", 7.5
            ),
        )
    )


def test_without_entries_the_response_is_the_list() -> None:
    assert [entry.title for entry in read(SOUPS).entries] == ["Leek", "Lentil"]


def test_dates_of_several_forms() -> None:
    at = datetime(2026, 4, 28, 9, tzinfo=UTC)
    moment = int(at.timestamp())
    given = ("2026-04-28T11:00:00+02:00", "2026-04-28T09:00:00.000Z", "Tue, 28 Apr 2026 09:00:00 GMT")
    assert values("date", *given, moment, moment * 1000) == [at] * 5
    wrong = ("soon", "", None, True, [], {}, 1e300, -1e300, "9999999-01-01", "0001-01-01T00:00:00+23:59")
    assert values("date", "2026-04-28 09:00", *wrong) == [at, *[None] * len(wrong)]


def test_ratings_that_are_no_numbers_are_none() -> None:
    wrong = ("3", None, True, [4], {}, 10**400)
    assert values("rating", 1, 2.5, *wrong) == [1, 2.5, *[None] * len(wrong)]


def test_authors_are_a_list_or_one_text() -> None:
    given = (["Ada Example", None, 3, "", "Bo\nSample"], "Cy Curator", None, 4, {"name": "x"})
    assert values("authors", *given) == [("Ada Example", "Bo Sample"), ("Cy Curator",), (), (), ()]


def test_titles_and_texts_that_are_no_texts_are_empty() -> None:
    assert values("title", "Soup", None, 4, ["x"], "  ") == ["Soup", "", "", "", ""]
    assert values("text", "Soup", None, 4, ["x"]) == ["Soup", "", "", ""]


def test_an_empty_list_has_no_entries() -> None:
    assert read([], **EXPRESSIONS) == Entries(())


@pytest.mark.parametrize(
    ("data", "keys", "expected"),
    [
        pytest.param(
            {"soups": SOUPS, "next": 2},
            {"entries": "soup"},
            "newsletter.yml:13: sources.soup.entries: the expression soup gave nothing, and no list; "
            "the response is a mapping with the keys soups, next; correct the expression",
            id="entries-nothing",
        ),
        pytest.param(
            {"soups": SOUPS},
            {"entries": "soups[0].name"},
            'newsletter.yml:13: sources.soup.entries: the expression soups[0].name gave the text "Leek", '
            "and no list; the response is a mapping with the keys soups; correct the expression",
            id="entries-text",
        ),
        pytest.param(
            {"soups": SOUPS},
            {},
            "newsletter.yml:12: sources.soup.json: the expression @ gave a mapping with the keys soups, and "
            "no list; the response is a mapping with the keys soups; "
            "add `entries:`, the JMESPath expression for the list of entries",
            id="entries-missing",
        ),
        pytest.param(
            SOUPS,
            {"title": "titel"},
            "newsletter.yml:14: sources.soup.title: the expression titel gave nothing and no text in all 2 "
            "entries; an entry is a mapping with the keys name, url, cooks, at, about, stars; "
            "correct the expression",
            id="title-nothing",
        ),
        pytest.param(
            SOUPS[:1],
            {"title": "stars"},
            "newsletter.yml:14: sources.soup.title: the expression stars gave the number 4 and no text in "
            "the only entry; an entry is a mapping with the keys name, url, cooks, at, about, stars; "
            "correct the expression",
            id="title-number",
        ),
        pytest.param(
            SOUPS,
            {"entries": "[?stars > 'x'"},
            "newsletter.yml:13: sources.soup.entries: is no JMESPath expression: ",
            id="syntax",
        ),
        pytest.param(
            SOUPS,
            {"title": "nothing(name)"},
            "newsletter.yml:14: sources.soup.title: the expression nothing(name) cannot be evaluated: ",
            id="unknown-function",
        ),
        pytest.param(
            SOUPS,
            {"entries": "[?stars > 'x']"},
            "newsletter.yml:13: sources.soup.entries: the expression [?stars > 'x'] cannot be evaluated: ",
            id="type-error",
        ),
        pytest.param(
            SOUPS,
            {"entries": "sort_by(@, &nothing)"},
            "newsletter.yml:13: sources.soup.entries: the expression sort_by(@, &nothing) cannot be "
            "evaluated: ",
            id="sort-by-nothing",
        ),
        pytest.param(
            SOUPS,
            {"link": "[" * 400},
            "newsletter.yml:15: sources.soup.link: is no JMESPath expression: ",
            id="many-brackets",
        ),
    ],
)
def test_a_wrong_expression_is_an_error_at_its_line(
    data: object, keys: dict[str, str], expected: str
) -> None:
    assert invalid(data, **keys).startswith(expected)
    assert invalid(data, **keys).endswith("; correct the expression") or "`entries:`" in expected


def test_an_expression_with_3000_brackets_is_refused_by_the_configuration() -> None:
    with pytest.raises(ValueError, match="3000 characters"):
        request(json=ADDRESS, title="[" * 3000)


def test_an_expression_that_fails_for_one_entry_is_a_warning() -> None:
    expression = "join('', ['/soups/', url])"
    found = read([*SOUPS, {"name": "Miso"}], link=expression)
    assert [entry.link for entry in found.entries][1:] == ["https://soup.example.com/soups//lentil", ""]
    (note,) = found.notes
    assert (note.where, note.severity) == ("newsletter.yml:15", "warning")
    assert f"the expression {expression} cannot be evaluated in 1 of 3 entries: " in note.what


def test_expressions_that_give_nothing_useful_are_warnings() -> None:
    wrong = {"link": "name", "authors": "cook", "date": "when", "text": "stars", "rating": "name"}
    found = read(SOUPS, **wrong)
    assert [(note.where, note.severity) for note in found.notes] == [
        (f"newsletter.yml:{line}", "warning") for line in (16, 17, 18, 19)
    ]
    assert [note.what.partition("the expression ")[2] for note in found.notes] == [
        "cook gave nothing and no text or list of texts in all 2 entries",
        "when gave nothing and no date in all 2 entries",
        "stars gave the number 4 and no text in all 2 entries",
        'name gave the text "Leek" and no number in all 2 entries',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "the response is empty", id="empty"),
        pytest.param("<html>", "gave no JSON, but an HTML page", id="html"),
        pytest.param('{"soups": [', "gave no JSON, but other content", id="truncated"),
        pytest.param("[" * 100_000, "gave no JSON, but other content", id="deep"),
        pytest.param("[NaN]", "gave no JSON, but other content", id="nan"),
        pytest.param("[" + "9" * 10_000 + "]", "gave no JSON, but other content", id="long-number"),
    ],
)
def test_a_response_that_is_no_json_is_refused(text: str, expected: str) -> None:
    with pytest.raises(Unavailable) as raised:
        read(text)
    assert raised.value.what == f"source soup: {expected} ({ADDRESS})"
    assert raised.value.where == "newsletter.yml:12"


def test_a_response_in_utf_16_is_read() -> None:
    raw = json.dumps(SOUPS).encode("utf-16")
    found = json_source.read(request(json=ADDRESS, title="name"), content(raw))
    assert [entry.title for entry in found.entries] == ["Leek", "Lentil"]
