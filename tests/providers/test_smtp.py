"""Test SMTP against Postfix, and against a scripted server for rare replies."""

import email
import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from newsletter.config.model import Smtp
from newsletter.errors import StoreError
from newsletter.mail.message import Batch, Mailing, Recipient
from newsletter.providers.smtp.provider import SmtpProvider
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.postfix import Postfix
from tests.fakes.smtp import CLOSE, GO_ON, RESET, SILENCE, ScriptedSmtp

PEOPLE = [Subscriber(n, f"reader{n}@example.com", f"Reader {n}") for n in range(1, 4)]
OK, QUEUED = "250 ok", "250 2.0.0 queued"
# Short names of outcomes: accepted; refused for good; not sent, to be retried; not sent, and the send stops;
# unknown.
YES, NO, LATER, STOP, UNKNOWN = "accepted", "refused", "later", "stop", "unknown"


class SubmissionLog(samples.SubmissionLog):
    """A log that also accepts outcomes of messages that were not begun."""

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        assert recipient.number not in self.ended
        self.ended[recipient.number] = outcome


def provider(port: int, timeout: float = 5, **settings: object) -> SmtpProvider:
    values = {"security": "none", **settings}
    return SmtpProvider(Smtp(port=port, **values), timeout=timeout)


def batch_to(*people: Subscriber, mailing: Mailing | None = None) -> Batch:
    return samples.batch(mailing or samples.plain_mailing(), *people)


def submit(smtp: SmtpProvider, batch: Batch, submissions: SubmissionLog | None = None) -> list[Outcome]:
    """Submit a batch; return the outcome of each recipient, in order."""
    submissions = submissions or SubmissionLog()
    default = smtp.submit(batch, submissions)
    assert {recipient.number for recipient in submissions.begun} <= set(submissions.ended), (
        "a message was begun and has no outcome"
    )
    return [submissions.ended.get(recipient.number, default) for recipient in batch.recipients]


def submit_all(smtp: SmtpProvider, *people: Subscriber) -> list[Outcome]:
    try:
        return submit(smtp, batch_to(*people))
    finally:
        smtp.close()


def short_names(outcomes: Sequence[Outcome]) -> list[str]:
    names = {Accepted: YES, Refused: NO, Unknown: UNKNOWN}
    return [
        (STOP if outcome.stop else LATER) if isinstance(outcome, NotSent) else names[type(outcome)]
        for outcome in outcomes
    ]


def delivered(server: ScriptedSmtp) -> list[str]:
    """Return the recipients' addresses, in order; fail if a message is incomplete."""
    messages = [email.message_from_bytes(raw, policy=default) for raw in server.messages]
    assert all(message.is_multipart() and not message.defects for message in messages)
    return [parseaddr(str(message["To"]))[1] for message in messages]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=[False, True], ids=["one-by-one", "pipelined"])
