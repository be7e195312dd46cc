"""The commands around a send: undo, canary, schedule, retry, resolve, and who is named how."""

import csv
import json
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.constants import RECIPIENT_STATES
from newsletter.sending.clock import SystemClock
from newsletter.sending.model import SendOptions
from newsletter.services.open_send import open_service
from newsletter.store import chunks
from newsletter.store.compaction import compact_settled
from newsletter.store.database import open_database
from newsletter.store.journal import SendProcess
from tests import samples
from tests.cli.summary import row
from tests.fakes.sendgrid import Fault, SendGridFake
from tests.fakes.smtp import ScriptedSmtp

News = Callable[..., Result]
FOR_EVER = 4e9
SEND = ("send", "--issue", "2026-04-27", "--yes")
ISSUE = ("--issue", "2026-04-27")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = "".join(f"reader{n}@example.com,Reader {n}\n" for n in range(1, 6))
    (tmp_path / "subscribers.csv").write_text("address,name\n" + lines)
    return samples.write(tmp_path)


@pytest.fixture
def news(folder: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Runs `news` in the sample newsletter's folder, with five subscribers."""
    monkeypatch.chdir(folder)
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "SENDGRID_API_KEY", "SMTP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.fake")

    def run(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=typed)

    assert run("subscribers", "import", "subscribers.csv").exit_code == 0
    return run


@pytest.fixture
def fake(folder: Path) -> Iterator[SendGridFake]:
    """A SendGrid that the sample newsletter sends through."""
    with SendGridFake() as service:
        through(folder, service)
        yield service


def through(folder: Path, service: SendGridFake, more: str = "", issue: str = samples.ISSUE) -> None:
    extra = f"provider: sendgrid\nsendgrid: {{host: '{service.url}'}}\n{more}"
    samples.write(folder, extra=extra, issue=issue)


def smtp(folder: Path, server: ScriptedSmtp, more: str = "") -> None:
    samples.write(
        folder, extra=f"provider: smtp\nsmtp: {{port: {server.port}, security: none, connections: 1}}\n{more}"
    )


def database(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / ".news" / "news.db")) as connection, connection:
        connection.execute(statement, values)


def delivered(fake: SendGridFake) -> list[str]:
    return sorted(one.address for one in fake.delivered_by(FOR_EVER))


def time_of_day(moment: datetime) -> str:
    """Return a time as the summary shows it: with its date unless it is today."""
    today = moment.date() == datetime.now(UTC).date()
    return f"{moment:%H:%M} UTC" if today else f"{moment:%Y-%m-%d %H:%M} UTC"


def readers(*numbers: int) -> list[str]:
    return [f"reader{n}@example.com" for n in numbers]


# Undo


def test_mail_is_held_back_and_said_until_when(news: News, fake: SendGridFake) -> None:
    sent = news(*SEND)
    assert sent.exit_code == 0
    lines = sent.output.splitlines()
    assert row("Undo", "19 min", "news cancel; leaves after 30 min") in lines
    (leaves,) = {one.send_at for one in fake.deliveries}
    # SendGrid gets the nearest whole second, and the minute may be another one.
    seconds = [(leaves or 0) + rounded for rounded in (-0.5, 0, 0.5)]
    assert lines[-4:] in [
        [
            f"  SENT TO ALL 5, HELD BACK UNTIL {time_of_day(until)}",
            "",
            f"  Cancel it, until {time_of_day(until - timedelta(minutes=10, seconds=30))}:",
            "      news cancel 2026-04-27",
        ]
        for until in (datetime.fromtimestamp(second, UTC) for second in seconds)
    ]
    held = {(one.batch_id is not None, one.send_at is not None) for one in fake.deliveries}
    assert held == {(True, True)} and len(fake.deliveries) == 5
    assert fake.delivered_by(datetime.now(UTC).timestamp() + 25 * 60) == []
    assert delivered(fake) == readers(1, 2, 3, 4, 5)


