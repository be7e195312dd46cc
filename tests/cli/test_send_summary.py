"""The summaries of a plan and of a send, as whole texts in a terminal of 80 columns."""

import json
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from newsletter.cli.plan_summary import show_plan
from newsletter.cli.report import ReportOptions, report
from newsletter.cli.send_summary import show_sends, show_status
from newsletter.sending.model import REHEARSAL, SUBSCRIBERS, Counts, Send, SendOptions
from newsletter.sending.outcomes import Capabilities, Tracking
from newsletter.services.open_send import open_service
from newsletter.services.send import SendService
from newsletter.services.send_plan import ListChange
from newsletter.services.status import SendStatus
from newsletter.store.database import Database
from newsletter.store.journal import Holder
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.fakes.provider import FakeClock, FakeProvider
from tests.samples import NO_TRACKING, NOW

HELD = (NOW + timedelta(minutes=30), NOW + timedelta(minutes=30))
UNTIL = NOW + timedelta(minutes=19, seconds=30)
SENDING = Holder("4711", "mx1.example.com", has_ended=False)
ENDED = Holder("4711", "mx1.example.com", has_ended=True)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns, without colours."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def status(
    counts: Counts,
    held: tuple[datetime, datetime] | None = None,
    *,
    joined: int = 0,
    holder: Holder | None = None,
    refused: dict[str, int] | None = None,
    unknown: dict[str, int] | None = None,
    reported: dict[str, int] | None = None,
    early: dict[str, int] | None = None,
    assumed: int = 0,
    **send: Any,
) -> SendStatus:
    """Return the status of a send; with `held` it can be cancelled until UNTIL."""
    parts: dict[str, Any] = {"list": SUBSCRIBERS, "provider": "sendgrid", "state": "open", **send}
    return SendStatus(
        send=Send(
            id=1,
            issue="2026-11-23",
            content_sha256="sha256",
            recipients=counts.recipients,
            undo_window_seconds=1800,
            started_at=NOW - timedelta(hours=1),
            **parts,
        ),
        counts=counts,
        held_until=held,
        cancellable_until=UNTIL if held else None,
        joined=joined,
        holder=holder,
        reasons={"refused": Counter(refused or {}), "unknown": Counter(unknown or {})},
        reported=reported or {},
        early_departures=Counter(early or {}),
        assumed_unsent=assumed,
    )


def text(expected: str) -> str:
    """Return an expected text without the indent that it has in this file, with two blanks at its margin."""
    return "".join(f"  {line}\n" if line else "\n" for line in dedent(expected).splitlines())


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    output = capsys.readouterr().out
    for line in output.splitlines():
        assert len(line) <= 80 and line == line.rstrip()
    return output


