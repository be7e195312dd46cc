"""Send through the service alone, without a command line: each guard, and the deadline of a cancel."""

import json
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import update

from newsletter.cli.plan_summary import show_plan
from newsletter.cli.report import ReportOptions, report
from newsletter.cli.send_summary import show_status
from newsletter.errors import DatabaseBusy, NewsError, Problem, SendRefused
from newsletter.sending import hold_policy
from newsletter.sending.events import Waiting
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.model import Send, SendOptions
from newsletter.services.due import due_issues
from newsletter.services.open_send import open_service
from newsletter.services.open_state import OnWait, ignore_wait
from newsletter.services.prepare import Prepared
from newsletter.services.send import SendPlan, SendService
from newsletter.store.database import Database
from newsletter.store.schema import send_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import parse
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.fakes.provider import FakeClock, FakeProvider
from tests.samples import NOW

T = TypeVar("T")

ISSUE = "2026-04-27"
WITH_ERROR = samples.ISSUE.replace("Cut, cook", "Cut [[first_name]], cook")
EDITED = samples.ISSUE.replace("subject: Leek & potato", "subject: Leeks")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def provider(clock: FakeClock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
def service(tmp_path: Path, provider: FakeProvider) -> Iterator[SendService]:
    """A service with five subscribers, over the fake provider and its clock."""
    with opened(tmp_path, provider) as service:
        subscribe(service, *readers(1, 5))
        yield service


@pytest.fixture
def rehearsals(tmp_path: Path) -> Iterator[SendService]:
    """A service with five subscribers, over the outbox, as a program opens it."""
    with open_service(samples.newsletter(tmp_path), "outbox") as service:
        subscribe(service, *readers(1, 5))
        yield service


@contextmanager
def opened(
    folder: Path,
    provider: FakeProvider,
    timing: SendTimings | None = None,
    extra: str = "",
    on_wait: OnWait = ignore_wait,
) -> Iterator[SendService]:
    newsletter = samples.newsletter(folder, extra=extra)
    parts = (newsletter, Database.open(newsletter), provider, provider.clock, timing)
    with closing(SendService(*parts, limited=unlimited, on_wait=on_wait)) as service:
        yield service


def unlimited(function: Callable[..., T], /, *arguments: object, **options: object) -> T:
    """Build an issue in this process: a fork for each one takes a third of the time of these tests."""
    return function(*arguments, **options)


def readers(first: int, last: int) -> list[str]:
    return [f"reader{n}@example.com" for n in range(first, last + 1)]


def subscribe(service: SendService, *addresses: str, at: datetime = NOW - timedelta(days=1)) -> None:
    database = service._database
    for address in addresses:
        Subscribers(database, lambda: at).add(parse_subscriber(address)[0])


def write(folder: Path, issue: str, name: str = ISSUE) -> None:
    (folder / "issues" / f"{name}.yml").write_text(issue, encoding="utf-8")


def deliver(service: SendService, plan: SendPlan) -> Send:
    started = service.start(plan)
    list(service.deliver(started, lambda: False))
    return started.send


def send(service: SendService, options: SendOptions | None = None) -> Send:
    return deliver(service, service.plan(service.prepare(ISSUE), options))


def cancel(service: SendService, send: Send) -> None:
    list(service.cancel(send, lambda: False))


def written(folder: Path) -> tuple[list[str], list[str]]:
    """Return all that the newsletter's database holds, and the names of its files."""
    with closing(sqlite3.connect(folder / ".news" / "news.db")) as connection:
        rows = list(connection.iterdump())
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if "news.db" not in path.name]
    return rows, sorted(files)


@contextmanager
def refused(folder: Path, message: str) -> Iterator[pytest.ExceptionInfo[SendRefused]]:
    """Expect a refusal that writes nothing."""
    before = written(folder)
    with pytest.raises(SendRefused, match=message) as raised:
        yield raised
    assert written(folder) == before, "a refused plan has written something"


# An issue with errors


