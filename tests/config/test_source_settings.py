"""The key `sources` of newsletter.yml."""

from pathlib import Path

import pytest

from newsletter.config.sources import Source
from newsletter.errors import ConfigError
from tests import samples

FEED = "https://soup.example.com/feed.xml"


def sources(folder: Path, text: str) -> dict[str, Source]:
    return samples.newsletter(folder, extra=f"sources:\n  soup: {text}\n").config.sources


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        sources(folder, text)
    return [str(problem).rpartition("newsletter.yml:")[2] for problem in raised.value.problems]


def test_a_feed(tmp_path: Path) -> None:
    source = sources(tmp_path, f"{{feed: {FEED}}}")["soup"]
    assert (source.address, source.address_key, source.limit) == (FEED, "feed", 5)


def test_json(tmp_path: Path) -> None:
    text = '{json: "https://example.com/{month}?w={week}&d={date}", title: name, limit: 50}'
    source = sources(tmp_path, text)["soup"]
    assert (source.address, source.address_key) == (
        "https://example.com/{month}?w={week}&d={date}",
        "json",
    )
    assert (source.entries, source.title, source.link, source.limit) == ("@", "name", None, 50)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            FEED,
            f'7: sources.soup holds no keys ("{FEED}"); write it with its keys: feed, json, limit, entries, '
            "title, link, authors, date, text, rating",
            id="address-alone",
        ),
        pytest.param(
            "{limit: 3}",
            "7: sources.soup has no address; add `feed:`, or `json:` with JMESPath expressions",
            id="no-address",
        ),
        pytest.param(
            f"{{feed: {FEED}, json: {FEED}, title: x}}",
            "7: sources.soup has both `feed` and `json`; delete one of them",
            id="two-addresses",
        ),
        pytest.param(
            f"{{feed: {FEED}, rating: x}}",
            "7: sources.soup has `rating`, which is for JSON; delete it: a feed names its own parts",
            id="expression-for-a-feed",
        ),
        pytest.param(
            f"{{json: {FEED}}}",
            "7: sources.soup has no `title`; add the JMESPath expression for the title of an entry",
            id="no-title",
        ),
        pytest.param(
            f"{{feed: {FEED}, limits: 3}}",
            "7: sources.soup.limits is an unknown key; did you mean `limit`?",
            id="misspelled",
        ),
        pytest.param(
            f"{{feed: {FEED}, limit: 0}}", "7: sources.soup.limit is 0; write 1 or more", id="limit-0"
        ),
        pytest.param(
            f"{{feed: {FEED}, limit: 51}}", "7: sources.soup.limit is 51; write 50 or less", id="limit-51"
        ),
        pytest.param(
            "{feed: 'https://example.com/{year}'}",
            "7: sources.soup.feed has the unknown field {year}; the fields are {week}, {date}, {month}",
            id="unknown-field",
        ),
        pytest.param(
            "{feed: 'https://{week}.example.com/'}",
            "7: sources.soup.feed has a field in its host; write the host itself, and the field behind it",
            id="field-in-the-host",
        ),
        pytest.param(
            "{feed: file:///etc/passwd}",
            '7: sources.soup.feed is not a web address ("file:///etc/passwd"); '
            "write the whole address: https://…",
            id="file",
        ),
        pytest.param(
            "{feed: 'https://me:secret@example.com/'}",
            '7: sources.soup.feed has a user name in the web address ("https://me:secret@example.com/"); '
            "delete the part before the @",
            id="password",
        ),
        pytest.param(
            f"{{json: {FEED}, title: '{'[' * 3_000}'}}",
            "7: sources.soup.title is 3000 characters long; write at most 500 characters",
            id="long-expression",
        ),
        pytest.param(
            f"{{feed: {FEED}}}\n  my soup: {{feed: {FEED}}}",
            '6: sources has the name "my soup"; '
            "write 1 to 40 letters, digits, - and _, as in `--from papers`",
            id="name",
        ),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, expected: str, tmp_path: Path) -> None:
    assert problems(tmp_path, text) == [expected]


def test_a_mistake_in_a_block_has_the_line_of_its_key(tmp_path: Path) -> None:
    text = "\n    json: https://example.com/api\n    title: name\n    limit: many"
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("10: sources.soup.limit is not a whole number")
