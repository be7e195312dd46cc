"""The log: each step of a send in order, in both formats, without any address of a recipient."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from newsletter.cli import logs
from newsletter.cli.main import main
from newsletter.sending.clock import SystemClock
from newsletter.sending.held_batches import recall_batch
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.model import HeldBatch, HeldBatchState, HeldBatchStatus
from newsletter.sending.outcomes import CancelOutcome, Unknown
from tests import samples
from tests.fakes.sendgrid import Fault, SendGridFake
from tests.fakes.smtp import CLOSE, ScriptedSmtp

News = Callable[..., Result]
SEND = ("send", "--issue", "2026-04-27", "--yes")
READERS = [f"reader{number}@example.com" for number in range(1, 6)]
# Forms in which a server's reply can contain the recipient's address.
NAMING = "reader3@example.com <reader3@example.com> bounce-7-reader3=example.com id=reader3%40example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = "".join(f"{address},Reader\n" for address in READERS)
    (tmp_path / "subscribers.csv").write_text("address,name\n" + lines)
    return samples.write(tmp_path)


@pytest.fixture
def news(folder: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Return a function that runs `news` in the sample newsletter's folder, with five subscribers."""
    monkeypatch.chdir(folder)
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "SMTP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.fake")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    assert run("subscribers", "import", "subscribers.csv").exit_code == 0
    return run


@pytest.fixture
def fake(folder: Path) -> Iterator[SendGridFake]:
    """Yield a SendGrid fake that the sample newsletter sends through."""
    with SendGridFake() as service:
        samples.write(folder, extra=f"provider: sendgrid\nsendgrid: {{host: '{service.url}'}}\n")
        yield service


def through(folder: Path, server: ScriptedSmtp) -> None:
    smtp = f"{{port: {server.port}, security: none, connections: 1}}"
    samples.write(folder, extra=f"provider: smtp\nsmtp: {smtp}\n")


def records(result: Result) -> list[dict[str, Any]]:
    """Return the records of a JSON log."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines]


def text_lines(result: Result) -> list[str]:
    """Return the lines of a text log."""
    return [
        line for line in result.stderr.splitlines() if re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z |    caused", line)
    ]


def steps(log: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return message and outcome of the records about the send itself."""
    sending = [
        item for item in log if item["logger"].startswith(("newsletter.sending", "newsletter.store.l"))
    ]
    return [(item["message"], item.get("outcome", "")) for item in sending]


def assert_no_address(shown: str) -> None:
    for address in (*READERS, "reader3", "reader9"):
        assert address not in shown.lower(), shown


def faults(fake: SendGridFake) -> None:
    """Queue responses that contain an address: two rejected batches, a rate limit, a server error."""
    fake.next(
        Fault.status(400, NAMING),
        Fault.status(400, NAMING),
        Fault.rate_limited(1),
        Fault.status(503, NAMING),
        path="/v3/mail/send",
    )