def test_all_of_it_is_called_back(news: News, fake: SendGridFake) -> None:
    news(*SEND)
    cancelled = news("cancel", *ISSUE, "--yes")
    assert cancelled.exit_code == 0
    lines = cancelled.output.splitlines()
    verdict = lines.index("  CANCELLED: NOBODY GETS IT")
    assert lines[verdict + 1 :] == [
        "",
        row("Accepted", "0"),
        row("Cancelled", "5"),
        row("Unknown", "0"),
        "",
        "  Send the corrected issue:",
        "      news send 2026-04-27",
        "  Send it after all, unchanged:",
        "      news resume 2026-04-27",
    ]
    assert delivered(fake) == []
    again = news("cancel", *ISSUE, "--yes")
    assert again.exit_code == 0 and delivered(fake) == []


def test_cancel_asks_first(news: News, fake: SendGridFake) -> None:
    news(*SEND)
    assert news("cancel", *ISSUE, typed="n\n").exit_code == 1
    assert len(delivered(fake)) == 5


def test_a_corrected_issue_is_sent_after_a_cancel_and_the_same_one_is_not(
    news: News, fake: SendGridFake, folder: Path
) -> None:
    news(*SEND)
    news("cancel", *ISSUE, "--yes")
    same = news(*SEND)
    assert same.exit_code == 1 and "the send of 2026-04-27 was cancelled" in same.output
    assert "news resume 2026-04-27" in same.output
    due = news("status", "--due").output
    assert due.endswith("No issue is due.\n") and "note: 2026-04-27 was cancelled" in due
    through(folder, fake, issue=samples.ISSUE.replace("Leek", "Leeks"))
    assert news("status", "--due").output == "2026-04-27\n"
    assert news(*SEND).exit_code == 0
    assert delivered(fake) == readers(1, 2, 3, 4, 5)
    assert {one.subject for one in fake.delivered_by(FOR_EVER)} == {"Leeks & potato"}


def test_what_was_called_back_can_be_sent_after_all(news: News, fake: SendGridFake) -> None:
    news(*SEND)
    news("cancel", *ISSUE, "--yes")
    assert news("resume", *ISSUE, typed="5\n").exit_code == 0
    assert delivered(fake) == readers(1, 2, 3, 4, 5)


