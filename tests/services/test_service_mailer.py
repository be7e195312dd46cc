"""Tests of sending mail about subscriptions: at most once, in order, within the limit of an hour."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, select

from newsletter.errors import DatabaseBusy, TemplateError
from newsletter.mail.message import Batch
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.sending.interfaces import SubmissionLog
from newsletter.sending.outcomes import Accepted, Capabilities, NotSent, Outcome, Refused
from newsletter.services.service_mail_results import LONGEST_PAUSE
from newsletter.services.service_mailer import ServiceMailer
from newsletter.store import service_mails, sign_ups
from newsletter.store.database import Database, open_database
from newsletter.store.schema import service_mail_table, subscriber_table
from newsletter.subscribers import address
from tests import samples
from tests.fakes.provider import FakeClock, FakeProvider
from tests.samples import NO_TRACKING

Result = TypeVar("Result")
BASE = "https://news.example.com"
WORDING = "Send it to me."


class Killed(BaseException):
    """The end of the process."""


@dataclass
class BatchProvider(FakeProvider):
    """A provider that takes many recipients a call, and whose outcomes a test gives."""

    outcome: Callable[[Batch], Outcome] = field(default=lambda batch: Accepted("id"))
    calls: list[Batch] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(recipients_per_call=1000, leaves_machine=True, tracking=NO_TRACKING)

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        self.calls.append(batch)
        outcome = self.outcome(batch)
        if isinstance(outcome, Accepted):
            self.accepted += [recipient.address for recipient in batch.recipients]
        return outcome


@dataclass
class Server:
    """A database, a provider and a clock, which survive the mailer."""

    database: Database
    mailings: ServiceMailings
    clock: FakeClock
    provider: FakeProvider
    fails: Callable[[], None] = lambda: None

    def write(self, change: Callable[[Connection], Result]) -> Result:
        self.fails()
        with self.database.writing() as connection:
            return change(connection)

    def mailer(self, max_per_hour: int = 500) -> ServiceMailer:
        """Return the mailer of a process that starts now."""
        return ServiceMailer(
            self.mailings, self.provider, self.write, max_per_hour=max_per_hour, now=self.clock.now
        )

    def ask(self, *names: str) -> None:
        """Sign people up, at the addresses NAME@example.com."""
        for name in names:
            parsed = address.parse(f"{name}@example.com")
            self.write(lambda c, a=parsed: sign_ups.ask(c, a, WORDING, "sign-up form", self.clock.time))

    def subscribe(self, *names: str) -> list[int]:
        """Add subscribers; return their ids."""
        rows = [
            {"address": f"{name}@example.com", "address_key": f"{name}@example.com", "state": "active"}
            | {"consent_at": samples.NOW, "consent_how": "sign-up form", "changed_at": samples.NOW}
            for name in names
        ]
        with self.database.writing() as connection:
            connection.execute(subscriber_table.insert(), rows)
            ids = select(subscriber_table.c.id).order_by(subscriber_table.c.id)
            return list(connection.scalars(ids))[-len(names) :]

    def states(self) -> list[tuple[str, str, int]]:
        """Return the kind, the state and the number of tries of each mail, in order."""
        columns = service_mail_table.c
        query = select(columns.kind, columns.state, columns.tries).order_by(columns.id)
        with self.database.reading() as connection:
            return [(kind, state, tries) for kind, state, tries in connection.execute(query)]

    def reasons(self) -> set[str | None]:
        with self.database.reading() as connection:
            return set(connection.scalars(select(service_mail_table.c.reason)))


@pytest.fixture(params=[FakeProvider, BatchProvider], ids=["one-by-one", "batches"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Yield a server with each kind of provider."""
    with opened(tmp_path, request.param) as found:
        yield found


@pytest.fixture
def batches(tmp_path: Path) -> Iterator[Server]:
    with opened(tmp_path, BatchProvider) as found:
        yield found


@pytest.fixture
def singles(tmp_path: Path) -> Iterator[Server]:
    with opened(tmp_path, FakeProvider) as found:
        yield found


