"""Send through the service to a provider that accepts a repeated call once: crash, lost answers, cancel."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsletter.cli.report import ReportOptions, report
from newsletter.errors import SendRefused
from newsletter.mail.message import Batch
from newsletter.sending.events import Confirmed, Stopped
from newsletter.sending.interfaces import SubmissionLog
from newsletter.sending.outcomes import Accepted, Capabilities, NotSent, Outcome, Refused, Unknown
from newsletter.services.due import due_issues
from newsletter.services.send import SendService
from newsletter.store.database import Database
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.fakes.provider import FakeClock, FakeProvider

ISSUE = "2026-04-27"
HOURS = timedelta(hours=1)


@dataclass
class RepeatableProvider(FakeProvider):
    """A provider of batches of two that keeps the key of each call; `answers` are the next outcomes.

    A lost call is not processed; another Unknown is an answer that was lost on the way.
    """

    answers: list[Outcome] = field(default_factory=list)
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    refuses_one: str = ""
    is_away: bool = False
    clock_behind: timedelta = timedelta()
    kept: dict[str, tuple[str, ...]] = field(default_factory=dict)
    holds: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, recipients_per_call=2, repeat_window=23 * HOURS)

    def server_time(self) -> datetime | None:
        return None if self.is_away else self.clock.now() + self.clock_behind

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        people = tuple(recipient.address for recipient in batch.recipients)
        assert batch.key
        self.calls.append((batch.key, people))
        outcome = self.answers.pop(0) if self.answers else Accepted("id")
        if outcome in (LOST, BUSY):
            return outcome
        for recipient in batch.recipients:
            if recipient.address == self.refuses_one:
                submissions.finished(recipient, Refused("inactive"))
        if self.kept.setdefault(batch.key, people) != people:
            return Unknown("409 invalid_idempotent_request")
        self.accepted += () if (batch.key, people) in self.calls[:-1] and self._has(people) else people
        return outcome

    def _has(self, people: tuple[str, ...]) -> bool:
        return set(people) <= set(self.accepted)


LOST, NO_ANSWER = Unknown("the call did not arrive"), Unknown("no response")
BUSY = NotSent("429 rate_limit_exceeded", stop=False, wait=7)


@pytest.fixture
def provider() -> RepeatableProvider:
    return RepeatableProvider(FakeClock())


@contextmanager
def opened(folder: Path, provider: RepeatableProvider, people: int = 4) -> Iterator[SendService]:
    newsletter = samples.newsletter(folder)
    service = SendService(newsletter, Database.open(newsletter), provider, provider.clock)
    with closing(service):
        subscribers = Subscribers(service._database)
        if not subscribers.count_active():
            for n in range(1, people + 1):
                subscribers.add(parse_subscriber(f"reader{n}@example.com")[0])
        yield service


def send(service: SendService) -> list[object]:
    started = service.start(service.plan(service.prepare(ISSUE)))
    return list(service.deliver(started, lambda: False))


def accepted_and_unknown(service: SendService) -> tuple[int, int]:
    started = service.queries.find(ISSUE, "subscribers")
    assert started
    counts = service.queries.counts(started)
    return counts.accepted, counts.unknown


@pytest.mark.parametrize("lost", [LOST, NO_ANSWER], ids=["call", "answer"])
def test_an_answer_that_is_missing_is_asked_for_again(
    lost: Unknown, provider: RepeatableProvider, tmp_path: Path
) -> None:
    provider.answers = [lost]
    with opened(tmp_path, provider) as service:
        events = send(service)
        assert accepted_and_unknown(service) == (4, 0)
    assert [event for event in events if isinstance(event, Confirmed)] == [Confirmed(2)]
    assert sorted(provider.accepted) == [f"reader{n}@example.com" for n in (1, 2, 3, 4)]
    first, *others = provider.calls
    assert others.count(first) == 1


def test_a_refusal_that_the_second_answer_names_is_recorded(
    provider: RepeatableProvider, tmp_path: Path
) -> None:
    provider.answers, provider.refuses_one = [LOST], "reader2@example.com"
    with opened(tmp_path, provider) as service:
        events = send(service)
        started = service.queries.find(ISSUE, "subscribers")
        assert started
        counts = service.queries.counts(started)
    assert [event for event in events if isinstance(event, Confirmed)] == [Confirmed(1)]
    assert (counts.accepted, counts.refused, counts.unknown) == (3, 1, 0)


@pytest.mark.parametrize("hours", [-25, 25])
def test_a_send_with_a_wrong_clock_is_refused_before_it_starts(
    hours: int, provider: RepeatableProvider, tmp_path: Path
) -> None:
    provider.clock_behind = timedelta(hours=hours)
    with opened(tmp_path, provider) as service:
        with pytest.raises(SendRefused, match="PostgreSQL server, is 25 hours") as refused:
            send(service)
        assert service.queries.find(ISSUE, "subscribers") is None and not provider.calls
        assert "timedatectl" in refused.value.problems[0].fix
        provider.clock_behind = timedelta(minutes=59)
        send(service)
        assert accepted_and_unknown(service) == (4, 0)


def test_a_clock_that_stood_still_during_a_send_ends_it(provider: RepeatableProvider, tmp_path: Path) -> None:
    """The machine is paused between a call and its repetition."""
    provider.answers = [LOST, Accepted("id"), LOST]
    with opened(tmp_path, provider) as service:
        started = service.start(service.plan(service.prepare(ISSUE)))
        events = []
        for event in service.deliver(started, lambda: False):
            events.append(event)
            if len(provider.calls) == 3:
                provider.clock_behind = timedelta(hours=26)
        assert len(provider.calls) == 3 and accepted_and_unknown(service) == (2, 2)
    assert isinstance(events[-1], Stopped) and "26 hours behind the provider's" in events[-1].reason


def test_a_provider_that_tells_no_time_is_asked_for_nothing_again(
    provider: RepeatableProvider, tmp_path: Path
) -> None:
    provider.answers = [LOST]
    with opened(tmp_path, provider) as service:
        started = service.start(service.plan(service.prepare(ISSUE)))
        provider.is_away = True
        list(service.deliver(started, lambda: False))
        assert len(provider.calls) == 2 and accepted_and_unknown(service) == (2, 2)
        provider.is_away = False
        list(service.deliver(started, lambda: False))
        assert accepted_and_unknown(service) == (4, 0)


def test_it_is_asked_three_times_and_waits_as_long_as_it_is_told(
    provider: RepeatableProvider, tmp_path: Path
) -> None:
    begun = provider.clock.now()
    provider.answers = [LOST, Accepted("id"), BUSY, LOST, LOST]
    with opened(tmp_path, provider) as service:
        send(service)
        assert accepted_and_unknown(service) == (2, 2)
        assert provider.calls.count(provider.calls[0]) == 4
        assert timedelta(seconds=100) < provider.clock.now() - begun < timedelta(minutes=3)
        status = service.status(service.queries.find(ISSUE, "subscribers"))  # type: ignore[arg-type]
        assert status.can_repeat


def test_the_next_process_settles_what_was_unknown_and_is_due_for_it(
    provider: RepeatableProvider, tmp_path: Path
) -> None:
    provider.answers = [NO_ANSWER, Accepted("id"), LOST, LOST, LOST]
    with opened(tmp_path, provider) as service:
        send(service)
        assert accepted_and_unknown(service) == (2, 2)
    with opened(tmp_path, provider) as service:
        assert [prepared.issue.name for prepared in due_issues(service)] == [ISSUE]  # type: ignore[union-attr]
        send(service)
        assert accepted_and_unknown(service) == (4, 0)
        assert list(due_issues(service)) == []
    assert sorted(provider.accepted) == [f"reader{n}@example.com" for n in (1, 2, 3, 4)]


def test_after_the_window_or_a_departure_they_stay_unknown_and_are_not_due(
    provider: RepeatableProvider, tmp_path: Path
) -> None:
    provider.answers = [NO_ANSWER, LOST, *[LOST] * 6]
    with opened(tmp_path, provider) as service:
        send(service)
        assert accepted_and_unknown(service) == (0, 4)
        Subscribers(service._database).remove(parse_subscriber("reader3@example.com")[0])
        send(service)
        assert accepted_and_unknown(service) == (2, 2)
        assert "reader4@example.com" not in provider.accepted
        assert list(due_issues(service)) == []
        started = service.queries.find(ISSUE, "subscribers")
        assert started and not service.status(started).can_repeat


def test_a_cancelled_send_asks_no_more_until_it_is_resumed(
    provider: RepeatableProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.answers = [LOST] * 8
    with opened(tmp_path, provider) as service:
        send(service)
        started = service.queries.find(ISSUE, "subscribers")
        assert started
        report(service.status(started), service.queries, ReportOptions())
        assert f"news resume {ISSUE}" in capsys.readouterr().out
        list(service.cancel(started, lambda: False))
        calls = len(provider.calls)
        assert list(due_issues(service)) == []
        with pytest.raises(SendRefused, match="was cancelled"):
            send(service)
        assert len(provider.calls) == calls
        resumed = service.start(service.plan_resume(service.prepare(ISSUE), started))
        list(service.deliver(resumed, lambda: False))
        assert accepted_and_unknown(service) == (4, 0)