def test_each_step_of_a_send_through_sendgrid_is_one_object(news: News, fake: SendGridFake) -> None:
    fake.next(Fault.status(400, NAMING), path="/v3/mail/send")
    sent = news("--log-format", "json", *SEND, "--now")
    log = records(sent)
    assert (sent.exit_code, len(fake.deliveries)) == (0, 5)
    begun = ("attempt begun", "")
    assert steps(log)[:5] == [
        ("send planned", ""),
        ("delivery begun", ""),
        begun,
        ("attempt ended", "refused"),
        ("chunk split", ""),
    ]
    # Both halves are submitted at the same time.
    assert sorted(steps(log)[5:-1]) == sorted([begun, begun, *[("attempt ended", "accepted")] * 2])
    assert steps(log)[-1] == ("delivery ended", "")
    planned = next(record for record in log if record["message"] == "send planned")
    assert (planned["send"], planned["recipients"], planned["chunks"]) == (1, 5, 1)
    split = next(record for record in log if record["message"] == "chunk split")
    assert (split["chunk"], split["attempt_id"], split["parts"]) == ("1-5", 1, "1-2:waiting 3-5:waiting")
    accepted = [record for record in log if record.get("outcome") == "accepted"]
    assert {record["chunk"] for record in accepted} == {"1-2", "3-5"}
    assert {record["provider_id"] for record in accepted} == {record.message_id for record in fake.deliveries}
    assert {record["send"] for record in accepted} == {1} and {
        record["attempt_id"] for record in accepted
    } == {
        2,
        3,
    }
    for record in log:
        assert list(record)[:4] == ["time", "level", "logger", "message"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
    refused = next(record for record in log if record.get("outcome") == "refused")
    assert (refused["level"], "<recipient>" in refused["reason"]) == ("warning", True)


@pytest.mark.parametrize("options", [["-vv"], ["-vv", "--log-format", "json"]], ids=" ".join)
def test_no_address_is_logged_of_a_send_through_sendgrid(
    options: list[str], news: News, fake: SendGridFake
) -> None:
    faults(fake)
    sent = news(*options, *SEND, "--now")
    shown = "\n".join(text_lines(sent) or map(str, records(sent)))
    assert shown.count("attempt ended") >= 5 and "<recipient>" in shown
    assert_no_address(shown)


@pytest.mark.parametrize("options", [["-vv"], ["-vv", "--log-format", "json"]], ids=" ".join)
def test_no_address_is_logged_of_a_send_through_smtp(options: list[str], news: News, folder: Path) -> None:
    script = {
        "RCPT": ["250 ok", f"550 5.1.1 {NAMING}", "250 ok"],
        ".": [*[f"250 queued {NAMING}"] * 3, CLOSE],
    }
    with ScriptedSmtp(script) as server:
        through(folder, server)
        sent = news(*options, *SEND)
    shown = "\n".join(text_lines(sent) or map(str, records(sent)))
    assert "attempt ended" in shown and "<recipient>" in shown
    assert_no_address(shown)
    if "json" in options:
        ended = [record for record in records(sent) if record["message"] == "message ended"]
        assert {(record["recipient"], record["outcome"]) for record in ended} >= {
            (1, "accepted"),
            (2, "refused"),
            (5, "unknown"),
        }
        assert all(record["send"] == 1 and record["chunk"] and record["attempt_id"] for record in ended)
        assert next(record for record in ended if record["outcome"] == "accepted")["provider_id"].startswith(
            "250"
        )


def test_a_recall_is_logged_step_by_step(news: News, fake: SendGridFake) -> None:
    opened = records(news("--log-format", "json", *SEND))
    (batch,) = [record for record in opened if record["message"] == "held batch opened"]
    cancelled = records(news("--log-format", "json", "cancel", "--issue", "2026-04-27", "--yes"))
    log = [record for record in cancelled if record["logger"].startswith("newsletter.sending")]
    assert [record["message"] for record in log] == [
        "cancel begun: nothing more is submitted",
        "recall asked",
        "recall confirmed",
        "cancel ended",
    ]
    assert {record["provider_id"] for record in log if "recall" in record["message"]} == {
        batch["provider_id"]
    }


class _Unclear:
    """A provider that does not confirm a recall, and a ledger that records nothing."""

    def recall(self, batch_id: str) -> CancelOutcome:
        return Unknown(NAMING)

    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
        pass


def test_an_unclear_recall_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    batch = HeldBatch(3, 1, "batch7", samples.NOW, samples.NOW, "open")
    status = HeldBatchStatus(batch, accepted=5, unknown=0, intended=0, unknown_since=None)
    unclear: Any = _Unclear()
    with logs.enabled(0, "json"):
        assert recall_batch(unclear, unclear, status, "waiting", SystemClock(), SendTimings()) is None
    asked, unconfirmed = map(json.loads, capsys.readouterr().err.splitlines())
    assert (asked["message"], unconfirmed["message"]) == ("recall asked", "recall unclear")
    assert (unconfirmed["send"], unconfirmed["batch"], unconfirmed["provider_id"]) == (3, 1, "batch7")
    assert_no_address(unconfirmed["reason"])


@pytest.mark.parametrize("options", [["-vv"], ["--log-format", "json"]], ids=" ".join)
def test_no_address_is_logged_by_other_commands(options: list[str], news: News, folder: Path) -> None:
    (folder / "reader9@example.com.csv").write_text("address\nreader1@example.com\nreader9@example\n")
    link = samples.ISSUE.replace(
        "https://soup.example.com/leek", "https://soup.example.com/reader9@example.com"
    )
    samples.write(folder, issue=link)
    for command in (
        ("subscribers", "import", "reader9@example.com.csv"),
        ("subscribers", "add", "reader9@example"),
        ("check", "2026-04-27", "2026-04-27"),  # of two issues, this process logs the result
    ):
        result = news(*options, *command)
        shown = "\n".join(text_lines(result) or map(str, records(result)))
        assert shown, command
        assert_no_address(shown)


def test_without_options_nothing_is_logged(news: News, fake: SendGridFake) -> None:
    faults(fake)
    sent = news(*SEND, "--now")
    assert not text_lines(sent) and not records(sent) and "attempt" not in sent.stderr


def test_causes_of_an_error_are_shown_on_request(news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_DATABASE_URL", "sqlite:////dev/null")
    plain, verbose = news("status"), news("-v", "status")
    assert "caused by" not in plain.stderr and verbose.stderr.startswith(plain.stderr)
    assert "\n    caused by: OperationalError: (sqlite3.OperationalError)" in verbose.stderr
    (failed,) = [
        record for record in records(news("-vv", "--log-format", "json", "status")) if "error" in record
    ]
    assert failed["error"].startswith("StoreError: ")
    assert failed["causes"][0].startswith("OperationalError: (sqlite3.OperationalError)")
    assert failed["traceback"].startswith("Traceback")


@pytest.mark.parametrize("options", [["-vv"], ["-vv", "--log-format", "json"]], ids=" ".join)
def test_a_password_is_in_no_cause(options: list[str], news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_DATABASE_URL", "postgres:// me:(swordfish)@host:port/name")
    failed = news(*options, "status")
    assert "NEWS_DATABASE_URL is not a database URL" in failed.stderr
    assert "swordfish" not in failed.output


# A broken log does not stop a send


@pytest.mark.parametrize(
    "broken", ["2>&-", "2>/dev/full", "2> >(exec true)"], ids=["closed", "full", "no-reader"]
)
def test_a_send_goes_on_where_its_log_cannot_be_written(
    broken: str, news: News, fake: SendGridFake, folder: Path
) -> None:
    if "/dev/full" in broken and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = f'exec "$0" -m newsletter -vv {" ".join(SEND)} --now {broken}'
    sent = subprocess.run(
        ["bash", "-c", command, sys.executable],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (sent.returncode, "\n  SENT TO ALL 5\n" in sent.stdout) == (0, True), sent.stdout
    assert sorted(record.address for record in fake.deliveries) == READERS


class _Broken:
    """A value that cannot be formatted."""

    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_record_that_cannot_be_formatted_is_dropped(
    style: logs.Format, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own raises
    log = logging.getLogger("newsletter.tests")
    with logs.enabled(1, style):
        log.info("first", extra={"value": _Broken()})
        log.info("second %d", "x")
        log.info("last")
    (shown,) = capsys.readouterr().err.splitlines()
    assert "last" in shown


# The format of a record


def logged(style: logs.Format | None, verbosity: int, name: str, *arguments: Any, **options: Any) -> None:
    with logs.enabled(verbosity, style):
        logging.getLogger(name).warning(*arguments, **options)


def test_other_packages_are_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity, style in ((0, None), (2, None), (2, "json")):
        logged(
            style, verbosity, "sqlalchemy.pool", "%s was lost", "ada@example.com", extra={"to": "a@b.example"}
        )
        with logs.enabled(verbosity, style):
            logging.getLogger("urllib3").info("ada@example.com")
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 3 and "ada" not in shown and "b.example" not in shown


def test_a_text_line_keeps_its_fields_apart(capsys: pytest.CaptureFixture[str]) -> None:
    logged("text", 0, "newsletter.x", "done", extra={"reason": 'no "a"\nb=c', "send": 3, "nothing": None})
    assert capsys.readouterr().err.rstrip().partition("Z ")[2] == (
        'WARNING newsletter.x: done reason="no \\"a\\"\\\\u000ab=c" send=3'
    )


def test_a_field_takes_no_standard_key(capsys: pytest.CaptureFixture[str]) -> None:
    logged("json", 0, "newsletter.x", "done", extra={"level": "mine", "time": "never"})
    record = json.loads(capsys.readouterr().err)
    assert (record["level"], record["message"]) == ("warning", "done") and record["time"] != "never"


def test_a_fault_of_news_itself_is_shown_without_options(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.enabled(0, None):
        try:
            raise ValueError("ada@example.com")
        except ValueError:
            logging.getLogger("newsletter.preview.workspace").exception("the preview could not be built")
        logging.getLogger("newsletter.sending.delivery").warning("attempt ended")
    shown = capsys.readouterr().err.splitlines()
    assert shown[:2] == ["the preview could not be built", "Traceback (most recent call last):"]
    assert shown[-1] == "ValueError: <recipient>"


def test_the_log_is_as_it_was_afterwards() -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger("newsletter").level
    with logs.enabled(2, "json"):
        assert logging.getLogger("newsletter").level == logging.DEBUG
    assert (logging.getLogger().handlers, logging.getLogger("newsletter").level) == (handlers, level)