def test_a_process_that_dies_while_a_corrected_issue_is_planned(
    news: News, fake: SendGridFake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old send is superseded and the new one planned in one go, or neither."""
    news(*SEND)
    news("cancel", *ISSUE, "--yes")
    through(folder, fake, issue=samples.ISSUE.replace("Leek", "Leeks"))
    with monkeypatch.context() as broken:
        broken.setattr(chunks, "plan_chunks", interrupted)
        assert "Aborted" in news(*SEND).output
    through(folder, fake)
    assert "the send of 2026-04-27 was cancelled" in news(*SEND).output
    assert news("resume", *ISSUE, "--yes").exit_code == 0
    assert delivered(fake) == readers(1, 2, 3, 4, 5)
    through(folder, fake, issue=samples.ISSUE.replace("Leek", "Leeks"))
    assert news(*SEND).exit_code == 1
    assert len(delivered(fake)) == 5


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_send_with_nothing_to_call_back_is_not_called_back(news: News, fake: SendGridFake) -> None:
    news(*SEND, "--now")
    assert news("cancel", *ISSUE, "--yes").exit_code == 3
    assert "nothing was sent now" in news(*SEND).output


def test_what_leaves_in_a_few_minutes_is_not_called_back_and_said_so(
    news: News, fake: SendGridFake, folder: Path
) -> None:
    news(*SEND)
    soon = (datetime.now(UTC) + timedelta(minutes=9)).isoformat(" ").removesuffix("+00:00")
    database(folder, "update lane set send_at = ?", soon)
    cancelled = news("cancel", *ISSUE, "--yes")
    assert cancelled.exit_code == 3
    assert "Not recalled, for 5 recipients: too late: it leaves at" in cancelled.output
    assert len(delivered(fake)) == 5
    assert not [one for one in fake.requests if one.method == "POST" and "scheduled" in one.path]


def test_an_account_that_can_call_nothing_back_is_found_before(news: News, fake: SendGridFake) -> None:
    for n in range(10):
        fake._batches[f"other{n}"] = fake.clock()
        fake._hold_back(f"other{n}", "cancel")
    refused = news(*SEND)
    assert refused.exit_code == 1 and "the account can recall no more batches of mail" in refused.output
    assert "--now" in refused.output
    assert "never sent" in news("status", *ISSUE).output
    assert news(*SEND, "--now").exit_code == 0


def test_now_holds_nothing_back(news: News, fake: SendGridFake) -> None:
    sent = news(*SEND, "--now")
    assert sent.exit_code == 0 and row("Undo", "none", "the mail leaves at once") in sent.output
    assert sent.output.endswith("\n  SENT TO ALL 5\n\n"), "nothing is held back"
    assert {one.batch_id for one in fake.deliveries} == {None}
    cancelled = news("cancel", *ISSUE, "--yes")
    assert cancelled.exit_code == 3 and "No mail of this send can be recalled any more.\n" in cancelled.output


def test_an_unknown_of_a_canary_is_named_and_stays_unknown(news: News, fake: SendGridFake) -> None:
    """A canary leaves at once: nothing calls it back, and nobody gets it twice."""
    fake.next(Fault.reply_lost(), path="/v3/mail/send")
    news(*SEND, "--canary", "2")
    assert news("status", *ISSUE, "--list", "unknown").output.count("\n") == 2
    assert news("resume", *ISSUE, "--yes").exit_code == 3
    assert delivered(fake) == readers(1, 2, 3, 4, 5)


def test_an_unknown_is_called_back_and_sent_again(
    news: News, fake: SendGridFake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.next(Fault.reply_lost(), path="/v3/mail/send")
    started = datetime.now(UTC)
    seconds = iter(range(600))
    monkeypatch.setattr(SystemClock, "now", lambda _: started + timedelta(seconds=next(seconds)))
    monkeypatch.setattr(SystemClock, "wait", lambda *_: None)
    sent = news(*SEND)
    assert sent.exit_code == 0
    words = " ".join(sent.output.split())
    assert "held mail with unknown outcomes will be recalled and sent again" in words
    assert "Recalled the mail to 5 recipients, to send it again." in sent.output
    assert delivered(fake) == readers(1, 2, 3, 4, 5) and len(fake.deliveries) == 10


def test_cancel_stops_what_has_not_begun(news: News, folder: Path) -> None:
    with ScriptedSmtp({"RCPT": ["250 ok", "250 ok", "421 busy"]}) as server:
        smtp(folder, server)
        assert news("send", *ISSUE, "--yes", "--canary", "2").exit_code == 3
        cancelled = news("cancel", *ISSUE, "--yes")
        assert cancelled.exit_code == 3
        lines = cancelled.output.splitlines()
        verdict = lines.index("  CANCELLED FOR 3: 2 HAVE IT")
        assert lines[verdict + 1 :][:4] == [
            "",
            row("Accepted", "2"),
            row("Cancelled", "3"),
            row("Unknown", "0"),
        ]
        assert news("status", *ISSUE, "--list", "cancelled").output.split() == readers(3, 4, 5)


# Schedule, canary, limits


def test_a_send_is_scheduled(news: News, fake: SendGridFake) -> None:
    at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=5)
    sent = news(*SEND, "--at", f"{at:%Y-%m-%d %H:%M}")
    assert sent.exit_code == 0
    until, leaves = time_of_day(at - timedelta(minutes=10, seconds=30)), time_of_day(at)
    lines = sent.output.splitlines()
    place = lines.index(row("Undo", "yes", f"news cancel, until {until}"))
    assert lines[place + 1] == row("", "", f"leaves at {leaves}")
    assert f"  SENT TO ALL 5, HELD BACK UNTIL {leaves}" in lines
    assert {one.send_at for one in fake.deliveries} == {int(at.timestamp())}
    assert news("cancel", *ISSUE, "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("hours", "what"),
    [
        pytest.param(80, "is more than 72 hours ahead", id="too-far"),
        pytest.param(-3, "UTC was 3 h 0 min ago", id="hours-late"),
    ],
)
def test_a_time_that_cannot_be_is_refused(hours: int, what: str, news: News, fake: SendGridFake) -> None:
    at = datetime.now(UTC) + timedelta(hours=hours)
    refused = news(*SEND, "--at", f"{at:%Y-%m-%dT%H:%M:%SZ}")
    assert refused.exit_code == 1 and what in refused.output
    assert fake.deliveries == []


@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-05-04", "2026-05-04 09:00 Berlin", "2026-10-25 02:30 Europe/Berlin"]
)
def test_a_time_that_nobody_understands(text: str, news: News, fake: SendGridFake) -> None:
    assert news(*SEND, "--at", text).exit_code == 2


@pytest.mark.parametrize("option", [("--now",), ("--canary", "2")], ids=lambda option: option[0])
def test_a_time_excludes_some_options(option: tuple[str, ...], news: News, fake: SendGridFake) -> None:
    refused = news(*SEND, "--at", "2026-05-04 09:00", *option)
    assert refused.exit_code == 2 and f"{option[0]} and --at exclude each other" in refused.output
    assert fake.connections == 0


def test_smtp_cannot_schedule(news: News, folder: Path) -> None:
    with ScriptedSmtp() as server:
        smtp(folder, server)
        at = datetime.now(UTC) + timedelta(hours=1)
        refused = news(*SEND, "--at", f"{at:%Y-%m-%d %H:%M}")
        assert refused.exit_code == 1 and "smtp cannot hold mail back" in refused.output
        assert server.messages == []


def test_a_canary_asks_for_a_go_ahead(news: News, fake: SendGridFake) -> None:
    said = news("send", *ISSUE, "--canary", "2", typed="5\nn\n")
    assert said.exit_code == 3
    assert row("Canary", "2", "then the send waits for your go-ahead") in said.output
    assert "\n  CANARY SENT TO 2: 3 WAIT FOR YOUR GO-AHEAD\n" in said.output
    assert "Continue with the other 3?" in said.output
    assert {one.address: one.send_at for one in fake.deliveries} == dict.fromkeys(readers(1, 2))
    refused = news(*SEND)
    assert refused.exit_code == 1 and "waits for your go-ahead after its canary of 2" in refused.output
    assert news("status", "--due").output == "No issue is due.\n", "automation gives no go-ahead"
    assert news("resume", *ISSUE, "--yes").exit_code == 0
    assert delivered(fake) == readers(1, 2, 3, 4, 5)


def test_a_question_after_a_canary_that_is_not_answered_leaves_the_others_waiting(
    news: News, fake: SendGridFake
) -> None:
    """Ctrl-C and the end of the input are the same to click; the canary's mail has left, so the code is 3."""
    said = news("send", *ISSUE, "--canary", "2", typed="5\n")
    assert said.exit_code == 3
    assert "Aborted" not in said.output
    assert "the question was not answered; 3 recipients wait\n    to continue: news resume 2026-04-27" in (
        said.stderr
    )
    assert news("resume", *ISSUE, "--yes").exit_code == 0
    assert delivered(fake) == readers(1, 2, 3, 4, 5)


def test_a_go_ahead_after_a_canary_that_fails_is_incomplete(
    news: News, fake: SendGridFake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil_and_agree(*_question: object, **_options: object) -> bool:
        (file,) = folder.rglob("news.db")
        with closing(sqlite3.connect(file)) as database:
            database.execute("drop table chunk")
        return True

    monkeypatch.setattr("click.confirm", spoil_and_agree)
    said = news("send", *ISSUE, "--canary", "2", typed="5\n")
    assert said.exit_code == 3, said.output
    assert "no such table" in said.stderr
    assert delivered(fake) == readers(1, 2)


@pytest.mark.parametrize("option", [("--canary", "1"), ("--now",), ("--at", "")], ids=lambda o: o[0])
def test_what_is_decided_at_the_start_is_decided(
    option: tuple[str, ...], news: News, fake: SendGridFake
) -> None:
    news(*SEND)
    at = datetime.now(UTC) + timedelta(hours=2)
    refused = news(*SEND, *(part or f"{at:%Y-%m-%d %H:%M}" for part in option))
    assert refused.exit_code == 1 and f"too late for {option[0]}" in refused.output
    assert len(fake.deliveries) == 5


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        pytest.param(("--to", "me@example.com"), 2, "--wait is for the send to the list", id="test"),
        pytest.param(("--canary", "1"), 2, "--wait and --canary exclude each other", id="canary"),
    ],
)
def test_a_standby_is_for_a_whole_send(
    options: tuple[str, ...], code: int, message: str, news: News, fake: SendGridFake
) -> None:
    refused = news(*SEND, "--wait", *options)
    assert refused.exit_code == code and message in refused.output
    assert not fake.deliveries


