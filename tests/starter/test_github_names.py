import json

import pytest

from newsletter.errors import Unavailable
from newsletter.starter.github_names import (
    ActionSource,
    installed_action,
    pages_address,
    parse_action,
    parse_repository,
    recorded_action,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("Example/letters", "https://example.github.io/letters"),
        ("Example/Example.github.io", "https://example.github.io"),
    ],
)
def test_the_address_of_pages(repository: str, address: str) -> None:
    assert pages_address(repository) == address


@pytest.mark.parametrize("commit", [COMMIT, COMMIT + COMMIT[:24]], ids=["sha-1", "sha-256"])
def test_an_action_names_a_repository_and_a_commit(commit: str) -> None:
    assert parse_action(f"example/news@{commit}") == ActionSource("example/news", commit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example/news",
        "example/news@main",
        "example/news@v1",
        f"example/news@{COMMIT[:39]}",
        f"example/news@{COMMIT}\n",
        f"example/news@{COMMIT.upper()}",
        f"news@{COMMIT}",
        f"example/news/sub@{COMMIT}",
        f"example/n ews@{COMMIT}",
        f"https://github.com/example/news@{COMMIT}",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must have the form OWNER/NAME@COMMIT"):
        parse_action(text)


def test_the_name_of_a_repository() -> None:
    assert parse_repository("example/soup.letter") == "example/soup.letter"
    for text in ("", "letters", "a/b/c", "a/b' || 'x", "a/ b", "a/b\n", "https://github.com/a/b"):
        with pytest.raises(ValueError, match="must have the form OWNER/NAME"):
            parse_repository(text)


def test_a_copy_from_a_folder_has_no_source() -> None:
    """The tests run with such a copy."""
    with pytest.raises(Unavailable, match="was not installed from a repository on GitHub"):
        installed_action()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/example/news",
        "https://github.com/example/news.git",
        "https://github.com/example/news/",
        "ssh://git@github.com/example/news.git",
    ],
)
def test_the_record_of_an_installation_from_github(url: str) -> None:
    record = {"url": url, "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": COMMIT}}
    assert recorded_action(json.dumps(record)) == ActionSource("example/news", COMMIT)


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"url": 1, "vcs_info": {"vcs": "git", "commit_id": 2}}',
        '{"url": "file:///home/ada/news", "dir_info": {"editable": true}}',
        '{"url": "https://github.com/example/news/archive/main.zip", "archive_info": {}}',
        json.dumps({"url": "https://example.com/a/b", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}),
        json.dumps({"url": "https://github.com/a/b", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}}),
        json.dumps({"url": "https://github.com/a/b", "vcs_info": {"vcs": "git", "commit_id": "main"}}),
        json.dumps({"url": "https://github.com/a/b/c", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}),
    ],
)
def test_other_records_are_no_source(record: str) -> None:
    with pytest.raises(Unavailable, match="was not installed from a repository on GitHub") as refused:
        recorded_action(record)
    assert "--action OWNER/NAME@COMMIT" in refused.value.hint