@contextmanager
def opened(folder: Path, kind: type[FakeProvider]) -> Iterator[Server]:
    """Open the database of a new newsletter, and make a provider of a kind."""
    newsletter, clock = samples.newsletter(folder), FakeClock()
    links = SignedLinks([samples.SECRET], newsletter.list_id)
    tokens = UnsubscribeTokens(samples.SECRET, newsletter.list_id)
    with open_database(newsletter) as database:
        yield Server(database, ServiceMailings(newsletter, links, tokens, BASE), clock, kind(clock))


def no_mail(_: Batch) -> Outcome:
    return NotSent("no connection", stop=True)


def addresses(*names: str) -> list[str]:
    return [f"{name}@example.com" for name in names]


def test_mail_is_sent_once_in_the_order_in_which_it_was_written(server: Server) -> None:
    server.ask("ada", "bo", "cy")
    mailer = server.mailer()
    assert (mailer.run_once(), mailer.run_once()) == (3, 0)
    assert server.provider.accepted == addresses("ada", "bo", "cy")
    assert server.states() == [("confirm", "accepted", 1)] * 3


def test_each_kind_is_a_batch_of_its_own_and_confirmations_come_last(batches: Server) -> None:
    one, two = batches.subscribe("dan", "eve")
    batches.ask("ada", "bo", "dan")  # Dan is a subscriber already
    for subscriber_id in (one, two):
        batches.write(lambda c, n=subscriber_id: service_mails.write(c, "data", samples.NOW, subscriber_id=n))
    assert batches.mailer().run_once() == 5
    kinds = [(batch.mailing.issue, len(batch.recipients)) for batch in batches.provider.calls]
    assert kinds == [("already", 1), ("data", 2), ("confirm", 2)]


def test_five_hundred_mails_leave_in_batches(batches: Server) -> None:
    people = [f"reader{n}" for n in range(500)]
    batches.ask(*people)
    assert batches.mailer(max_per_hour=1000).run_once() == 500
    assert batches.provider.accepted == addresses(*people)
    assert max(len(batch.recipients) for batch in batches.provider.calls) <= 100


def test_a_mail_is_intended_in_the_database_before_its_call(batches: Server) -> None:
    batches.ask("ada", "bo")
    seen: list[object] = []

    def outcome(_: Batch) -> Outcome:
        seen.extend(batches.states())
        return Accepted("id")

    batches.provider.outcome = outcome
    batches.mailer().run_once()
    assert seen == [("confirm", "intended", 1)] * 2


def test_a_process_that_is_killed_before_its_call_sends_nothing_again(batches: Server) -> None:
    batches.ask("ada")

    def killed(_: Batch) -> Outcome:
        raise Killed

    batches.provider.outcome = killed
    with pytest.raises(Killed):
        batches.mailer().run_once()
    batches.provider.outcome = lambda batch: Accepted("id")
    assert batches.mailer().run_once() == 0
    assert batches.provider.accepted == []
    assert batches.states() == [("confirm", "unknown", 1)]


def test_five_restarts_make_one_mail(server: Server) -> None:
    server.ask("ada")
    assert [server.mailer().run_once() for _ in range(5)] == [1, 0, 0, 0, 0]
    assert server.provider.accepted == addresses("ada")


def test_five_restarts_during_the_recording_of_the_result_make_one_mail(server: Server) -> None:
    server.ask("ada")
    for _ in range(5):
        writes: list[None] = []

        def fails(writes: list[None] = writes) -> None:
            writes.append(None)
            if server.provider.accepted and len(writes) > 3:
                raise Killed

        server.fails = fails
        with suppress(Killed):
            server.mailer().run_once()
    server.fails = lambda: None
    assert server.provider.accepted == addresses("ada")


def test_a_busy_database_after_the_call_loses_no_result(server: Server) -> None:
    server.ask("ada")
    mailer = server.mailer()

    def fails() -> None:
        if server.provider.accepted:
            raise DatabaseBusy("another process has locked the database")

    server.fails = fails
    with pytest.raises(DatabaseBusy):
        mailer.run_once()
    assert server.states() == [("confirm", "intended", 1)]
    server.fails = lambda: None
    assert mailer.run_once() == 0
    assert server.states() == [("confirm", "accepted", 1)]


def test_a_pass_without_mail_records_nothing_again(server: Server) -> None:
    server.ask("ada")
    mailer = server.mailer()
    mailer.run_once()
    writes: list[None] = []
    server.fails = lambda: writes.append(None)
    mailer.run_once()
    assert len(writes) == 2, "one look at the database for each turn"


