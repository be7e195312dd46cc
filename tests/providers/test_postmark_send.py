"""Whole sends through Postmark over the real ledger: what the answers for single recipients do to a send."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.errors import SendRefused
from newsletter.sending.circuit_breaker import MAX_CONSECUTIVE_FAILURES
from newsletter.sending.events import Event
from newsletter.sending.model import Counts
from tests import samples
from tests.fakes.postmark import Fault, PostmarkFake, entry
from tests.providers import sends
from tests.providers.sends import reader, stops


@pytest.fixture
def fake() -> Iterator[PostmarkFake]:
    with PostmarkFake() as fake:
        yield fake


def send(fake: PostmarkFake, folder: Path, people: int, settings: str = "") -> tuple[list[Event], Counts]:
    extra = f"provider: postmark\npostmark: {{host: '{fake.url}', requests: 1}}\n{settings}"
    secrets = {"POSTMARK_SERVER_TOKEN": fake.token, "POSTMARK_HOST": "127.0.0.1"}
    return sends.send(samples.newsletter(folder, extra=extra, **secrets), map(reader, range(people)))


def test_everybody_gets_one_mail(fake: PostmarkFake, tmp_path: Path) -> None:
    events, counts = send(fake, tmp_path, 7)
    assert counts == Counts(7, accepted=7) and stops(events) == []
    assert sorted(one.address for one in fake.deliveries) == [reader(number) for number in range(7)]


def test_refusals_in_a_row_in_one_answer_stop_no_send(fake: PostmarkFake, tmp_path: Path) -> None:
    """People who are next to each other on an old list are often refused together."""
    gone = range(10, 10 + MAX_CONSECUTIVE_FAILURES + 1)
    fake.suppressed = {reader(number) for number in gone}
    events, counts = send(fake, tmp_path, 100, "send: {stop_when_refused: 10%}\n")
    assert stops(events) == [] and counts == Counts(100, accepted=100 - len(gone), refused=len(gone))
    assert len(fake.requests) == 2, "the tracking of the server, and one batch"


def test_too_many_refusals_stop_a_send(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.suppressed = {reader(number) for number in range(20)}
    events, counts = send(fake, tmp_path, 100)
    (reason,) = stops(events)
    assert "recipients were refused, more than 5%" in reason
    assert counts == Counts(100, accepted=80, refused=20)


def test_an_account_that_may_not_send_stops_the_send_and_nobody_is_lost(
    fake: PostmarkFake, tmp_path: Path
) -> None:
    fake.codes = {reader(number): 412 for number in range(600)}
    events, counts = send(fake, tmp_path, 600)
    (reason,) = stops(events)
    assert reason.startswith("error 412: ") and "has not approved the account" in reason
    assert counts == Counts(600, waiting=600)
    assert [request.path for request in fake.requests] == ["/server", "/email/batch"]


def test_one_message_that_waits_is_sent_later(fake: PostmarkFake, tmp_path: Path) -> None:
    later = Fault.entries(
        {"ErrorCode": 0, "MessageID": "x"}, entry(429, "slow"), {"ErrorCode": 0, "MessageID": "y"}
    )
    fake.next(later, path="/email/batch")
    events, counts = send(fake, tmp_path, 3)
    assert stops(events) == [] and counts == Counts(3, accepted=3)
    assert len(fake.deliveries) == 1


def test_a_server_that_tracks_opens_gets_no_mail(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.server["TrackOpens"] = True
    with pytest.raises(SendRefused, match="the account at postmark tracks opens"):
        send(fake, tmp_path, 1)
    assert [request.method for request in fake.requests] == ["GET"]


def test_a_server_that_tracks_links_may_send(fake: PostmarkFake, tmp_path: Path) -> None:
    """A message switches it off."""
    fake.server["TrackLinks"] = "HtmlAndText"
    assert send(fake, tmp_path, 1)[1] == Counts(1, accepted=1)
    assert [one.tracked for one in fake.deliveries] == [(False, "None")]


def test_nothing_is_sent_before_the_server_can_be_read(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.next(Fault.error(500, 0), path="/server")
    with pytest.raises(SendRefused, match="postmark does not say whether the account tracks readers"):
        send(fake, tmp_path, 1)
    assert fake.deliveries == []