CASES = [
    pytest.param(
        status(Counts(1204, accepted=1204, held=1204), HELD),
        {},
        """
        SENT TO ALL 1,204, HELD BACK UNTIL 09:30 UTC

        Cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        """,
        id="held-back",
    ),
    pytest.param(
        status(Counts(1, accepted=1, held=1), HELD),
        {},
        """
        SENT TO THE ONLY RECIPIENT, HELD BACK UNTIL 09:30 UTC

        Cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        """,
        id="held-back-one",
    ),
    pytest.param(status(Counts(2, accepted=2)), {}, "\nSENT TO ALL 2\n\n", id="left"),
    pytest.param(
        status(Counts(1204, accepted=1204), early={"bank.example.com": 40, "example.com": 2}),
        {},
        """
        SENT TO ALL 1,204

        Warning: 42 people left within 10 minutes after the mail was delivered (40 at
        bank.example.com, 2 at example.com). Programs that check the links of mail may
        have pressed the button. Ask readers at these domains; for 30 days they can
        take it back on the page of their unsubscribe link.
        """,
        id="early-departures",
    ),
    pytest.param(
        status(Counts(2, accepted=2), joined=1, finished_at=NOW),
        {"identify": True},
        """
        SENT TO ALL 2

        Issue        2026-11-23
        Through      sendgrid
        Started      2026-05-04 08:00 UTC, finished 2026-05-04 09:00 UTC
        Joined       1          after the start; they are not in this send
        """,
        id="joined",
    ),
    pytest.param(
        status(
            Counts(1204, accepted=1204),
            reported={"delivered": 1190, "soft": 3, "bounced": 8, "unsubscribed": 2, "complained": 1},
        ),
        {"identify": True},
        """
        SENT TO ALL 1,204

        Issue        2026-11-23
        Through      sendgrid
        Started      2026-05-04 08:00 UTC

        Accepted     1,204
        Delivered    1,190      as the mail servers reported so far
        Bounced      8
        Complained   1
        Unknown      0
        """,
        id="reported",
    ),
    pytest.param(
        status(Counts(2, accepted=2), reported={"complained": 1}),
        {},
        """
        SENT TO ALL 2

        Accepted     2
        Complained   1          as the mail servers reported so far
        Unknown      0
        """,
        id="reported-complaint",
    ),
    pytest.param(status(Counts(2, accepted=2), reported={"soft": 1}), {}, "\nSENT TO ALL 2\n\n", id="soft"),
    pytest.param(
        status(
            Counts(1204, accepted=1201, refused=2, left=1, held=1201),
            HELD,
            refused={"550 no such user": 1, "552 mailbox full": 1},
        ),
        {},
        """
        SENT, HELD BACK UNTIL 09:30 UTC

        Accepted     1,201      all held back until 09:30 UTC
        Refused      2          1 × 550 no such user
                                1 × 552 mailbox full
        Left         1          unsubscribed before their turn
        Unknown      0

        Cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        See who was refused:
            news status 2026-11-23 --list refused
        Try them again, when the cause is removed:
            news retry 2026-11-23 --refused [ADDRESS]…
        """,
        id="refused-and-left",
    ),
    pytest.param(
        status(
            Counts(12, accepted=4, refused=8, held=3),
            (HELD[0], NOW + timedelta(days=1)),
            refused={
                "550 5.1.1 <recipient>: Recipient address rejected: User unknown in virtual table": 4,
                "552 mailbox full": 2,
                "551 not local": 1,
                "550 blocked": 1,
            },
        ),
        {},
        """
        SENT, HELD BACK UNTIL 09:30 UTC

        Accepted     4          3 held back until 09:30 UTC, the last until 2026-05-05
                                09:00 UTC
        Refused      8          4 × 550 5.1.1 <recipient>: Recipient address rejected:
                                User unknown in virtual table
                                2 × 552 mailbox full
                                1 × 551 not local
                                and 1 more reason
        Unknown      0

        Cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        See who was refused:
            news status 2026-11-23 --list refused
        Try them again, when the cause is removed:
            news retry 2026-11-23 --refused [ADDRESS]…
        """,
        id="more-reasons-than-fit",
    ),
    pytest.param(
        status(Counts(1, refused=1), refused={"550 no such user": 1}),
        {},
        """
        SENT TO NOBODY: 1 RECIPIENT REFUSED

        Accepted     0
        Refused      1          1 × 550 no such user
        Unknown      0

        See who was refused:
            news status 2026-11-23 --list refused
        Try them again, when the cause is removed:
            news retry 2026-11-23 --refused [ADDRESS]…
        """,
        id="all-refused",
    ),
    pytest.param(
        status(Counts(2, left=2)),
        {},
        """
        SENT TO NOBODY: ALL UNSUBSCRIBED BEFORE THEIR TURN

        Accepted     0
        Left         2          unsubscribed before their turn
        Unknown      0
        """,
        id="all-left",
    ),
    pytest.param(
        status(Counts(1204, accepted=704, waiting=500, held=704), HELD),
        {"interrupted": True},
        """
        STOPPED BY CTRL-C: 704 ACCEPTED, 500 CERTAINLY UNSENT

        Accepted     704        all held back until 09:30 UTC
        Waiting      500        certainly unsent
        Unknown      0

        Continue (nobody gets it twice):
            news resume 2026-11-23
        Or cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        """,
        id="interrupted",
    ),
    pytest.param(
        status(
            Counts(1204, accepted=1104, unknown=100, held=1104), HELD, unknown={"no answer within 30 s": 100}
        ),
        {},
        """
        SENT, BUT 100 ARE UNKNOWN, HELD BACK UNTIL 09:30 UTC

        Unknown      100        100 × no answer within 30 s
        Accepted     1,104      all held back until 09:30 UTC

        Settle unknown recipients and continue (nobody gets it twice):
            news resume 2026-11-23
        Or cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        """,
        id="unknown-and-held-back",
    ),
    pytest.param(
        status(Counts(1, unknown=1), HELD, unknown={"no answer": 1}),
        {},
        """
        PERHAPS SENT: THE ONLY RECIPIENT IS UNKNOWN

        Unknown      1          1 × no answer
        Accepted     0

        Settle unknown recipients and continue (nobody gets it twice):
            news resume 2026-11-23
        Or cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        """,
        id="all-unknown-and-held-back",
    ),
    pytest.param(
        status(Counts(3, accepted=2, unknown=1), unknown={"no answer": 1}, provider="smtp"),
        {},
        """
        SENT, BUT 1 IS UNKNOWN

        Unknown      1          1 × no answer
        Accepted     2

        See who is unknown (perhaps sent, and not sent again by itself):
            news status 2026-11-23 --list unknown
        Settle them, when you know the outcome:
            news resolve 2026-11-23 --assume sent|unsent [ADDRESS]…
        """,
        id="unknown",
    ),
    pytest.param(
        status(Counts(2, unknown=2), unknown={"no answer": 2}),
        {},
        """
        PERHAPS SENT: ALL 2 ARE UNKNOWN

        Unknown      2          2 × no answer
        Accepted     0

        See who is unknown (perhaps sent, and not sent again by itself):
            news status 2026-11-23 --list unknown
        Settle them, when you know the outcome:
            news resolve 2026-11-23 --assume sent|unsent [ADDRESS]…
        """,
        id="all-unknown",
    ),
    pytest.param(
        status(Counts(2, left=1, unknown=1), unknown={"no answer": 1}),
        {},
        """
        PERHAPS SENT: 1 IS UNKNOWN

        Unknown      1          1 × no answer
        Accepted     0
        Left         1          unsubscribed before their turn

        See who is unknown (perhaps sent, and not sent again by itself):
            news status 2026-11-23 --list unknown
        Settle them, when you know the outcome:
            news resolve 2026-11-23 --assume sent|unsent [ADDRESS]…
        """,
        id="unknown-and-left",
    ),
    pytest.param(
        status(Counts(2, accepted=1, waiting=1), assumed=1),
        {},
        """
        NOT FINISHED: 1 ACCEPTED, 1 ASSUMED UNSENT

        Accepted     1
        Waiting      1          assumed unsent
        Unknown      0

        Continue (some may get it twice):
            news resume 2026-11-23
        """,
        id="assumed-unsent",
    ),
    pytest.param(
        status(Counts(9, accepted=1, waiting=8), assumed=2, canary_size=3),
        {},
        """
        NOT FINISHED: 1 ACCEPTED, 6 CERTAINLY UNSENT, 2 ASSUMED UNSENT

        Accepted     1
        Waiting      8          6 certainly unsent
                                2 assumed unsent
        Unknown      0

        Send to all who wait, also after the canary (some may get it twice):
            news resume 2026-11-23
        """,
        id="some-assumed-unsent",
    ),
    pytest.param(
        status(Counts(1204, accepted=100, waiting=1104), canary_size=100),
        {"interrupted": True},
        """
        CANARY SENT TO 100: 1,104 WAIT FOR YOUR GO-AHEAD

        Accepted     100
        Waiting      1,104      certainly unsent
        Unknown      0

        Look at what the canary received, then send to the others:
            news resume 2026-11-23
        Or send it to nobody else:
            news cancel 2026-11-23
        """,
        id="canary",
    ),
    pytest.param(
        status(Counts(3, accepted=1, unknown=1, waiting=1), canary_size=2, unknown={"lost": 1}),
        {},
        """
        CANARY SENT TO 1: 1 WAITS FOR YOUR GO-AHEAD, 1 UNKNOWN

        Unknown      1          1 × lost
        Accepted     1
        Waiting      1          certainly unsent

        Look at what the canary received, then send to the others:
            news resume 2026-11-23
        Or send it to nobody else:
            news cancel 2026-11-23
        See who is unknown (perhaps sent, and not sent again by itself):
            news status 2026-11-23 --list unknown
        Settle them, when you know the outcome:
            news resolve 2026-11-23 --assume sent|unsent [ADDRESS]…
        """,
        id="canary-with-an-unknown",
    ),
    pytest.param(
        status(Counts(1204, accepted=99, waiting=1105), canary_size=100),
        {},
        """
        NOT FINISHED: 99 ACCEPTED, 1,105 CERTAINLY UNSENT

        Accepted     99
        Waiting      1,105      certainly unsent
        Unknown      0

        Send to all who wait, also after the canary (nobody gets it twice):
            news resume 2026-11-23
        """,
        id="canary-not-finished",
    ),
    pytest.param(
        status(Counts(1204, cancelled=1204), state="cancelled"),
        {},
        """
        CANCELLED: NOBODY GETS IT

        Accepted     0
        Cancelled    1,204
        Unknown      0

        Send the corrected issue:
            news send 2026-11-23
        Send it after all, unchanged:
            news resume 2026-11-23
        """,
        id="cancelled-for-everybody",
    ),
    pytest.param(
        status(Counts(1204, accepted=200, cancelled=1004), state="cancelled"),
        {},
        """
        CANCELLED FOR 1,004: 200 HAVE IT

        Accepted     200
        Cancelled    1,004
        Unknown      0

        Send it after all, unchanged:
            news resume 2026-11-23
        """,
        id="cancelled-for-some",
    ),
    pytest.param(
        status(Counts(5, accepted=1, cancelled=4), state="cancelled"),
        {},
        """
        CANCELLED FOR 4: 1 HAS IT

        Accepted     1
        Cancelled    4
        Unknown      0

        Send it after all, unchanged:
            news resume 2026-11-23
        """,
        id="cancelled-for-all-but-one",
    ),
    pytest.param(
        replace(
            status(Counts(5, accepted=1, cancelled=4, held=1), HELD, state="cancelled"),
            cancellable_until=None,
        ),
        {},
        """
        CANCELLED FOR 4: 1 WILL GET IT

        Accepted     1          all held back until 09:30 UTC
        Cancelled    4
        Unknown      0

        Send it after all, unchanged:
            news resume 2026-11-23
        """,
        id="cancelled-too-late-for-one",
    ),
    pytest.param(
        replace(
            status(Counts(9, accepted=3, unknown=2, cancelled=4, held=1), HELD, state="cancelled"),
            cancellable_until=None,
        ),
        {},
        """
        CANCELLED FOR 4: 3 HAVE IT OR WILL GET IT, 2 UNKNOWN

        Unknown      2
        Accepted     3          1 held back until 09:30 UTC
        Cancelled    4

        Send it after all, unchanged:
            news resume 2026-11-23
        See who is unknown (perhaps sent, and not sent again by itself):
            news status 2026-11-23 --list unknown
        Settle them, when you know the outcome:
            news resolve 2026-11-23 --assume sent|unsent [ADDRESS]…
        """,
        id="cancelled-with-unknown",
    ),
    pytest.param(
        status(Counts(2, accepted=2), state="cancelled"), {}, "\nSENT TO ALL 2\n\n", id="cancelled-late"
    ),
    pytest.param(
        status(Counts(2, accepted=2, held=2), HELD, state="cancelled"),
        {},
        """
        CANCELLED: 2 WILL GET IT

        Accepted     2          all held back until 09:30 UTC
        Unknown      0

        Finish cancelling it, until 09:19 UTC:
            news cancel 2026-11-23
        Send it after all, unchanged:
            news resume 2026-11-23
        """,
        id="cancelled-before-the-recall",
    ),
    pytest.param(
        status(Counts(5, unknown=5), HELD, state="cancelled", unknown={"recall not confirmed": 5}),
        {},
        """
        CANCELLED, BUT 5 ARE UNKNOWN

        Unknown      5          5 × recall not confirmed
        Accepted     0

        Finish cancelling it, until 09:19 UTC:
            news cancel 2026-11-23
        Send it after all, unchanged:
            news resume 2026-11-23
        """,
        id="cancel-not-confirmed",
    ),
    pytest.param(
        status(
            Counts(1204, accepted=704, unknown=100, waiting=400, in_flight=100, held=704),
            HELD,
            holder=SENDING,
        ),
        {"identify": True},
        """
        BEING SENT NOW: 704 OF 1,204 ACCEPTED

        Issue        2026-11-23
        Through      sendgrid
        Started      2026-05-04 08:00 UTC

        Unknown      100        100 in flight
        Accepted     704        all held back until 09:30 UTC
        Waiting      400        certainly unsent

        Process 4711 on host mx1.example.com is sending this issue now.

        Cancel it, until 09:19 UTC:
            news cancel 2026-11-23
        See its status again:
            news status 2026-11-23
        """,
        id="in-progress",
    ),
    pytest.param(
        status(Counts(4, accepted=2, unknown=1, waiting=1, in_flight=1), holder=ENDED, provider="smtp"),
        {"identify": True},
        """
        NOT FINISHED: 2 ACCEPTED, 1 CERTAINLY UNSENT, 1 UNKNOWN

        Issue        2026-11-23
        Through      smtp
        Started      2026-05-04 08:00 UTC

        Unknown      1          1 in flight when the process ended
        Accepted     2
        Waiting      1          certainly unsent

        Process 4711 on host mx1.example.com has ended.

        Settle unknown recipients and continue (nobody gets it twice):
            news resume 2026-11-23
        """,
        id="process-ended",
    ),
    pytest.param(
        status(Counts(2, accepted=1, unknown=1, in_flight=1), holder=ENDED),
        {},
        """
        NOT FINISHED: 1 ACCEPTED, 1 UNKNOWN

        Unknown      1          1 in flight when the process ended
        Accepted     1

        Process 4711 on host mx1.example.com has ended.

        Settle unknown recipients and continue (nobody gets it twice):
            news resume 2026-11-23
        """,
        id="process-ended-with-the-last",
    ),
    pytest.param(
        status(Counts(5, accepted=5), list=f"{REHEARSAL}-0123456789ab", provider="outbox"),
        {"identify": True},
        """
        REHEARSED FOR ALL 5

        Issue        2026-11-23
        Through      outbox (rehearsal)
        Started      2026-05-04 08:00 UTC
        """,
        id="rehearsal",
    ),
]