def test_refused_and_unknown_mail_is_never_tried_again(singles: Server) -> None:
    singles.provider.refuses, singles.provider.loses = frozenset(addresses("bo")), frozenset(addresses("cy"))
    singles.ask("ada", "bo", "cy")
    mailer = singles.mailer()
    mailer.run_once()
    singles.clock.time += timedelta(days=2)
    assert mailer.run_once() == 0
    assert [state for _, state, _ in singles.states()] == ["accepted", "refused", "unknown"]


def test_a_provider_that_fails_without_an_outcome_leaves_the_mail_unknown(batches: Server) -> None:
    def fails(_: Batch) -> Outcome:
        raise RuntimeError("a mistake for ada@example.com")

    batches.provider.outcome = fails
    batches.ask("ada")
    batches.mailer().run_once()
    assert batches.states() == [("confirm", "unknown", 1)]
    assert batches.reasons() == {"the provider failed: RuntimeError"}


def test_the_rejected_recipients_of_a_batch_are_refused_and_the_others_get_it(batches: Server) -> None:
    def outcome(batch: Batch) -> Outcome:
        bad = tuple(n for n, person in enumerate(batch.recipients) if person.address.startswith("bad"))
        return Refused("400 no valid address", bad) if bad else Accepted("id")

    batches.provider.outcome = outcome
    batches.ask("ada", "bad1", "bo", "bad2")
    batches.mailer().run_once()
    assert batches.provider.accepted == addresses("ada", "bo")
    assert [state for _, state, _ in batches.states()] == ["accepted", "refused", "accepted", "refused"]


def test_a_refusal_without_a_name_is_narrowed_down(batches: Server) -> None:
    def outcome(batch: Batch) -> Outcome:
        is_bad = any(person.address.startswith("bad") for person in batch.recipients)
        return Refused("400 bad request") if is_bad else Accepted("id")

    batches.provider.outcome = outcome
    batches.ask("ada", "bo", "bad", "cy", "dan")
    batches.mailer().run_once()
    assert sorted(batches.provider.accepted) == addresses("ada", "bo", "cy", "dan")
    assert [state for _, state, _ in batches.states()].count("refused") == 1


def test_a_provider_that_is_down_for_hours_gets_the_mail_when_it_is_back(batches: Server) -> None:
    batches.ask("ada", "bo")
    batches.provider.outcome = no_mail
    mailer = batches.mailer()
    started = batches.clock.time
    while batches.clock.time < started + timedelta(hours=8):
        mailer.run_once()
        batches.clock.time += timedelta(minutes=1)
    calls = len(batches.provider.calls)
    assert 8 < calls < 30, "the pauses grow, to an hour"
    batches.provider.outcome = lambda batch: Accepted("id")
    batches.clock.time += LONGEST_PAUSE
    mailer.run_once()
    assert batches.provider.accepted == addresses("ada", "bo")


def test_a_provider_that_is_down_is_asked_once_a_pass(singles: Server) -> None:
    down = BatchProvider(singles.clock, outcome=no_mail)
    singles.provider = OneByOne(down)
    singles.ask(*(f"reader{n}" for n in range(50)))
    assert singles.mailer().run_once() == 1
    assert len(down.calls) == 1


class OneByOne:
    """A provider that takes one recipient a call."""

    def __init__(self, wrapped: BatchProvider) -> None:
        self.submit = wrapped.submit
        self.capabilities = Capabilities(recipients_per_call=1, leaves_machine=True, tracking=NO_TRACKING)


def test_one_address_that_is_put_off_holds_up_nobody(singles: Server) -> None:
    def outcome(batch: Batch) -> Outcome:
        is_put_off = batch.recipients[0].address.startswith("grey")
        return NotSent("451 try later", stop=False) if is_put_off else Accepted("id")

    provider = BatchProvider(singles.clock, outcome=outcome)
    singles.provider = OneByOne(provider)
    singles.ask("grey1", "grey2", "ada", "grey3", "bo")
    singles.mailer().run_once()
    assert provider.accepted == addresses("ada", "bo")