@pytest.mark.parametrize("command", [("send", *ISSUE), ("resume", *ISSUE), ("send", "--ready")], ids=" ".join)
def test_a_standby_sends_at_once_what_nobody_sends(
    command: tuple[str, ...], news: News, fake: SendGridFake
) -> None:
    if command[0] == "resume":
        news(*SEND, "--canary", "2")
    sent = news(*command, "--wait", "--yes")
    assert sent.exit_code == 0, sent.output
    assert delivered(fake) == readers(1, 2, 3, 4, 5)


def test_a_standby_does_not_ask_about_a_send_that_was_stopped(
    news: News, fake: SendGridFake, folder: Path
) -> None:
    news(*SEND)
    database(folder, "update chunk set state = 'waiting', reason = '401', lane = null")
    refused = news("send", *ISSUE, "--wait", typed="5\n")
    assert refused.exit_code == 1 and "Type the number" not in refused.output
    assert "the send of 2026-04-27 was stopped, and 5 recipients did not get it" in refused.stderr


@pytest.mark.parametrize("command", ["send", "resume"])
def test_a_state_on_a_git_ref_needs_no_standby(command: str, news: News, folder: Path) -> None:
    samples.write(folder, extra="state: git\n")
    refused = news(command, *ISSUE, "--wait", "--yes")
    assert refused.exit_code == 1 and "keeps its state on a Git ref" in refused.output