@pytest.mark.parametrize(("status", "options", "expected"), CASES)
def test_the_summary_of_a_send(
    status: SendStatus, options: dict[str, bool], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_status(status, NOW, **options)
    assert shown(capsys) == text(expected)


@pytest.mark.parametrize(
    ("send", "resume_action"),
    [
        pytest.param(status(Counts(5, accepted=5)), None, id="sent"),
        pytest.param(status(Counts(5, accepted=2, waiting=3)), "waiting", id="waiting"),
        pytest.param(status(Counts(5, accepted=1, waiting=4), canary_size=2), "all", id="canary-not-tried"),
        pytest.param(status(Counts(5, accepted=2, waiting=3), canary_size=2), "go-ahead", id="canary"),
        pytest.param(status(Counts(2, accepted=2), canary_size=2), None, id="canary-of-all"),
        pytest.param(status(Counts(5, accepted=4, in_flight=1, unknown=1)), "settle", id="in-flight"),
        pytest.param(status(Counts(5, accepted=4, unknown=1), HELD), "settle", id="unknown-held"),
        pytest.param(status(Counts(5, accepted=4, unknown=1)), None, id="unknown"),
        pytest.param(replace(status(Counts(5, unknown=5)), can_repeat=True), "settle", id="repeatable"),
        pytest.param(status(Counts(5, waiting=5), holder=SENDING), None, id="being-sent"),
        pytest.param(status(Counts(5, cancelled=5), state="cancelled"), "cancelled", id="cancelled"),
        pytest.param(status(Counts(5, accepted=5), state="cancelled"), None, id="cancelled-late"),
        pytest.param(status(Counts(5, cancelled=5), state="superseded"), None, id="replaced"),
    ],
)
def test_the_json_says_what_resume_would_do(
    send: SendStatus, resume_action: str | None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with closing(Database.open(samples.newsletter(tmp_path))) as database:
        report(send, LedgerQueries(database), ReportOptions(as_json=True))
    shown = json.loads(capsys.readouterr().out)
    assert shown["resume_action"] == resume_action
    assert shown["waits_for_go_ahead"] == (resume_action == "go-ahead")


def test_a_table_of_sends_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    sends = [status(Counts(1204, accepted=1204)), status(Counts(3, accepted=2, refused=1), provider="smtp")]
    show_sends((one.send, one.counts) for one in sends)
    assert shown(capsys).splitlines() == [
        "Issue       Through   Started (UTC)     Accepted  Refused",
        "2026-11-23  sendgrid  2026-05-04 08:00     1,204        -",
        "2026-11-23  smtp      2026-05-04 08:00         2        1",
    ]


def test_a_table_that_is_too_wide_has_the_numbers_below_each_send(capsys: pytest.CaptureFixture[str]) -> None:
    counts = Counts(30_006, accepted=10_000, refused=10_000, unknown=1, waiting=3, left=2)
    sends = [
        status(counts),
        status(Counts(5, cancelled=5), state="superseded", provider="postmark"),
        status(Counts(5)),
    ]
    show_sends((one.send, one.counts) for one in sends)
    assert shown(capsys).splitlines() == [
        "Issue       Through              Started (UTC)",
        "2026-11-23  sendgrid             2026-05-04 08:00",
        "    1 unknown, 10,000 accepted, 10,000 refused, 3 waiting, 2 left",
        "2026-11-23  postmark (replaced)  2026-05-04 08:00",
        "    5 cancelled",
        "2026-11-23  sendgrid             2026-05-04 08:00",
        "    -",
    ]


@pytest.mark.parametrize(
    ("counts", "unknown", "colour"),
    [
        pytest.param(Counts(5, accepted=5), {}, 32, id="green"),
        pytest.param(Counts(5, accepted=4, refused=1), {}, 33, id="yellow"),
        pytest.param(Counts(5, accepted=4, unknown=1), {"lost": 1}, 31, id="red"),
    ],
)
def test_red_is_for_the_unknown_alone(
    counts: Counts,
    unknown: dict[str, int],
    colour: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    show_status(status(counts, unknown=unknown), NOW)
    output = capsys.readouterr().out
    assert output.startswith(f"\n  \x1b[{colour}m\x1b[1mSENT")
    assert output.count("\x1b[3") == 1


class TrackingProvider(FakeProvider):
    """A provider with its own control over tracking."""

    tracking = NO_TRACKING

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, tracking=self.tracking)


def plan_text(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: SendOptions | None = None,
    *,
    issue: str = samples.ISSUE,
    extra: str = "",
    holds: bool = True,
    tracking: Tracking | None = None,
    action: str = "start",
    change: ListChange | None = None,
) -> str:
    """Return the summary of a plan for three subscribers, with 99 in place of the size of the mail."""
    newsletter = samples.newsletter(folder, extra=extra)
    (folder / "issues" / "2026-04-27.yml").write_text(issue, encoding="utf-8")
    clock = FakeClock()
    provider = TrackingProvider(clock, holds, refuses=frozenset({"c@example.com"}))
    provider.tracking = tracking or NO_TRACKING
    with closing(SendService(newsletter, Database.open(newsletter), provider, clock)) as service:
        for address in ("a@example.com", "b@example.com", "c@example.com"):
            Subscribers(service._database, lambda: NOW).add(parse_subscriber(address)[0])
        prepared = service.prepare("2026-04-27")
        plan = service.plan(prepared, options)
        if action != "start":
            started = service.start(plan)
            list(service.deliver(started, lambda: False))
            plan = service.plan(prepared) if action == "again" else service.plan_retry(prepared, started.send)
            if action == "resume":
                list(service.cancel(started.send, lambda: False))
                plan = service.plan_resume(prepared, started.send)
        show_plan(replace(plan, list_change=change), service)
        size = f"{round(len(prepared.rendered.html.encode()) / 1000)} KB"
    output = shown(capsys)
    assert f"  Size         {size:<11}of the" in output
    return output.replace(f"{size:<11}of the", f"{'99 KB':<11}of the")


def test_the_plan_of_a_send_that_can_be_cancelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = ListChange("2026-04-20", 15, 3)
    assert plan_text(tmp_path, capsys, change=change) == text(
        """
        The Soup Letter · 2026-04-27

        Subject      Leek & potato
        Preheader    A soup for the first cold evening of the year.
        From         The Soup Letter <soup@example.com>
        Through      fake

        Recipients   3          15 joined, 3 left since 2026-04-20
        Undo         19 min     news cancel; leaves after 30 min
        Size         99 KB      of the 102 KB that Gmail shows
        Tracking     off
        Checks       no problems

        """
    )


def test_the_plan_of_a_draft_with_a_canary_and_a_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    issue = samples.ISSUE.replace("ready: true", "ready: false").replace("Cut, cook", "Cut the the, cook")
    issue = issue.replace("A soup for the first cold evening of the year.", "A soup " * 24 + "for you.")
    extra = 'provider: sendgrid\ntracking: {opens: true}\nsend: {rate: "2/s, 500/h"}\n'
    shown = plan_text(tmp_path, capsys, SendOptions(canary_size=2), issue=issue, extra=extra)
    assert shown == text(
        """
        The Soup Letter · 2026-04-27 · draft (ready: false)

        Subject      Leek & potato
        Preheader    A soup A soup A soup A soup A soup A soup A soup A soup A soup A
                     soup A soup A soup A soup A soup A soup A soup A soup A soup A
                     soup A soup A soup A soup A soup A soup for you.
        From         The Soup Letter <soup@example.com>
        Through      fake

        Recipients   3
        Canary       2          then the send waits for your go-ahead
        Rate         at most 2/s, 500/h
        Undo         none       the canary leaves at once
        Size         99 KB      of the 102 KB that Gmail shows
        Tracking     on         as newsletter.yml says
        Checks       1 warning, 1 note  news check 2026-04-27 shows the notes

        """
    )


@pytest.mark.parametrize(
    ("options", "holds", "window"),
    [
        pytest.param(SendOptions(now=True), True, ["none       the mail leaves at once"], id="now"),
        pytest.param(None, False, ["none       fake cannot hold mail back"], id="cannot-hold"),
        pytest.param(
            SendOptions(send_at=NOW + timedelta(hours=2)),
            True,
            ["yes        news cancel, until 10:49 UTC", "           leaves at 11:00 UTC"],
            id="at",
        ),
        pytest.param(
            SendOptions(send_at=NOW + timedelta(days=1)),
            True,
            [
                "yes        news cancel, until 2026-05-05 08:49 UTC",
                "           leaves at 2026-05-05 09:00 UTC",
            ],
            id="at-another-day",
        ),
        pytest.param(
            SendOptions(send_at=NOW + timedelta(minutes=10)),
            True,
            ["none       the mail leaves in a few minutes, at 09:10 UTC"],
            id="at-too-soon",
        ),
    ],
)
def test_the_plan_says_how_long_a_send_can_be_cancelled(
    options: SendOptions | None,
    holds: bool,
    window: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = plan_text(tmp_path, capsys, options, holds=holds).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  Undo"))
    assert [line[15:] for line in lines[first : first + len(window)]] == window
    assert lines[first + len(window)].startswith("  Size")


@pytest.mark.parametrize(
    ("tracking", "lines"),
    [
        pytest.param(
            Tracking("account", "account"),
            ["unknown    the account at fake decides; asked before the send"],
            id="both",
        ),
        pytest.param(
            Tracking("account", "message"),
            ["unknown    the account at fake decides on opens; asked before the", "           send"],
            id="opens",
        ),
        pytest.param(Tracking("message", "message"), ["off"], id="none"),
    ],
)
def test_the_plan_says_who_decides_on_tracking(
    tracking: Tracking, lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = plan_text(tmp_path, capsys, tracking=tracking).splitlines()
    first = next(number for number, line in enumerate(shown) if line.startswith("  Tracking"))
    assert [line[15:] for line in shown[first : first + len(lines)]] == lines
    assert shown[first + len(lines)].startswith("  Checks")


def test_the_plan_of_a_retry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = plan_text(tmp_path, capsys, action="retry").splitlines()
    assert "  Started      2026-05-04 09:00 UTC" in shown
    assert "  Recipients   1          refused before" in shown


def test_the_plan_of_a_send_that_was_cancelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = plan_text(tmp_path, capsys, action="resume").splitlines()
    assert "  Started      2026-05-04 09:00 UTC" in shown
    assert "  Recipients   2          cancelled" in shown


def test_the_plan_of_a_send_that_everybody_has_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = plan_text(tmp_path, capsys, action="again").splitlines()
    assert "  Recipients   0          2 accepted already" in shown


def test_the_plan_of_a_rehearsal_that_everybody_has_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_service(samples.newsletter(tmp_path), "outbox") as service:
        Subscribers(service._database, lambda: NOW).add(parse_subscriber("a@example.com")[0])
        prepared = service.prepare("2026-04-27")
        list(service.deliver(service.start(service.plan(prepared)), lambda: False))
        show_plan(service.plan(prepared), service)
    assert "  Recipients   0          1 has the rehearsal already" in shown(capsys).splitlines()


def test_the_plan_of_a_rehearsal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_service(samples.newsletter(tmp_path), "outbox") as service:
        Subscribers(service._database, lambda: NOW).add(parse_subscriber("a@example.com")[0])
        show_plan(service.plan(service.prepare("2026-04-27")), service)
    lines = shown(capsys).splitlines()
    assert "  Through      outbox (outbox/)" in lines
    assert (
        lines[lines.index("  Recipients   1") + 1] == "  Undo         none       no mail leaves this machine"
    )