def test_an_issue_with_an_error_is_not_planned(rehearsals: SendService, tmp_path: Path) -> None:
    write(tmp_path, WITH_ERROR)
    prepared = rehearsals.prepare(ISSUE)
    with refused(tmp_path, f"{ISSUE} has 1 error; nothing was sent"):
        rehearsals.plan(prepared)
    assert rehearsals.queries.sends() == []


def test_an_issue_with_an_error_is_not_sent_as_a_test(rehearsals: SendService, tmp_path: Path) -> None:
    write(tmp_path, WITH_ERROR)
    prepared = rehearsals.prepare(ISSUE)
    with refused(tmp_path, f"{ISSUE} has 1 error; nothing was sent"):
        rehearsals.test(prepared, "me@example.com")
    assert not (tmp_path / "outbox").exists()


def test_an_issue_with_an_error_is_not_continued(rehearsals: SendService, tmp_path: Path) -> None:
    started = rehearsals.start(rehearsals.plan(rehearsals.prepare(ISSUE))).send
    write(tmp_path, WITH_ERROR)
    prepared = rehearsals.prepare(ISSUE)
    with refused(tmp_path, f"{ISSUE} has 1 error; nothing was sent"):
        rehearsals.plan_resume(prepared, started)
    assert rehearsals.queries.counts(started).waiting == 5


