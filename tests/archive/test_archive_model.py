"""Tests of the ids, addresses and dates of the archive: ids stay when all else changes."""

import datetime as dt
from dataclasses import replace

import pytest

from newsletter.archive.model import FIXED_DATE, last_update, midnight, newest_first
from tests.archive.feed_samples import CHANNEL, ISSUE, issue


def test_ids_are_tag_uris_of_the_domain_and_dates() -> None:
    """A feed reader shows every issue again as unread if these change."""
    assert CHANNEL.id == "tag:example.com,2026:archive"
    assert CHANNEL.entry_id(ISSUE) == "tag:example.com,2026-04-27:2026-04-27"


def test_ids_do_not_come_from_the_address_the_title_or_the_content() -> None:
    moved = replace(
        CHANNEL, url="https://example.org/old/news", name="New Name", author="Somebody", language="de"
    )
    changed = replace(ISSUE, title="Another", html="<p>x</p>", text=None, updated=dt.date(2026, 5, 1))
    assert moved.id == CHANNEL.id
    assert moved.entry_id(changed) == CHANNEL.entry_id(ISSUE)
    assert moved.entry_url(changed) == "https://example.org/old/news/2026-04-27/"


@pytest.mark.parametrize(
    ("domain", "authority"),
    [
        ("Example.COM", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_a_domain_has_one_spelling_in_ids(domain: str, authority: str) -> None:
    assert replace(CHANNEL, domain=domain).id == f"tag:{authority},2026:archive"


def test_a_domain_that_is_not_valid_is_refused() -> None:
    with pytest.raises(ValueError):
        _ = replace(CHANNEL, domain="bücher example").id


def test_addresses_are_those_that_browsers_send() -> None:
    channel = replace(CHANNEL, url="https://bücher.example/lettre d'été")
    assert channel.address("feed.xml") == "https://xn--bcher-kva.example/lettre%20d'%C3%A9t%C3%A9/feed.xml"
    assert CHANNEL.address() == "https://papers.example.com/"


def test_the_name_of_an_issue_cannot_add_to_its_id_or_address() -> None:
    odd = replace(ISSUE, name="a b#c?d/é")
    assert CHANNEL.entry_id(odd) == "tag:example.com,2026-04-27:a%20b%23c%3Fd%2F%C3%A9"
    assert CHANNEL.entry_url(odd) == "https://papers.example.com/a%20b%23c%3Fd/%C3%A9/"


def test_an_issue_was_published_at_the_beginning_of_its_day() -> None:
    assert ISSUE.published_at == ISSUE.updated_at == dt.datetime(2026, 4, 27, tzinfo=dt.UTC)


def test_issues_that_were_corrected_on_one_day_have_different_moments() -> None:
    day = dt.date(2026, 5, 4)
    moments = [entry.updated_at for entry in (issue(0, updated=day), issue(1), issue(-1, updated=day))]
    assert [f"{moment:%d %T}" for moment in moments] == ["04 00:00:07", "04 00:00:00", "04 00:00:14"]


def test_an_issue_was_never_updated_before_it_was_published() -> None:
    assert issue(0, updated=dt.date(2026, 4, 1)).updated_at == ISSUE.published_at


def test_the_last_update_is_that_of_any_issue() -> None:
    assert last_update([issue(0, updated=dt.date(2026, 6, 1)), issue(1)]).date() == dt.date(2026, 6, 1)
    assert last_update([]) == midnight(FIXED_DATE)


def test_issues_are_sorted_by_date() -> None:
    entries = [issue(1), issue(3), issue(2)]
    assert newest_first(entries) == newest_first(reversed(entries)) == [issue(3), issue(2), issue(1)]