def test_an_old_answer_is_not_sent_but_a_confirmation_is(batches: Server) -> None:
    (subscriber_id,) = batches.subscribe("dan")
    batches.write(lambda c: service_mails.write(c, "data", samples.NOW, subscriber_id=subscriber_id))
    batches.ask("ada")
    batches.provider.outcome = no_mail
    batches.clock.time += timedelta(days=1)
    mailer = batches.mailer()
    mailer.run_once()
    batches.clock.time += timedelta(hours=2)
    mailer.run_once()
    assert [(kind, state) for kind, state, _ in batches.states()] == [
        ("data", "refused"),
        ("confirm", "waiting"),
    ]


def test_the_limit_of_an_hour_holds_mail_back_and_is_logged_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.ask(*(f"reader{n}" for n in range(7)))
    (subscriber_id,) = server.subscribe("dan")
    mailer = server.mailer(max_per_hour=3)
    with caplog.at_level(logging.WARNING):
        assert [mailer.run_once() for _ in range(3)] == [3, 0, 0]
    assert [record.message for record in caplog.records] == [
        "too many sign-ups: mail to confirm them waits, because the limit of an hour is reached"
    ]
    server.write(lambda c: service_mails.write(c, "data", samples.NOW, subscriber_id=subscriber_id))
    assert mailer.run_once() == 1, "mail that no stranger can cause has no limit"
    server.clock.time += timedelta(hours=1)
    assert mailer.run_once() == 3


def test_a_restart_does_not_lift_the_limit_of_an_hour(server: Server) -> None:
    server.ask(*(f"reader{n}" for n in range(7)))
    assert [server.mailer(max_per_hour=3).run_once() for _ in range(3)] == [3, 0, 0]
    server.clock.time += timedelta(hours=1)
    assert server.mailer(max_per_hour=3).run_once() == 3


def test_mail_that_was_certainly_not_sent_does_not_count_for_the_limit(batches: Server) -> None:
    batches.ask("ada", "bo", "cy")
    batches.provider.outcome = no_mail
    mailer = batches.mailer(max_per_hour=3)
    mailer.run_once()
    batches.provider.outcome = lambda batch: Accepted("id")
    batches.clock.time += timedelta(minutes=2)
    assert mailer.run_once() == 3


def test_a_server_that_stops_begins_no_call(server: Server) -> None:
    server.ask("ada", "bo")
    stopped: list[bool] = []

    def is_stopped() -> bool:
        stopped.append(bool(server.provider.accepted))
        return stopped[-1]

    server.mailer().run_once(is_stopped)
    sent = len(server.provider.accepted)
    states = [state for _, state, _ in server.states()]
    assert states == ["accepted"] * sent + ["waiting"] * (2 - sent)


def test_a_mistake_in_a_template_claims_no_mail(batches: Server, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "service"
    own.mkdir(parents=True)
    (own / "data.j2").write_text("{{ nothing }}", encoding="utf-8")
    batches.ask("ada")
    with pytest.raises(TemplateError):
        batches.mailer().run_once()
    assert batches.states() == [("confirm", "waiting", 0)]
    (own / "data.j2").unlink()
    assert batches.mailer().run_once() == 1


def test_a_reason_and_a_log_line_hold_no_address(batches: Server, caplog: pytest.LogCaptureFixture) -> None:
    batches.provider.outcome = lambda batch: Refused("550 <ada@example.com>: no such user")
    batches.ask("ada")
    with caplog.at_level(logging.DEBUG, logger="newsletter.services"):
        batches.mailer().run_once()
    assert batches.reasons() == {"550 <recipient>: no such user"}
    assert caplog.records and "ada@" not in str([record.__dict__ for record in caplog.records])


def test_the_data_link_lives_from_the_time_of_the_call(batches: Server) -> None:
    (subscriber_id,) = batches.subscribe("dan")
    batches.write(lambda c: service_mails.write(c, "data", samples.NOW, subscriber_id=subscriber_id))
    batches.clock.time += timedelta(hours=5)
    batches.mailer().run_once()
    (batch,) = batches.provider.calls
    found = SignedLinks([samples.SECRET], "the-soup-letter.example.com").data_link(
        batch.recipients[0].link.rpartition("/")[2]
    )
    assert found and found.expires == samples.NOW + timedelta(hours=6)