def test_a_canary_larger_than_the_list_is_the_list(news: News, fake: SendGridFake) -> None:
    assert news("send", *ISSUE, "--canary", "10", typed="5\n").exit_code == 0
    assert delivered(fake) == readers(1, 2, 3, 4, 5)


def test_a_canary_says_that_it_leaves_at_once(news: News, fake: SendGridFake) -> None:
    shown = news("send", *ISSUE, "--canary", "2", "--dry-run").output
    assert row("Undo", "none", "the canary leaves at once") in shown.splitlines()


def test_a_list_that_grew_much_is_refused(news: News, fake: SendGridFake, folder: Path) -> None:
    news(*SEND)
    many = "".join(f"more{n}@example.com\n" for n in range(20))
    (folder / "more.csv").write_text(f"address\n{many}")
    news("subscribers", "import", "more.csv")
    samples.write(folder, name="2026-05-04", extra=f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\n")
    refused = news("send", "--issue", "2026-05-04", "--yes")
    assert refused.exit_code == 1 and "the list has grown from 5 to 25" in refused.output
    assert len(fake.deliveries) == 5
    assert news("send", "--issue", "2026-05-04", "--yes", "--list-changed").exit_code == 0


def test_a_rate_is_said_and_kept(news: News, folder: Path) -> None:
    with ScriptedSmtp() as server:
        smtp(folder, server, 'send: {rate: "2/s, 500/h"}\n')
        sent = news(*SEND)
        assert sent.exit_code == 0 and "\n  Rate         at most 2/s, 500/h\n" in sent.output
        assert "Waiting until" in sent.output and "the rate limit is reached" in sent.output
        assert len(server.messages) == 5


# One at a time


def test_a_second_send_is_refused_while_the_first_goes_on(
    news: News, fake: SendGridFake, folder: Path
) -> None:
    with open_service(loader.load(folder, {"SENDGRID_API_KEY": "SG.fake", **samples.KEY_HOSTS})) as first:
        plan = first.plan(first.prepare("2026-04-27"), SendOptions(now=True))
        send = first.start(plan).send
        first.ledger.acquire_lease(send, timedelta(minutes=2))
        for command in (SEND, ("resume", *ISSUE, "--yes")):
            second = news(*command)
            assert second.exit_code == 1
            assert "is sending 2026-04-27 now" in second.output
        first.ledger.release_lease(send)
    assert news(*SEND).exit_code == 0


def held_by(folder: Path, run: str) -> None:
    """Writes down that a process holds the lease on the send, for a minute from now."""
    until = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    database(folder, "update send set holder = ?, held_until = ?", run, until)


def test_status_says_that_a_process_is_sending(news: News, folder: Path) -> None:
    news(*SEND)
    database(folder, "update chunk set state = 'intended'")
    with SendProcess(folder / ".news" / "runs") as run:
        held_by(folder, run.name)
        host, process, _ = run.name.rsplit("_", 2)
        for command in (("status", *ISSUE), ("cancel", *ISSUE)):
            shown = news(*command).output
            assert f"Process {process} on host {host} is sending this issue now.\n" in shown
            assert "\n  BEING SENT NOW: 0 OF 5 ACCEPTED\n" in shown
            assert row("Unknown", "5", "5 in flight") in shown.splitlines()
            assert "news resume" not in shown


def test_status_says_that_a_process_has_ended(news: News, folder: Path) -> None:
    news(*SEND)
    database(folder, "update chunk set state = 'intended'")
    run = SendProcess(folder / ".news" / "runs")
    run.has_lease = True  # as after kill -9: its folder stays
    run.close()
    held_by(folder, run.name)
    host, process, _ = run.name.rsplit("_", 2)
    for command in (("status", *ISSUE), ("cancel", *ISSUE)):
        shown = news(*command).output
        assert f"Process {process} on host {host} has ended.\n" in shown
        assert "is sending" not in shown and "\n      news resume 2026-04-27\n" in shown
        assert "\n  NOT FINISHED: 0 ACCEPTED, 5 UNKNOWN\n" in shown
        assert row("Unknown", "5", "5 in flight when the process ended") in shown.splitlines()


def test_a_process_of_another_machine_is_believed_until_its_lease_ends(news: News, folder: Path) -> None:
    news(*SEND)
    held_by(folder, "mx1_4711_0badcafe")
    assert "Process 4711 on host mx1 is sending this issue now." in news("status", *ISSUE).output
    database(folder, "update send set held_until = '2026-04-27 09:00:00'")
    assert "Process" not in news("status", *ISSUE).output


# What people find out


def refusing(folder: Path) -> ScriptedSmtp:
    return ScriptedSmtp(
        {"RCPT": ["250 ok", "550 5.1.1 no such user", "250 ok", "550 5.7.1 blocked", "250 ok"]}
    )


def test_the_refused_are_tried_again(news: News, folder: Path) -> None:
    with refusing(folder) as server:
        smtp(folder, server)
        sent = news(*SEND)
        assert sent.exit_code == 3
        lines = sent.stdout.splitlines()
        assert lines[lines.index("  SENT, BUT NOT TO ALL") + 1 :] == [
            "",
            row("Accepted", "3"),
            row("Refused", "2", "1 × 550 5.1.1 no such user"),
            row("", "", "1 × 550 5.7.1 blocked"),
            row("Unknown", "0"),
            "",
            "  See who was refused:",
            "      news status 2026-04-27 --list refused",
            "  Try them again, when the cause is removed:",
            "      news retry 2026-04-27 --refused [ADDRESS]…",
        ]
        assert news("retry", *ISSUE, "--refused", "reader3@example.com", "--yes").exit_code == 1
        assert "not refused in the send" in news("retry", *ISSUE, "--refused", "nobody@example.com").output
        one = news("retry", *ISSUE, "--refused", "READER2@example.com", "--yes")
        assert one.exit_code == 3 and row("Accepted", "4") in one.stdout.splitlines()
        assert row("Recipients", "1", "refused before") in one.stdout.splitlines()
        assert news("retry", *ISSUE, "--refused", typed="1\n").exit_code == 0
        assert len(server.messages) == 5
        nothing = news("retry", *ISSUE, "--refused", "--yes")
        assert nothing.exit_code == 1 and "nobody was refused" in nothing.output


def test_retry_asks_before_it_changes_anything(news: News, folder: Path) -> None:
    with refusing(folder) as server:
        smtp(folder, server)
        news(*SEND)
        assert news("retry", *ISSUE, "--refused", typed="no\n").exit_code == 1
        assert news("status", *ISSUE, "--list", "refused").output.count("\n") == 2
        assert news("status", "--due").output == "No issue is due.\n"


def test_retry_does_not_go_on_with_what_was_called_back(news: News, folder: Path) -> None:
    with refusing(folder) as server:
        smtp(folder, server)
        news(*SEND, "--canary", "2")
        news("cancel", *ISSUE, "--yes")
        refused = news("retry", *ISSUE, "--refused", "--yes")
        assert refused.exit_code == 1 and "the send of 2026-04-27 was cancelled" in refused.output
        assert len(server.messages) == 1


def test_status_and_retry_are_the_same_after_a_compaction(news: News, folder: Path) -> None:
    def told() -> list[str]:
        lists = [news("status", *ISSUE, "--list", state).output for state in RECIPIENT_STATES]
        news("status", *ISSUE, "--csv", "who.csv")
        return [*lists, news("status", *ISSUE).output, (folder / "who.csv").read_text()]

    with refusing(folder) as server:
        smtp(folder, server)
        news(*SEND)
        news("subscribers", "remove", "reader1@example.com")
        before = told()
        with open_database(loader.load(folder, {})) as opened:
            assert compact_settled(opened, datetime.now(UTC) + timedelta(days=2)) == 3
        assert told() == before
        assert news("retry", *ISSUE, "--refused", "reader2@example.com", "--yes").exit_code == 3
        assert news("status", *ISSUE, "--list", "accepted").output.split() == readers(1, 2, 3, 5)


def test_the_unknown_are_resolved(news: News, folder: Path) -> None:
    with ScriptedSmtp() as server:
        smtp(folder, server)
        news(*SEND)
        database(folder, "update chunk set state = 'unknown', reason = 'no answer'")
        unknown = news("status", *ISSUE, "--list", "unknown").output.splitlines()
        assert unknown == [f"{reader}\tno answer" for reader in readers(1, 2, 3, 4, 5)]
        first, second = readers(1, 2)
        asked = news("resolve", *ISSUE, "--assume", "unsent", first, typed="y\n")
        assert asked.exit_code == 0 and "gets it twice" in asked.output
        assert "\n  NOT FINISHED: 0 ACCEPTED, 1 ASSUMED UNSENT, 4 UNKNOWN\n" in asked.output
        assert news("status", *ISSUE, "--list", "waiting").output == f"{first}\tassumed unsent\n"
        assert news("resolve", *ISSUE, "--assume", "sent", "--yes").exit_code == 0
        assert news("status", *ISSUE, "--list", "unknown").output == ""
        assert second in news("status", *ISSUE, "--list", "accepted").output
        assert news("resume", *ISSUE, "--yes").exit_code == 0
        nothing = news("resolve", *ISSUE, "--assume", "sent", "--yes")
        assert nothing.exit_code == 1 and "nobody is unknown in the send of 2026-04-27" in nothing.output


def test_an_edited_issue_is_refused_with_the_difference(news: News, folder: Path) -> None:
    with ScriptedSmtp({"RCPT": ["250 ok", "421 busy"]}) as server:
        smtp(folder, server)
        news("send", *ISSUE, "--yes", "--canary", "1")
        edited = samples.ISSUE.replace("subject: Leek & potato", "subject: Leeks")
        edited = edited.replace("Cut, cook", "Chop, cook")
        (folder / "issues" / "2026-04-27.yml").write_text(edited)
        for command in (SEND, ("resume", *ISSUE, "--yes")):
            refused = news(*command)
            assert refused.exit_code == 1
            assert 'the subject: was "Leek & potato", is "Leeks"' in refused.output
            assert 'the text: 3 lines differ; the first was "Leek & potato", is "Leeks"' in refused.output
        assert len(server.messages) == 1


# Names


def test_everybody_is_named_in_a_file(news: News, folder: Path) -> None:
    with refusing(folder) as server:
        smtp(folder, server)
        news(*SEND)
    news("subscribers", "add", "late@example.com")
    told = news("status", *ISSUE, "--csv", "who.csv")
    assert told.exit_code == 0 and told.output.endswith("\nEvery recipient's state is in who.csv\n")
    assert row("Joined", "1", "after the start; they are not in this send") in told.output.splitlines()
    with (folder / "who.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["address", "state", "reason"]
    assert {row[0]: row[1] for row in rows[1:]} == {
        **dict.fromkeys(readers(1, 3, 5), "accepted"),
        **dict.fromkeys(readers(2, 4), "refused"),
    }
    assert stat.S_IMODE((folder / "who.csv").stat().st_mode) == 0o600
    news("status", *ISSUE, "--csv", "refused.csv", "--list", "refused")
    assert (folder / "refused.csv").read_text().count("\n") == 3
    unwritable = news("status", *ISSUE, "--csv", "nowhere/who.csv")
    assert unwritable.exit_code == 1 and "cannot be written" in unwritable.output


def test_json_names_everybody_who_is_not_accepted(news: News, folder: Path) -> None:
    with refusing(folder) as server:
        smtp(folder, server)
        news(*SEND)
    told = json.loads(news("status", *ISSUE, "--json").output)
    assert told["counts"]["accepted"] == 3 and told["counts"]["refused"] == 2
    assert [(one["address"], one["state"]) for one in told["people"]] == [
        ("reader2@example.com", "refused"),
        ("reader4@example.com", "refused"),
    ]
    assert told["state"] == "open" and told["finished_at"]
    accepted = json.loads(news("status", *ISSUE, "--json", "--list", "accepted").output)
    assert [one["address"] for one in accepted["people"]] == readers(1, 3, 5)
    assert json.loads(news("status", "--issue", "2026-05-04", "--json").output) is None


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("status",), id="status"),
        pytest.param(("retry", "--refused", "--yes"), id="retry"),
        pytest.param(("resume", "--yes"), id="resume"),
        pytest.param(("resolve", "--assume", "sent", "--yes"), id="resolve"),
        pytest.param(("cancel", "--yes"), id="cancel"),
    ],
)
def test_of_json_nothing_else_is_printed(command: tuple[str, ...], news: News, folder: Path) -> None:
    with refusing(folder) as server:
        smtp(folder, server)
        news(*SEND)
        database(folder, "update chunk set state = 'unknown' where first = 1")
        told = json.loads(news(command[0], *ISSUE, *command[1:], "--json").stdout)
    assert told["issue"] == "2026-04-27" and sum(told["counts"].values()) >= 5


@pytest.mark.parametrize("command", ["cancel", "resume", "retry", "resolve"])
def test_nothing_to_do_for_an_issue_that_was_never_sent(command: str, news: News) -> None:
    options = {"retry": ("--refused",), "resolve": ("--assume", "sent")}.get(command, ())
    refused = news(command, *ISSUE, *options, "--yes")
    assert refused.exit_code == 1 and "2026-04-27 was never sent" in refused.output
    assert news(command, "--issue", "soon", *options).exit_code == 2


def test_a_store_that_cannot_be_written_stops_before_anything_is_sent(
    news: News, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".news" / "runs").write_text("a file where a folder should be")
    with ScriptedSmtp() as server:
        smtp(folder, server)
        refused = news(*SEND)
        assert refused.exit_code == 1 and ".news/runs" in refused.output
        assert server.commands == []
