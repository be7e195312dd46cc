"""Whole sends through Resend over the real ledger: lost answers, refused mail, a domain that tracks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.errors import SendRefused
from newsletter.sending.events import Confirmed, Event
from newsletter.sending.model import Counts
from tests import samples
from tests.fakes.resend import Fault, ResendFake, domain, pages
from tests.providers import sends
from tests.providers.sends import reader, stops

BATCH = "/emails/batch"


@pytest.fixture
def fake() -> Iterator[ResendFake]:
    with ResendFake() as fake:
        fake.pages = pages(domain())
        yield fake


def send(fake: ResendFake, folder: Path, people: list[str]) -> tuple[list[Event], Counts]:
    extra = f"provider: resend\nresend: {{host: '{fake.url}', requests: 1}}\n"
    secrets = {"RESEND_API_KEY": fake.key, "RESEND_HOST": "127.0.0.1"}
    return sends.send(samples.newsletter(folder, extra=extra, **secrets), people)


def arrived(fake: ResendFake) -> list[str]:
    return sorted(mail.to.rpartition("<")[2].rstrip(">") for mail in fake.deliveries)


def calls(fake: ResendFake) -> list[str]:
    """Return the keys of all batches, in order."""
    return [request.headers["Idempotency-Key"] for request in fake.requests if request.path == BATCH]


def test_everybody_gets_one_mail_in_batches_of_a_hundred(fake: ResendFake, tmp_path: Path) -> None:
    people = [reader(number) for number in range(200)]
    events, counts = send(fake, tmp_path, people)
    assert counts == Counts(200, accepted=200) and stops(events) == []
    assert arrived(fake) == sorted(people)
    assert len(calls(fake)) == len(set(calls(fake))) == 2


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.reply_lost(), id="answer"),
        pytest.param(Fault.reset(), id="call"),
        pytest.param(Fault.error(500, "application_error"), id="500"),
        pytest.param(Fault.error(409, "concurrent_idempotent_requests"), id="in-work"),
    ],
)
def test_what_is_lost_is_asked_again_and_nobody_gets_it_twice(
    fault: Fault, fake: ResendFake, tmp_path: Path
) -> None:
    people = [reader(number) for number in range(3)]
    fake.next(fault, path=BATCH)
    events, counts = send(fake, tmp_path, people)
    assert counts == Counts(3, accepted=3) and stops(events) == []
    assert [event for event in events if isinstance(event, Confirmed)] == [Confirmed(3)]
    assert arrived(fake) == people
    first, *others = calls(fake)
    assert others == [first]


def test_one_refused_mail_is_found_among_many(fake: ResendFake, tmp_path: Path) -> None:
    """Resend does not name it: halves are sent until it is alone, each as a call of its own."""
    people = [reader(number) for number in range(20)]
    fake.refused = {reader(7)}
    events, counts = send(fake, tmp_path, people)
    assert counts == Counts(20, accepted=19, refused=1) and stops(events) == []
    assert arrived(fake) == sorted(set(people) - fake.refused)
    assert len(calls(fake)) == len(set(calls(fake))) > 2


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.error(429, "daily_quota_exceeded"), id="quota"),
        pytest.param(Fault.error(403, "validation_error", "The domain is not verified"), id="domain"),
        pytest.param(Fault.error(401, "validation_error", "API key is invalid"), id="key"),
        pytest.param(Fault.error(422, "invalid_from_address"), id="sender"),
    ],
)
def test_what_would_refuse_everybody_stops_the_send(fault: Fault, fake: ResendFake, tmp_path: Path) -> None:
    fake.next(fault, path=BATCH)
    events, counts = send(fake, tmp_path, [reader(number) for number in range(3)])
    assert len(stops(events)) == 1 and counts == Counts(3, waiting=3)
    assert fake.deliveries == [] and len(calls(fake)) == 1


def test_beyond_the_rate_it_waits_and_goes_on(fake: ResendFake, tmp_path: Path) -> None:
    fake.next(Fault.error(429, "rate_limit_exceeded", **{"Retry-After": "1"}), path=BATCH)
    events, counts = send(fake, tmp_path, [reader(1), reader(2)])
    assert counts == Counts(2, accepted=2) and stops(events) == []
    assert arrived(fake) == [reader(1), reader(2)]


@pytest.mark.parametrize("settings", [{"open_tracking": True}, {"click_tracking": None}])
def test_a_domain_that_tracks_or_does_not_say_gets_no_mail(
    settings: dict[str, object], fake: ResendFake, tmp_path: Path
) -> None:
    fake.pages = pages(domain(**settings))
    with pytest.raises(SendRefused, match="tracks"):
        send(fake, tmp_path, [reader(1)])
    assert calls(fake) == []


def test_a_key_that_may_only_send_sends(fake: ResendFake, tmp_path: Path) -> None:
    fake.is_restricted = True
    assert send(fake, tmp_path, [reader(1)])[1] == Counts(1, accepted=1)