def pipelining(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# Outcomes: the scripted server gives the second of three messages another reply.

EARLY, TWICE = f"{GO_ON}\r\n{QUEUED}", f"{QUEUED}\r\n{QUEUED}"
LONG_LINE, MANY_LINES = "554 " + "x" * 300_000, "554-x\r\n" * 20_000 + "554 x"


@pytest.mark.parametrize(
    ("script", "expected", "begun", "connections"),
    [
        pytest.param({}, [YES, YES, YES], 3, 1, id="all-well"),
        pytest.param({"MAIL": [OK, "451 4.3.0 busy", OK]}, [YES, LATER, LATER], 1, 1, id="sender-not-now"),
        pytest.param({"MAIL": [OK, "550 5.7.1 no", OK]}, [YES, STOP, STOP], 1, 1, id="sender-never"),
        pytest.param({"MAIL": [OK, "220 hm", OK]}, [YES, LATER, LATER], 1, 1, id="an-odd-sender"),
        pytest.param({"MAIL": [OK, "421 4.7.0 enough", OK]}, [YES, YES, YES], 3, 2, id="closing"),
        pytest.param({"MAIL": [OK, "503 5.5.1 order", OK]}, [YES, YES, YES], 3, 2, id="out-of-order"),
        pytest.param({"MAIL": [OK, CLOSE, OK]}, [YES, YES, YES], 3, 2, id="closed"),
        pytest.param({"MAIL": [OK, RESET, OK]}, [YES, YES, YES], 3, 2, id="reset"),
        pytest.param({"MAIL": [OK, SILENCE, OK]}, [YES, YES, YES], 3, 2, id="silent"),
        pytest.param({"MAIL": [OK, "what?", OK]}, [YES, YES, YES], 3, 2, id="garbage"),
        pytest.param({"RCPT": [OK, "550 5.1.1 no", OK]}, [YES, NO, YES], 2, 1, id="recipient-never"),
        pytest.param({"RCPT": [OK, "450 4.2.1 grey", OK]}, [YES, LATER, YES], 2, 1, id="recipient-not-now"),
        pytest.param({"RCPT": [OK, "251 elsewhere", OK]}, [YES, YES, YES], 3, 1, id="recipient-forwarded"),
        pytest.param({"RCPT": [OK, "421 many", OK]}, [YES, LATER, LATER], 1, 1, id="recipient-closing"),
        pytest.param({"RCPT": [OK, CLOSE, OK]}, [YES, LATER, LATER], 1, 1, id="recipient-closed"),
        pytest.param({"RCPT": [OK, RESET, OK]}, [YES, LATER, LATER], 1, 1, id="recipient-reset"),
        pytest.param({"RCPT": [OK, SILENCE, OK]}, [YES, LATER, LATER], 1, 1, id="recipient-silent"),
        pytest.param({"RCPT": [OK, "220 hm", OK]}, [YES, LATER, LATER], 1, 1, id="an-odd-recipient"),
        pytest.param({"RCPT": [OK, "what?", OK]}, [YES, LATER, LATER], 1, 1, id="recipient-garbage"),
        pytest.param({"DATA": [GO_ON, "554 5.5.1 no", GO_ON]}, [YES, NO, YES], 2, 1, id="data-never"),
        pytest.param({"DATA": [GO_ON, "503 5.5.1 no", GO_ON]}, [YES, NO, YES], 2, 1, id="data-order"),
        pytest.param({"DATA": [GO_ON, "452 4.3.1 full", GO_ON]}, [YES, LATER, YES], 2, 1, id="no-room"),
        pytest.param({"DATA": [GO_ON, "421 bye", GO_ON]}, [YES, LATER, LATER], 1, 1, id="data-closing"),
        pytest.param({"DATA": [GO_ON, CLOSE, GO_ON]}, [YES, LATER, LATER], 1, 1, id="data-closed"),
        pytest.param({"DATA": [GO_ON, RESET, GO_ON]}, [YES, LATER, LATER], 1, 1, id="data-reset"),
        pytest.param({"DATA": [GO_ON, SILENCE, GO_ON]}, [YES, LATER, LATER], 1, 1, id="data-silent"),
        pytest.param({"DATA": [GO_ON, "250 hm", GO_ON]}, [YES, LATER, LATER], 1, 1, id="data-at-once"),
        pytest.param({"DATA": [GO_ON, "what?", GO_ON]}, [YES, LATER, LATER], 1, 1, id="data-garbage"),
        pytest.param({"DATA": [GO_ON, EARLY, GO_ON]}, [YES, LATER, LATER], 1, 1, id="an-early-yes"),
        pytest.param({".": [QUEUED, "554 5.7.1 spam", QUEUED]}, [YES, NO, YES], 3, 1, id="content-never"),
        pytest.param({".": [QUEUED, "451 4.3.0 no", QUEUED]}, [YES, LATER, YES], 3, 1, id="content-not-now"),
        pytest.param({".": [QUEUED, "421 bye", QUEUED]}, [YES, LATER, LATER], 2, 1, id="content-closing"),
        pytest.param({".": [QUEUED, "200 hm", QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="an-odd-yes"),
        pytest.param({".": [QUEUED, "what?", QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="an-odd-answer"),
        pytest.param({".": [QUEUED, CLOSE, QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="content-closed"),
        pytest.param({".": [QUEUED, RESET, QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="content-reset"),
        pytest.param({".": [QUEUED, SILENCE, QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="content-silent"),
        pytest.param({".": [QUEUED, "250-a\r\n250 b", QUEUED]}, [YES, YES, YES], 3, 1, id="in-two-lines"),
        pytest.param({".": [QUEUED, "554-a\r\n250 b", QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="mixed"),
        pytest.param({".": [QUEUED, LONG_LINE, QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="a-long-line"),
        pytest.param({".": [QUEUED, MANY_LINES, QUEUED]}, [YES, UNKNOWN, LATER], 2, 1, id="many-lines"),
        pytest.param({".": [TWICE, QUEUED]}, [YES, LATER, LATER], 1, 1, id="two-answers"),
    ],
)
def test_each_way_that_a_message_can_end(
    pipelining: bool,
    script: dict[str, str | list[str]],
    expected: list[str],
    begun: int,
    connections: int,
) -> None:
    # The server removes the replies from the lists.
    script = {verb: list(replies) for verb, replies in script.items()}
    submissions = SubmissionLog()
    with ScriptedSmtp(script, pipelining=pipelining) as server:
        smtp = provider(server.port, timeout=0.5)
        outcomes = submit(smtp, batch_to(*PEOPLE), submissions)
        smtp.close()
    assert short_names(outcomes) == expected
    assert len(submissions.begun) == begun
    assert server.connections == connections
    accepted = [
        subscriber.address for subscriber, outcome in zip(PEOPLE, expected, strict=True) if outcome == YES
    ]
    assert delivered(server) == accepted
    assert set(server.cut_off) <= {b""}, "a part of a message was sent"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param({"MAIL": "451 4.3.0 busy"}, LATER, id="sender-not-now"),
        pytest.param({"MAIL": "550 5.7.1 not you"}, STOP, id="sender-never"),
        pytest.param({"MAIL": "503 5.5.1 log in first"}, STOP, id="out-of-order"),
        pytest.param({"MAIL": "421 4.3.2 closing"}, LATER, id="closing"),
        pytest.param({"MAIL": CLOSE}, LATER, id="closed"),
        pytest.param({"MAIL": RESET}, LATER, id="reset"),
        pytest.param({"MAIL": SILENCE}, LATER, id="silent"),
        pytest.param({"MAIL": "what?"}, LATER, id="garbage"),
    ],
)
def test_a_new_connection_that_is_no_good_is_not_tried_again(
    pipelining: bool, script: dict[str, str], expected: str
) -> None:
    submissions = SubmissionLog()
    with ScriptedSmtp(script, pipelining=pipelining) as server:
        smtp = provider(server.port, timeout=0.5)
        outcomes = submit(smtp, batch_to(*PEOPLE), submissions)
        smtp.close()
    assert short_names(outcomes) == [expected] * 3
    assert (server.connections, server.messages, submissions.begun) == (1, [], [])


@pytest.mark.parametrize(
    ("at_data", "at_the_end", "connections"),
    [
        pytest.param("503 5.5.1 no valid recipients", QUEUED, 1, id="no-data-as-it-should-be"),
        pytest.param(GO_ON, "554 5.5.1 no valid recipients", 1, id="go-on-and-no"),
        pytest.param(GO_ON, QUEUED, 1, id="go-on-and-yes"),
        pytest.param(GO_ON, "421 4.3.2 bye", 2, id="go-on-and-goodbye"),
        pytest.param(GO_ON, CLOSE, 2, id="go-on-and-closed"),
        pytest.param(GO_ON, SILENCE, 2, id="go-on-and-silence"),
        pytest.param("250 hm", QUEUED, 1, id="an-odd-answer"),
        pytest.param("421 4.7.0 too many unknown", QUEUED, 2, id="goodbye"),
        pytest.param(CLOSE, QUEUED, 2, id="closed"),
        pytest.param("what?", QUEUED, 2, id="garbage"),
    ],
)
@pytest.mark.parametrize(("refusal", "outcome"), [("550 5.1.1 no", NO), ("450 4.2.1 later", LATER)])
def test_a_recipient_refused_is_refused_whatever_is_said_to_the_data_sent_along(
    refusal: str, outcome: str, at_data: str, at_the_end: str, connections: int
) -> None:
    at_end = [QUEUED, at_the_end, QUEUED] if at_data == GO_ON else QUEUED
    script = {"RCPT": [OK, refusal, OK], "DATA": [GO_ON, at_data, GO_ON], ".": at_end}

    class Closing(ScriptedSmtp):
        """A server that closes the connection after a 421."""

        def _reply(self, wire: object, reply: str) -> bool:
            return super()._reply(wire, reply) and (not reply.startswith("421") or self._bye(wire))

        def _bye(self, wire: object) -> bool:
            wire.flush()
            return False

    submissions = SubmissionLog()
    with Closing(script, pipelining=True) as server:
        smtp = provider(server.port, timeout=0.5)
        outcomes = submit(smtp, batch_to(*PEOPLE), submissions)
        smtp.close()
    assert short_names(outcomes) == [YES, outcome, YES]
    assert delivered(server) == ["reader1@example.com", "reader3@example.com"]
    assert [recipient.number for recipient in submissions.begun] == [1, 3]
    assert server.connections == connections
    assert set(server.cut_off) <= {b""}


def test_one_by_one_there_is_no_data_for_a_recipient_who_was_refused() -> None:
    with ScriptedSmtp({"RCPT": [OK, "550 5.1.1 no", OK]}) as server:
        assert short_names(submit_all(provider(server.port), *PEOPLE)) == [YES, NO, YES]
    assert [command[:4] for command in server.commands].count("DATA") == 2


@pytest.mark.parametrize("answer", ["421 4.3.2 bye", "502 5.5.1 what?", "354 go on", CLOSE])
def test_a_transaction_that_cannot_be_left_is_left_with_the_connection(pipelining: bool, answer: str) -> None:
    script = {"RCPT": [OK, "550 5.1.1 no", OK], "RSET": answer}
    with ScriptedSmtp(script, pipelining=pipelining) as server:
        assert short_names(submit_all(provider(server.port), *PEOPLE)) == [YES, NO, YES]
    assert server.connections == 2
    assert delivered(server) == ["reader1@example.com", "reader3@example.com"]


def test_the_answer_that_is_reported_is_the_servers(pipelining: bool) -> None:
    script = {"RCPT": [OK, "550-5.1.1 <reader2@example.com>:\r\n550 5.1.1 unknown", OK]}
    with ScriptedSmtp(script, pipelining=pipelining) as server:
        accepted, refused, _ = submit_all(provider(server.port), *PEOPLE)
    assert accepted == Accepted("250 2.0.0 queued as 1")
    assert refused == Refused("550 5.1.1 <reader2@example.com>: 5.1.1 unknown")


# Calls of the submission log.


@pytest.mark.parametrize("most", [0, 1, 2])
def test_nothing_is_delivered_that_may_not_begin(pipelining: bool, most: int) -> None:
    submissions = SubmissionLog(most)
    with ScriptedSmtp(pipelining=pipelining) as server:
        smtp = provider(server.port)
        outcomes = submit(smtp, batch_to(*PEOPLE), submissions)
        assert len(submissions.begun) == most
        assert short_names(outcomes) == [YES] * most + [LATER] * (3 - most)
        assert [outcome.wait for outcome in outcomes if isinstance(outcome, NotSent)] == [0] * (3 - most)
        # The connection is in the middle of a transaction: the next batch must not continue it.
        assert short_names(submit(smtp, batch_to(*PEOPLE[most:]))) == [YES] * (3 - most)
        smtp.close()
    assert delivered(server) == [subscriber.address for subscriber in PEOPLE]
    assert server.cut_off == [b""]


@pytest.mark.parametrize("at", ["begin", "end"])
def test_a_ledger_that_fails_stops_it_and_nothing_more_is_sent(pipelining: bool, at: str) -> None:
    class FailingLog(SubmissionLog):
        def starting(self, recipient: Recipient) -> bool:
            if at == "begin" and len(self.begun) == 1:
                raise StoreError("the disk is full")
            return super().starting(recipient)

        def finished(self, recipient: Recipient, outcome: Outcome) -> None:
            super().finished(recipient, outcome)
            if at == "end":
                raise StoreError("the disk is full")

    with ScriptedSmtp(pipelining=pipelining) as server:
        smtp = provider(server.port)
        with pytest.raises(StoreError):
            smtp.submit(batch_to(*PEOPLE), FailingLog())
        assert delivered(server) == ["reader1@example.com"]
        assert short_names(submit(smtp, batch_to(*PEOPLE[1:]))) == [YES, YES]
        smtp.close()
    assert delivered(server) == [subscriber.address for subscriber in PEOPLE]
    assert set(server.cut_off) <= {b""} and server.connections == 2


def test_a_message_begins_when_the_server_waits_for_it_and_ends_before_the_next(pipelining: bool) -> None:
    seen: list[tuple[str, int, str, int]] = []

    class Recording(SubmissionLog):
        def starting(self, recipient: Recipient) -> bool:
            seen.append(("begin", recipient.number, server.commands[-1], len(server.messages)))
            return super().starting(recipient)

        def finished(self, recipient: Recipient, outcome: Outcome) -> None:
            seen.append(("end", recipient.number, "", len(server.messages)))
            super().finished(recipient, outcome)

    with ScriptedSmtp(pipelining=pipelining) as server:
        smtp = provider(server.port)
        submit(smtp, batch_to(*PEOPLE), Recording())
        smtp.close()
    expected = [[("begin", n, "DATA", n - 1), ("end", n, "", n)] for n in (1, 2, 3)]
    assert seen == [step for pair in expected for step in pair]


# Round trips.


def test_pipelining_takes_one_round_trip_a_message() -> None:
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, 21)]
    script = {"RCPT": [OK, "550 5.1.1 no", OK]}
    with ScriptedSmtp(script, pipelining=True, latency=0.005) as server:
        smtp = provider(server.port)
        assert short_names(submit(smtp, batch_to(*people))) == [YES, NO, *[YES] * 18]
        # Greeting, EHLO, the first envelope; the third envelope waits for the outcome of the second message.
        assert server.turns == 3 + 20
        assert short_names(submit(smtp, batch_to(*people))) == [YES] * 20
        assert server.turns == 23 + 1 + 20
        smtp.close()


def test_without_pipelining_each_command_waits_for_its_answer() -> None:
    with ScriptedSmtp(latency=0.001) as server:
        smtp = provider(server.port)
        assert short_names(submit(smtp, batch_to(*PEOPLE))) == [YES] * 3
        assert server.turns == 2 + 4 * 3
        smtp.close()


def test_calls_at_once_have_connections_of_their_own_which_are_kept(pipelining: bool) -> None:
    batches = [[Subscriber(n, f"reader{t}.{n}@example.com") for n in range(5)] for t in range(4)]
    together = threading.Barrier(4, timeout=10)

    class Together(SubmissionLog):
        def starting(self, recipient: Recipient) -> bool:
            together.wait()
            return super().starting(recipient)

    outcomes: list[list[str]] = []
    with ScriptedSmtp(pipelining=pipelining) as server:
        smtp = provider(server.port, connections=4)
        assert smtp.capabilities.max_calls == 4
        for _ in range(2):
            threads = [
                threading.Thread(
                    target=lambda people: outcomes.append(
                        short_names(submit(smtp, batch_to(*people), Together()))
                    ),
                    args=(batch,),
                )
                for batch in batches
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        smtp.close()
    assert outcomes == [[YES] * 5] * 8
    assert server.connections == 4
    addresses = [subscriber.address for batch in batches for subscriber in batch]
    assert sorted(delivered(server)) == sorted(addresses * 2)


# Connections.


def test_a_kept_connection_that_was_closed_in_between_is_opened_again(pipelining: bool) -> None:
    mail = [OK, "421 4.4.2 idle too long", OK, CLOSE, OK]
    with ScriptedSmtp({"MAIL": mail}, pipelining=pipelining) as server:
        smtp = provider(server.port)
        assert [short_names(submit(smtp, batch_to(subscriber))) for subscriber in PEOPLE] == [[YES]] * 3
        smtp.close()
    assert server.connections == 3
    assert delivered(server) == [subscriber.address for subscriber in PEOPLE]


def test_a_server_that_takes_one_message_a_connection_gets_one(pipelining: bool) -> None:
    mail = [OK, *["421 4.7.0 one only", OK] * 2]
    with ScriptedSmtp({"MAIL": mail}, pipelining=pipelining) as server:
        assert short_names(submit_all(provider(server.port), *PEOPLE)) == [YES] * 3
    assert server.connections == 3
    assert delivered(server) == [subscriber.address for subscriber in PEOPLE]


def test_after_an_unknown_the_next_batch_gets_a_new_connection(pipelining: bool) -> None:
    with ScriptedSmtp({".": [CLOSE, QUEUED]}, pipelining=pipelining) as server:
        smtp = provider(server.port)
        assert short_names(submit(smtp, batch_to(PEOPLE[0]))) == [UNKNOWN]
        assert short_names(submit(smtp, batch_to(*PEOPLE[1:]))) == [YES, YES]
        smtp.close()
    assert delivered(server) == ["reader2@example.com", "reader3@example.com"]


def test_a_message_lost_halfway_is_unknown(pipelining: bool) -> None:
    """The server closes the connection while the message is written."""

    class Leaving(ScriptedSmtp):
        def _message(self, wire: object) -> bool:
            wire.readline()
            wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False

    long = samples.plain_mailing(text="[[unsubscribe_url]]\n" + "soup\n" * 2_000_000)
    with Leaving(pipelining=pipelining) as server:
        smtp = provider(server.port)
        assert short_names(submit(smtp, batch_to(*PEOPLE, mailing=long))) == [UNKNOWN, LATER, LATER]
        smtp.close()
    assert server.messages == []


def test_nobody_there_stops_the_send_unless_somebody_was() -> None:
    (never,) = submit_all(provider(free_port()), PEOPLE[0])
    assert isinstance(never, NotSent) and never.stop and "127.0.0.1:" in never.reason
    with ScriptedSmtp() as server:
        smtp = provider(server.port)
        assert short_names(submit(smtp, batch_to(PEOPLE[0]))) == [YES]
    gone = submit(smtp, batch_to(*PEOPLE))
    assert short_names(gone) == [LATER] * 3
    assert isinstance(gone[0], NotSent) and "no connection to 127.0.0.1" in gone[0].reason


@pytest.mark.parametrize(
    "greeting", ["554 5.7.1 not you", "421 4.7.0 try again", "hello?", CLOSE, RESET, SILENCE]
)
def test_an_unwelcoming_server(greeting: str) -> None:
    with ScriptedSmtp(greeting=greeting) as server:
        assert short_names(submit_all(provider(server.port, timeout=0.5), PEOPLE[0])) == [STOP]
    with ScriptedSmtp({"MAIL": [OK, CLOSE]}, greeting=["220 hello", greeting]) as server:
        smtp = provider(server.port, timeout=0.5)
        assert short_names(submit(smtp, batch_to(*PEOPLE))) == [YES, LATER, LATER]
        smtp.close()


def submit_together(smtp: SmtpProvider, calls: int) -> list[str]:
    outcomes: list[str] = []
    start = threading.Barrier(calls, timeout=10)

    def call(person: Subscriber) -> None:
        start.wait()
        outcomes.extend(short_names(submit(smtp, batch_to(person))))

    threads = [
        threading.Thread(target=call, args=(Subscriber(n, f"reader{n}@example.com"),)) for n in range(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    smtp.close()
    return sorted(outcomes)


def test_a_server_that_takes_one_connection_and_no_more_does_not_stop_the_send() -> None:
    """The other connections are rejected before the first is ready: that needs more than a greeting."""
    greeting = ["220 hello", "421 4.7.0 too many connections"]
    with ScriptedSmtp(greeting=greeting, latency=0.05) as server:
        outcomes = submit_together(provider(server.port), 4)
    assert outcomes[0] == YES and set(outcomes[1:]) <= {YES, LATER}


def test_one_call_finds_out_for_all_that_nobody_is_there() -> None:
    with ScriptedSmtp(greeting="554 no", latency=0.3) as server:
        assert submit_together(provider(server.port), 4) == [STOP] * 4
    assert server.connections < 4


# Login and TLS.


AUTH = "250-fake.example.com\r\n250 AUTH PLAIN"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(["535 5.7.8 wrong"], [STOP, STOP, STOP], id="wrong"),
        pytest.param(["454 4.7.0 not now"], [STOP, STOP, STOP], id="not-now"),
        pytest.param([CLOSE], [STOP, STOP, STOP], id="closed"),
        pytest.param(["235 ok", "535 5.7.8 wrong"], [YES, STOP, STOP], id="wrong-from-then-on"),
        pytest.param(["235 ok", "454 4.7.0 not now"], [YES, LATER, LATER], id="not-now-for-once"),
        pytest.param(["235 ok"], [YES, YES, YES], id="right"),
    ],
)
def test_login(answers: list[str], expected: list[str]) -> None:
    script = {"EHLO": AUTH, "AUTH": answers, "MAIL": [OK, CLOSE, OK]}
    with ScriptedSmtp(script) as server:
        settings = Smtp(port=server.port, security="none", username="soup")
        outcomes = submit_all(SmtpProvider(settings, SecretStr("leek")), *PEOPLE)
    assert short_names(outcomes) == expected
    assert "leek" not in str(outcomes)


def test_starttls_that_is_not_offered_is_not_done_without() -> None:
    with ScriptedSmtp() as server:
        outcomes = submit_all(provider(server.port, security="starttls"), PEOPLE[0])
    assert short_names(outcomes) == [STOP] and server.messages == []
    assert outcomes[0].reason == (
        f"no connection to 127.0.0.1:{server.port}: offers no STARTTLS; in newsletter.yml write "
        "`smtp.security: tls` (often with port 465); or `none`, and then everybody on the network path "
        "can read addresses and links"
    )


def test_a_server_without_tls_or_without_a_login_names_the_setting() -> None:
    with ScriptedSmtp() as server:
        (no_tls,) = submit_all(provider(server.port, security="tls"), PEOPLE[0])
        settings = Smtp(port=server.port, security="none", username="soup")
        (no_login,) = submit_all(SmtpProvider(settings, SecretStr("leek")), PEOPLE[0])
    assert "does not start with TLS" in no_tls.reason and "`smtp.security: starttls`" in no_tls.reason
    assert "offers no login" in no_login.reason and "`smtp.username`" in no_login.reason


def test_a_host_that_is_no_name_is_an_answer() -> None:
    settings = Smtp.model_construct(host="mail..example.com", port=25, security="none", username=None)
    assert short_names(submit_all(SmtpProvider(settings), PEOPLE[0])) == [STOP]


def test_a_password_that_cannot_be_said_is_an_answer() -> None:
    with ScriptedSmtp({"EHLO": AUTH, "AUTH": "235 welcome"}) as server:
        settings = Smtp(port=server.port, security="none", username="soup")
        (outcome,) = submit_all(SmtpProvider(settings, SecretStr("pässwörd")), PEOPLE[0])
    assert isinstance(outcome, NotSent) and outcome.stop
    assert "not ASCII" in outcome.reason and "xe4" not in outcome.reason


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_login_over_starttls(certificate: tuple[Path, Path], password: str) -> None:
    def authenticate(*args: object) -> AuthResult:
        login = args[-1]
        assert isinstance(login, LoginPassword)
        return AuthResult(success=(login.login, login.password) == (b"soup", b"right"), handled=False)

    class Sink:
        taken: list[bytes] = []  # noqa: RUF012 - one server, one list

        async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
            self.taken.append(envelope.content)
            return "250 taken"

    Sink.taken = []
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    server = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=0,
        tls_context=served,
        authenticator=authenticate,
        auth_required=True,
        require_starttls=True,
    )
    server.port = free_port()
    server.start()
    try:
        smtp = SmtpProvider(
            Smtp(port=server.port, security="starttls", username="soup"),
            SecretStr(password),
            tls=ssl.create_default_context(cafile=certificate[0]),
        )
        outcome, *others = submit_all(smtp, *PEOPLE)
    finally:
        server.stop()
    if password == "right":
        assert short_names([outcome, *others]) == [YES] * 3 and len(Sink.taken) == 3
    else:
        assert isinstance(outcome, NotSent) and "535" in outcome.reason and "wrong" not in outcome.reason
        assert Sink.taken == []


def test_tls_from_the_first_byte(certificate: tuple[Path, Path]) -> None:
    class Sink:
        async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:
            return "250 taken"

    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    server = Controller(Sink(), hostname="127.0.0.1", port=free_port(), ssl_context=served)
    trusted = ssl.create_default_context(cafile=certificate[0])

    def trial() -> None:
        # The controller's own test connection would not trust our certificate.
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            trusted.wrap_socket(plain, server_hostname="127.0.0.1").close()

    server._trigger_server = trial
    server.start()
    try:
        smtp = SmtpProvider(Smtp(port=server.port, security="tls"), tls=trusted)
        assert short_names(submit_all(smtp, *PEOPLE)) == [YES] * 3
        stranger = SmtpProvider(Smtp(port=server.port, security="tls"))
        assert short_names(submit_all(stranger, PEOPLE[0])) == [STOP]
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        pytest.param({"username": "soup"}, "SMTP_PASSWORD: is not set", id="no-password"),
        pytest.param(
            {"username": "soup", "security": "none"},
            "smtp would send the password without encryption",
            id="clear",
        ),
    ],
)
def test_check_sees_without_connecting(settings: dict[str, object], problem: str) -> None:
    smtp = SmtpProvider(Smtp(**{"port": free_port(), **settings}))
    assert any(problem in str(reported) for reported in smtp.check())


# Messages received.


@pytest.mark.parametrize(
    "address", ["a@example.com\r\nBcc: b@example.com", "ä@example.com", "a b@example.com"]
)
def test_an_address_that_no_header_can_hold_is_refused(pipelining: bool, address: str) -> None:
    """Validation rejects such addresses; a database that was edited by hand may contain one."""
    submissions = SubmissionLog()
    people = [PEOPLE[0], Subscriber(4, address), PEOPLE[1], Subscriber(5, address)]
    with ScriptedSmtp(pipelining=pipelining) as server:
        smtp = provider(server.port)
        assert short_names(submit(smtp, batch_to(*people), submissions)) == [YES, NO, YES, NO]
        smtp.close()
    assert [recipient.number for recipient in submissions.begun] == [1, 3]
    assert delivered(server) == ["reader1@example.com", "reader2@example.com"]
    assert not any(b"Bcc" in message for message in server.messages)


def test_a_sender_that_no_header_can_hold_sends_nothing() -> None:
    mailing = replace(samples.plain_mailing(), sender=("Soup", "süp@example.com"))
    assert short_names(submit(provider(free_port()), batch_to(*PEOPLE, mailing=mailing))) == [STOP] * 3


def test_nobody_to_write_to_is_no_connection() -> None:
    smtp = provider(free_port())
    assert smtp.submit(Batch(samples.plain_mailing(), []), SubmissionLog()) == Accepted()
    assert short_names(submit(smtp, batch_to(Subscriber(1, "a b@example.com")))) == [NO]


def undotted(wire: bytes) -> EmailMessage:
    lines = b"\r\n".join(line.removeprefix(b".") for line in wire.split(b"\r\n"))
    return email.message_from_bytes(lines, policy=default)


DOTTED = replace(
    samples.plain_mailing(
        text=".\n..two\n.three [[unsubscribe_url]]. [[unsubscribe_url]]\n.[[name]].\n[[name]]\n" * 9,
        html='<p>.\n.</p><a href="[[unsubscribe_url]]">.</a>\n',
    ),
    unsubscribe_url="https://soup.example.com/leave/{token}.html",
)
DOTTY = Subscriber(7, "ada.b.c@example.com", ".Ada")


def check_dots(message: EmailMessage) -> None:
    (recipient,) = samples.batch(DOTTED, DOTTY).recipients
    link = f"https://soup.example.com/leave/{recipient.token}.html"
    assert message["List-Unsubscribe"] == f"<{link}>"
    text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    assert text == f".\n..two\n.three {link}. {link}\n..Ada.\n.Ada\n" * 9
    assert html == f'<p>.\n.</p><a href="{link}">.</a>\n'


def test_dots_arrive(pipelining: bool) -> None:
    with ScriptedSmtp(pipelining=pipelining) as server:
        smtp = provider(server.port)
        assert short_names(submit(smtp, batch_to(DOTTY, PEOPLE[0], mailing=DOTTED))) == [YES, YES]
        smtp.close()
    assert not [line for wire in server.messages for line in wire.split(b"\r\n") if line == b"."]
    check_dots(undotted(server.messages[0]))


# Postfix.


def arrived(server: Postfix, subject: str, count: int) -> list[EmailMessage]:
    """Return the messages that Postfix delivered with a subject, after `count` of them arrived."""
    matching: list[EmailMessage] = []
    for expected in range(count, count + 1000):
        messages = [email.message_from_bytes(raw, policy=default) for raw in server.messages(expected, 20)]
        assert all(
            message["List-Unsubscribe"] for message in messages if message["From"].startswith("The Soup")
        )
        matching = [message for message in messages if message["Subject"] == subject]
        if len(matching) >= count or len(messages) < expected:
            break
    return sorted(matching, key=lambda message: str(message["To"]))


def test_postfix_takes_and_delivers_over_starttls(
    postfix_server: Postfix, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    mailing = samples.mailing(tmp_path)
    smtp = SmtpProvider(
        Smtp(port=postfix_server.port, security="starttls"),
        tls=ssl.create_default_context(cafile=certificate[0]),
    )
    assert short_names(submit(smtp, batch_to(*PEOPLE, mailing=mailing))) == [YES] * 3
    smtp.close()
    messages = arrived(postfix_server, mailing.rendered.subject, 3)
    assert [str(message["To"]) for message in messages] == [
        f"{subscriber.name} <{subscriber.address}>" for subscriber in PEOPLE
    ]
    for message in messages:
        text, html = message.iter_parts()
        link = str(message["List-Unsubscribe"]).partition(">")[0][1:]
        expected = mailing.rendered.text.replace("[[unsubscribe_url]]", link)
        assert text.get_content().replace("\r\n", "\n") == expected
        assert link in html.get_content()
        assert "ESMTPS" in str(message["Received"])


def test_postfix_offers_pipelining(postfix_server: Postfix) -> None:
    """Otherwise the tests with Postfix would not test pipelining."""
    with smtplib.SMTP("127.0.0.1", postfix_server.port) as session:
        session.ehlo()
        assert session.has_extn("pipelining")


def test_postfix_refuses_for_good_and_for_now(postfix_server: Postfix) -> None:
    refuse, defer = Subscriber(8, "refuse@example.com"), Subscriber(9, "defer@example.com")
    people = [refuse, PEOPLE[0], refuse, defer, PEOPLE[1], PEOPLE[2], defer]
    mailing, smtp = samples.plain_mailing("Refused soup"), provider(postfix_server.port)
    outcomes = submit(smtp, batch_to(*people, mailing=mailing))
    assert short_names(outcomes) == [NO, YES, NO, LATER, YES, YES, LATER]
    assert isinstance(outcomes[0], Refused) and outcomes[0].reason.startswith("550 5.1.1")
    assert isinstance(outcomes[3], NotSent) and outcomes[3].reason.startswith("450")
    # The transaction of the last message is still open on the idle connection.
    assert short_names(submit(smtp, batch_to(Subscriber(4, "reader4@example.com"), mailing=mailing))) == [YES]
    smtp.close()
    messages = arrived(postfix_server, "Refused soup", 4)
    addresses = [parseaddr(str(message["To"]))[1] for message in messages]
    assert addresses == [f"reader{n}@example.com" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("most", [0, 1, 2])
def test_postfix_delivers_nothing_that_did_not_begin(postfix_server: Postfix, most: int) -> None:
    mailing, smtp = samples.plain_mailing(f"Stopped soup {most}"), provider(postfix_server.port)
    assert short_names(submit(smtp, batch_to(*PEOPLE, mailing=mailing), SubmissionLog(most))) == [
        YES
    ] * most + [LATER] * (3 - most)
    last = Subscriber(5, "zoe@example.com")
    assert short_names(submit(smtp, batch_to(last, mailing=mailing))) == [YES]
    smtp.close()
    messages = arrived(postfix_server, f"Stopped soup {most}", most + 1)
    addresses = [parseaddr(str(message["To"]))[1] for message in messages]
    assert addresses == [subscriber.address for subscriber in PEOPLE[:most]] + [last.address]


def test_postfix_takes_every_line(postfix_server: Postfix) -> None:
    """It rejects bare line feeds, and would end a message at a line with a single dot."""
    mailing = replace(DOTTED, rendered=replace(DOTTED.rendered, subject="Dotted soup"))
    smtp = provider(postfix_server.port)
    assert short_names(submit(smtp, batch_to(DOTTY, mailing=mailing))) == [YES]
    smtp.close()
    (message,) = arrived(postfix_server, "Dotted soup", 1)
    check_dots(message)


def test_a_certificate_that_nobody_vouches_for_is_refused(postfix_server: Postfix) -> None:
    (outcome,) = submit_all(provider(postfix_server.port, security="starttls"), PEOPLE[0])
    assert isinstance(outcome, NotSent) and "certificate" in outcome.reason.lower()


def test_what_postfix_takes_may_still_come_back(postfix_server: Postfix) -> None:
    """Accepted does not mean delivered: the bounce goes to the sender, and the outcome stays accepted."""
    smtp = provider(postfix_server.port)
    mailing = samples.plain_mailing("Bounced soup")
    outcomes = submit(smtp, batch_to(Subscriber(1, "bounce@example.com"), mailing=mailing))
    smtp.close()
    assert isinstance(outcomes[0], Accepted)
    bounce = arrived(postfix_server, "Undelivered Mail Returned to Sender", 1)[0]
    assert bounce["To"] == "soup@example.com"
    assert "<bounce@example.com>" in str(bounce) and "5.1.1" in str(bounce)