def test_an_issue_with_an_error_is_not_retried(
    service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.refuses = frozenset(readers(1, 1))
    started = send(service)
    write(tmp_path, WITH_ERROR)
    prepared = service.prepare(ISSUE)
    with refused(tmp_path, f"{ISSUE} has 1 error; nothing was sent"):
        service.plan_retry(prepared, started)
    assert service.queries.counts(started).refused == 1


def test_a_problem_of_the_provider_is_an_error_of_the_issue(
    service: SendService, provider: FakeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "check", lambda: [Problem("NEWS_KEY", "is not set")])
    prepared = service.prepare(ISSUE)
    with refused(tmp_path, f"{ISSUE} has 1 error; nothing was sent"):
        service.plan(prepared)


# The list


def test_an_empty_list_is_refused(provider: FakeProvider, tmp_path: Path) -> None:
    with opened(tmp_path, provider) as service:
        prepared = service.prepare(ISSUE)
        with refused(tmp_path, "there is nobody on the list"):
            service.plan(prepared)


@pytest.mark.parametrize(
    ("joined", "left", "message"),
    [
        pytest.param(20, 0, "the list has grown from 30 to 50 since the last issue", id="grown"),
        pytest.param(0, 20, "the list has shrunk from 30 to 10 since the last issue", id="shrunk"),
    ],
)
def test_a_list_that_changed_too_much_is_refused_until_it_is_confirmed(
    joined: int, left: int, message: str, service: SendService, clock: FakeClock, tmp_path: Path
) -> None:
    subscribe(service, *readers(6, 30))
    send(service)
    clock.time += timedelta(days=7)
    subscribe(service, *readers(31, 30 + joined), at=clock.time)
    for address in readers(1, left):
        service.subscribers.remove(parse(address))
    samples.write(tmp_path, name="2026-05-04")
    prepared = service.prepare("2026-05-04")
    with refused(tmp_path, message):
        service.plan(prepared)
    plan = service.plan(prepared, SendOptions(list_changed=True))
    assert plan.list_change and plan.recipients == 30 + joined - left
    change = plan.list_change
    assert (change.since, change.joined, change.left) == (ISSUE, joined, left)


def test_a_list_that_changed_a_little_is_planned(
    service: SendService, clock: FakeClock, tmp_path: Path
) -> None:
    send(service)
    clock.time += timedelta(days=7)
    subscribe(service, *readers(6, 15), at=clock.time)
    samples.write(tmp_path, name="2026-05-04")
    assert service.plan(service.prepare("2026-05-04")).recipients == 15


def test_a_database_is_not_used_for_another_list(service: SendService, tmp_path: Path) -> None:
    """On a new machine only the database knows which list it belongs to."""
    send(service)
    samples.write(tmp_path, name="2026-05-04")
    mine = service.newsletter
    service.newsletter = replace(mine, config=mine.config.model_copy(update={"list_id": "other.example.com"}))
    with refused(tmp_path, "this database is that of the list the-soup-letter.example.com, which 2026-04-27"):
        service.plan(service.prepare("2026-05-04"))
    service.newsletter = mine
    assert service.plan(service.prepare("2026-05-04")).recipients == 5


def test_start_sends_to_exactly_the_planned_number(service: SendService, provider: FakeProvider) -> None:
    plan = service.plan(service.prepare(ISSUE))
    assert (plan.action, plan.recipients, plan.send) == ("start", 5, None)
    assert service.queries.sends() == [], "a plan is not in the ledger"
    assert deliver(service, plan).recipients == 5
    assert sorted(provider.accepted) == readers(1, 5)


def test_a_list_that_grew_after_the_plan_is_refused(service: SendService, provider: FakeProvider) -> None:
    plan = service.plan(service.prepare(ISSUE))
    subscribe(service, *readers(6, 7))
    with pytest.raises(SendRefused, match="the list has changed: 7 recipients now; nothing was sent"):
        service.start(plan)
    assert service.queries.sends() == [] and provider.accepted == []
    assert service.start(plan, exact=False).send.recipients == 7


def test_a_refused_start_leaves_the_cancelled_send_that_it_would_replace(
    service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    cancelled = send(service)
    cancel(service, cancelled)
    samples.write(tmp_path, issue=samples.ISSUE.replace("Leek", "Leeks"), name=ISSUE)
    plan = service.plan(service.prepare(ISSUE))
    subscribe(service, "reader6@example.com")
    with pytest.raises(SendRefused, match="the list has changed"):
        service.start(plan)
    assert [(one.id, one.state) for one in service.queries.sends()] == [(cancelled.id, "cancelled")]


# A halted send


def test_a_cancelled_send_is_continued_by_resume_only(
    service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.refuses = frozenset(readers(5, 5))
    cancelled = send(service)
    cancel(service, cancelled)
    prepared = service.prepare(ISSUE)
    for plan in (service.plan, lambda prepared: service.plan_retry(prepared, cancelled)):
        with refused(tmp_path, f"the send of {ISSUE} was cancelled"):
            plan(prepared)
    resume = service.plan_resume(prepared, cancelled)
    assert (resume.action, resume.recipients) == ("resume", 4)


def test_a_send_that_waits_after_its_canary_is_continued_by_resume_only(
    service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.refuses = frozenset(readers(1, 1))
    waiting = send(service, SendOptions(canary_size=2))
    prepared = service.prepare(ISSUE)
    for plan in (service.plan, lambda prepared: service.plan_retry(prepared, waiting)):
        with refused(tmp_path, f"the send of {ISSUE} waits for your go-ahead after its canary of 2"):
            plan(prepared)
    assert provider.accepted == readers(2, 2)
    deliver(service, service.plan_resume(prepared, waiting))
    assert sorted(provider.accepted) == readers(2, 5)


# Options and schedules


@pytest.mark.parametrize(
    ("options", "name"),
    [
        pytest.param(SendOptions(canary_size=2), "--canary", id="canary"),
        pytest.param(SendOptions(send_at=NOW + timedelta(hours=2)), "--at", id="at"),
        pytest.param(SendOptions(now=True), "--now", id="now"),
    ],
)
def test_options_of_the_start_come_too_late_after_it(
    options: SendOptions, name: str, service: SendService, tmp_path: Path
) -> None:
    service.start(service.plan(service.prepare(ISSUE)))
    prepared = service.prepare(ISSUE)
    with refused(tmp_path, f"{ISSUE} was started on 2026-05-04 09:00 UTC: too late for {name}"):
        service.plan(prepared, options)
    assert service.plan(prepared).recipients == 5, "without the option it continues"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        pytest.param(SendOptions(now=True, send_at=NOW + timedelta(hours=3)), "--now and --at", id="now"),
        pytest.param(
            SendOptions(canary_size=2, send_at=NOW + timedelta(hours=3)), "--canary and --at", id="canary"
        ),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    options: SendOptions, names: str, service: SendService, tmp_path: Path
) -> None:
    with refused(tmp_path, f"{names} exclude each other"):
        service.plan(service.prepare(ISSUE), options)


def test_now_does_not_come_too_late_for_mail_that_leaves_at_once(service: SendService) -> None:
    service.start(service.plan(service.prepare(ISSUE), SendOptions(now=True)))
    assert service.plan(service.prepare(ISSUE), SendOptions(now=True)).recipients == 5


def test_the_time_with_which_a_send_was_started_does_not_come_too_late(service: SendService) -> None:
    """Two machines run the same command, and one of them is the first."""
    at = SendOptions(send_at=NOW + timedelta(hours=2))
    service.start(service.plan(service.prepare(ISSUE), at))
    assert service.plan(service.prepare(ISSUE), at).recipients == 5


@pytest.mark.parametrize(
    ("ahead", "holds", "message"),
    [
        pytest.param(timedelta(hours=1), False, "fake cannot hold mail back until", id="not-held"),
        pytest.param(timedelta(hours=72, minutes=1), True, "is more than 72 hours ahead", id="too-far"),
        pytest.param(timedelta(hours=-1, minutes=-1), True, "UTC was 1 h 1 min ago", id="too-late"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    ahead: timedelta,
    holds: bool,
    message: str,
    service: SendService,
    provider: FakeProvider,
    tmp_path: Path,
) -> None:
    provider.holds = holds
    prepared = service.prepare(ISSUE)
    with refused(tmp_path, message):
        service.plan(prepared, SendOptions(send_at=NOW + ahead))


@pytest.mark.parametrize("ahead", [timedelta(hours=72), timedelta(hours=-1)])
def test_a_schedule_that_just_can_be_is_planned(ahead: timedelta, service: SendService) -> None:
    plan = service.plan(service.prepare(ISSUE), SendOptions(send_at=NOW + ahead))
    assert plan.settings.send_at == NOW + ahead and plan.settings.undo_window_seconds > 0


# Another content, another provider


Continue = Callable[[SendService, Prepared, Send], SendPlan]
WAYS = [
    pytest.param(lambda service, prepared, _: service.plan(prepared), id="plan"),
    pytest.param(lambda service, prepared, send: service.plan_resume(prepared, send), id="resume"),
    pytest.param(lambda service, prepared, send: service.plan_retry(prepared, send), id="retry"),
]


@pytest.mark.parametrize("way", WAYS)
def test_changed_content_is_refused_with_each_difference(
    way: Continue, service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.refuses = frozenset(readers(1, 1))
    started = send(service)
    write(tmp_path, EDITED)
    prepared = service.prepare(ISSUE)
    with refused(tmp_path, r'(?s)with different content.*the subject: was "Leek & potato", is "Leeks"'):
        way(service, prepared, started)


@pytest.mark.parametrize("way", WAYS)
def test_another_provider_is_refused(
    way: Continue, service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.refuses = frozenset(readers(1, 1))
    started = send(service)
    provider.name = "other"
    prepared = service.prepare(ISSUE)
    with refused(tmp_path, f"{ISSUE} was started through fake, not other"):
        way(service, prepared, started)


def test_a_corrected_issue_is_planned_after_a_cancel_that_covers_everybody(
    service: SendService, tmp_path: Path
) -> None:
    cancel(service, send(service))
    write(tmp_path, EDITED)
    plan = service.plan(service.prepare(ISSUE))
    assert (plan.send, plan.recipients) == (None, 5)


# A database that another process has locked


def test_a_start_waits_for_a_locked_database_and_says_so(provider: FakeProvider, tmp_path: Path) -> None:
    waits: list[str] = []

    def on_wait(wait: Waiting) -> None:
        waits.append(wait.reason)
        other.rollback()

    with opened(tmp_path, provider, on_wait=on_wait) as service:
        subscribe(service, *readers(1, 5))
        plan = service.plan(service.prepare(ISSUE))
        with closing(sqlite3.connect(tmp_path / ".news" / "news.db")) as other:
            other.execute("begin immediate")
            started = service.start(plan)
        assert waits == [f"another process has locked the send of {ISSUE} in the database"]
        assert service.queries.counts(started.send).waiting == 5


def test_a_cancel_that_is_stopped_while_the_database_is_locked_ends_at_once(
    service: SendService, clock: FakeClock, tmp_path: Path
) -> None:
    started = service.start(service.plan(service.prepare(ISSUE))).send
    with closing(sqlite3.connect(tmp_path / ".news" / "news.db")) as other:
        other.execute("begin immediate")
        with pytest.raises(DatabaseBusy, match="another process has locked the send"):
            list(service.cancel(started, lambda: True))
        assert clock.now() == NOW, "the lease that was never acquired is not released"


# Another key


@contextmanager
def with_key(folder: Path, provider: FakeProvider, key: str | None) -> Iterator[SendService]:
    """Open the same newsletter with another NEWS_SECRET_KEY; None: with no key, as a new clone has none."""
    newsletter = samples.newsletter(folder, NEWS_SECRET_KEY=key or "")
    service = SendService(newsletter, Database.open(newsletter), provider, provider.clock)
    with closing(service):
        yield service


@pytest.mark.parametrize("key", ["another key, and long enough", None], ids=["another", "none"])
@pytest.mark.parametrize("way", WAYS)
def test_a_started_send_is_not_continued_with_another_key(
    way: Continue, key: str | None, service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.refuses = frozenset(readers(1, 1))
    started = send(service)
    here = "has another key now" if key else "has no key"
    with with_key(tmp_path, provider, key) as elsewhere:
        prepared = elsewhere.prepare(ISSUE)
        message = (
            f"the send of {ISSUE} began with a key that signs its links on the machine {started.started_on}"
        )
        with refused(tmp_path, f"{message}; this machine {here}") as raised:
            way(elsewhere, prepared, started)
    assert started.started_on == re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname())[:60]
    assert "set NEWS_SECRET_KEY to the earlier key" in raised.value.hint
    assert f"finish with: news resume {ISSUE}; then set the new key again" in raised.value.hint
    assert samples.SECRET not in f"{raised.value}{started.key_fingerprint}"
    assert provider.accepted == readers(2, 5)


def test_a_plan_of_before_the_key_changed_is_not_started(
    service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    """The plan was made when the send was not started yet, or with the right key."""
    provider.refuses = frozenset(readers(1, 1))
    plan = service.plan(service.prepare(ISSUE))
    with with_key(tmp_path, provider, "another key, and long enough") as elsewhere:
        first = elsewhere.plan(elsewhere.prepare(ISSUE))
        started = deliver(service, plan)
        with pytest.raises(SendRefused, match="this machine has another key now"):
            elsewhere.start(first)
        retry = service.plan_retry(service.prepare(ISSUE), started)
        with refused(tmp_path, "this machine has another key now"):
            elsewhere.start(retry)


def test_a_new_send_replaces_one_with_another_key_that_nobody_has(
    service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    """The key may be lost: then a cancelled send must not block its issue for ever."""
    cancelled = send(service)
    cancel(service, cancelled)
    with with_key(tmp_path, provider, "another key, and long enough") as elsewhere:
        plan = elsewhere.plan(elsewhere.prepare(ISSUE))
        assert (plan.send, plan.recipients) == (None, 5)
        replacing = deliver(elsewhere, plan)
    assert replacing.key_fingerprint not in (None, cancelled.key_fingerprint)


def test_an_issue_can_be_rehearsed_again_with_another_key(tmp_path: Path) -> None:
    for key in (samples.SECRET, "another key, and long enough"):
        newsletter = samples.newsletter(tmp_path, NEWS_SECRET_KEY=key)
        with open_service(newsletter, "outbox") as rehearsals:
            subscribe(rehearsals, *readers(1, 5))
            plan = rehearsals.plan(rehearsals.prepare(ISSUE))
            assert (plan.send, plan.recipients) == (None, 5)
            deliver(rehearsals, plan)
            assert rehearsals.plan(rehearsals.prepare(ISSUE)).recipients == 0


def test_each_issue_has_another_fingerprint_of_a_key(service: SendService, tmp_path: Path) -> None:
    samples.write(tmp_path, name="2026-05-04")
    fingerprints = {
        service.start(service.plan(service.prepare(name))).send.key_fingerprint
        for name in (ISSUE, "2026-05-04")
    }
    assert len(fingerprints) == 2


def test_a_send_of_an_older_version_is_continued_with_its_tokens_and_content(
    service: SendService, provider: FakeProvider
) -> None:
    """Its ledger has no fingerprint; the mail keeps the content hash, the tokens and the Message-IDs."""
    provider.refuses = frozenset(readers(1, 1))
    started = send(service)
    with service._database.writing() as connection:
        connection.execute(update(send_table).values(key_fingerprint=None, started_on=None))
    provider.refuses = frozenset()
    plan = service.plan_retry(service.prepare(ISSUE), started)
    deliver(service, plan)
    first, *_, retried = provider.recipients
    assert retried.token == "1.03df6da7c313a893683a8422fb8d494c"
    assert retried.message_id == f"<{ISSUE}.0e31a9e6e281f5a5e8fc29c2@example.com>"
    assert first.token.startswith("2.1.") and first.message_id != retried.message_id


# Retry


def test_a_retry_is_for_the_refused_and_the_waiting(
    service: SendService, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.refuses = frozenset(readers(1, 2))
    started = send(service)
    prepared = service.prepare(ISSUE)
    assert service.plan_retry(prepared, started).recipients == 2
    with refused(tmp_path, f"not refused in the send of {ISSUE}: reader3@example.com"):
        service.plan_retry(prepared, started, readers(2, 3))
    provider.refuses = frozenset()
    plan = service.plan_retry(prepared, started, readers(2, 2))
    assert (plan.recipients, plan.addresses) == (1, ("reader2@example.com",))
    deliver(service, plan)
    assert sorted(provider.accepted) == readers(2, 5)
    deliver(service, service.plan_retry(prepared, started))
    assert sorted(provider.accepted) == readers(1, 5)
    with refused(tmp_path, f"nobody was refused in the send of {ISSUE}"):
        service.plan_retry(prepared, started)


# Due issues


def test_due_names_what_may_be_sent_and_refuses_more_than_at_most(
    rehearsals: SendService, tmp_path: Path
) -> None:
    for name in ("2026-04-13", "2026-04-20"):
        samples.write(tmp_path, name=name)
    samples.write(tmp_path, name="2026-04-28", issue=samples.ISSUE.replace("ready: true", "ready: false"))
    samples.write(tmp_path, name="2999-01-07")
    write(tmp_path, "subject: [", name="2026-04-21")
    names = ["2026-04-13", "2026-04-20", ISSUE]
    due = due_issues(rehearsals, at_most=3)
    assert [one.issue.name for one in due if isinstance(one, Prepared)] == names
    (broken,) = (one for one in due if isinstance(one, NewsError))
    assert "2026-04-21.yml" in broken.problems[0].where
    for name in (None, ISSUE):
        with refused(tmp_path, f"3 issues are marked ready and not yet sent: {', '.join(names)}"):
            due_issues(rehearsals, name, at_most=2)
    named = [one for one in due_issues(rehearsals, ISSUE, at_most=3) if isinstance(one, Prepared)]
    assert [one.issue.name for one in named] == [ISSUE]


def test_a_send_that_a_person_halted_is_not_due(service: SendService) -> None:
    halted = send(service, SendOptions(canary_size=2))
    assert due_issues(service) == []
    deliver(service, service.plan_resume(service.prepare(ISSUE), halted))
    assert due_issues(service) == []


def test_unknown_recipients_that_no_recall_can_settle_are_not_due(
    service: SendService, provider: FakeProvider
) -> None:
    provider.loses = frozenset(readers(5, 5))
    (held,) = service.queries.held_batches(send(service))
    assert (held.unknown, held.batch.state) == (1, "open")
    assert [due.issue.name for due in due_issues(service) if isinstance(due, Prepared)] == [ISSUE]
    service.ledger.mark_held_batch(held.batch, "kept")
    assert due_issues(service) == []


# The deadline of a cancel


@pytest.mark.parametrize(
    ("options", "minutes", "cancellable"),
    [
        pytest.param(SendOptions(), 30, True, id="undo-window"),
        pytest.param(SendOptions(send_at=NOW + timedelta(hours=3)), 180, True, id="at"),
        pytest.param(SendOptions(send_at=NOW + timedelta(minutes=5)), 5, False, id="at-soon"),
        pytest.param(SendOptions(send_at=NOW - timedelta(minutes=5)), 30, True, id="at-just-passed"),
        pytest.param(SendOptions(now=True), None, False, id="now"),
        pytest.param(SendOptions(canary_size=5), None, False, id="canary"),
    ],
)
def test_a_plan_knows_when_its_mail_leaves(
    options: SendOptions, minutes: int | None, cancellable: bool, service: SendService
) -> None:
    plan = service.plan(service.prepare(ISSUE), options)
    sent = deliver(service, plan)
    leaves = {status.batch.send_at for status in service.queries.held_batches(sent)}
    assert leaves == ({NOW + timedelta(minutes=minutes)} if minutes else set())
    assert plan.leaves_at == (leaves.pop() if leaves else None)
    assert plan.cancellable_until == service.status(sent).cancellable_until
    assert (plan.cancellable_until is not None) == cancellable


def test_the_mail_after_a_canary_is_held_back(
    service: SendService, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = send(service, SendOptions(canary_size=2))
    plan = service.plan_resume(service.prepare(ISSUE), sent)
    show_plan(plan, service)
    assert "  Undo         19 min     news cancel; leaves after 30 min\n" in capsys.readouterr().out
    deliver(service, plan)
    (held,) = service.queries.held_batches(sent)
    assert held.batch.send_at == plan.leaves_at


def test_mail_that_the_provider_cannot_hold_back_leaves_at_once(
    service: SendService, provider: FakeProvider
) -> None:
    provider.holds = False
    plan = service.plan(service.prepare(ISSUE))
    assert (plan.leaves_at, plan.cancellable_until) == (None, None)


def test_one_deadline_is_shown_until_which_a_send_can_be_cancelled(
    provider: FakeProvider, clock: FakeClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The margin is not the default one, and the batches leave at different times."""
    timing = SendTimings(cancel_margin=timedelta(minutes=17), min_calls_per_batch=1)
    provider.minutes_per_call = 2
    # A rate of one makes chunks of one recipient, and so several calls and held batches.
    with opened(tmp_path, provider, timing, extra='send: {rate: "1/s"}\n') as service:
        subscribe(service, *readers(1, 5))
        plan = service.plan(service.prepare(ISSUE))
        show_plan(plan, service)
        assert "  Undo         13 min     news cancel; leaves after 30 min\n" in capsys.readouterr().out
        sent = deliver(service, plan)
        batches = [status.batch for status in service.queries.held_batches(sent)]
        first, second = sorted({batch.send_at for batch in batches})[:2]
        status = service.status(sent)
        assert status.cancellable_until == first - timedelta(minutes=17) > clock.now()
        assert status.cancellable_until == min(hold_policy.cancellable_until(one, timing) for one in batches)
        report(status, service.queries, ReportOptions(as_json=True))
        shown = json.loads(capsys.readouterr().out)
        assert datetime.fromisoformat(shown["cancellable_until"]) == status.cancellable_until
        show_status(status, clock.now())
        assert f"\n  Cancel it, until {status.cancellable_until:%H:%M} UTC:\n" in capsys.readouterr().out
        clock.time = status.cancellable_until
        assert service.status(sent).cancellable_until == second - timedelta(minutes=17)
        clock.time += timedelta(hours=1)
        status = service.status(sent)
        assert status.cancellable_until is None and status.held_until is None
        show_status(status, clock.now())
        assert "news cancel" not in capsys.readouterr().out
