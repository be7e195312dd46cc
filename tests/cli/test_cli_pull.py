"""Those who left outside are read before each send, which is refused otherwise."""

import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.services import pull
from tests import samples
from tests.fakes.sendgrid import Fault, SendGridFake

News = Callable[..., Result]
SEND = ("send", "--issue", "2026-04-27", "--yes")
PEOPLE = ("ada@example.com", "bo@example.com")


@pytest.fixture
def fake() -> Iterator[SendGridFake]:
    with SendGridFake() as service:
        yield service


@pytest.fixture
def news(tmp_path: Path, fake: SendGridFake, monkeypatch: pytest.MonkeyPatch) -> News:
    """Runs `news` in a newsletter of two people, which reads SendGrid's lists."""
    extra = f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\npull: {{sendgrid: true}}\n"
    monkeypatch.chdir(samples.write(tmp_path, extra=extra))
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.fake")

    def run(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=typed)

    for address in PEOPLE:
        assert run("subscribers", "add", address).exit_code == 0
    return run


def tomorrow() -> datetime:
    """Return a time after every consent; the pull takes it for the present."""
    return datetime.now(UTC) + timedelta(days=1)


def mailed(fake: SendGridFake) -> list[str]:
    return [delivery.address for delivery in fake.deliveries]


def test_the_command_prints_numbers_and_no_address(news: News, fake: SendGridFake) -> None:
    fake.suppress("bounces", PEOPLE[0], tomorrow())
    fake.suppress("unsubscribes", PEOPLE[1], tomorrow())
    shown = news("unsubscribes", "pull", "--dry-run")
    assert shown.exit_code == 0 and "This was a dry run" in shown.output
    done = news("unsubscribes", "pull")
    assert done.exit_code == 0 and done.output == shown.output.rpartition("This was")[0]
    assert done.output.splitlines()[0] == "sendgrid bounces         1 read, 1 left the list"
    assert "@" not in done.output


def test_a_place_that_cannot_be_read_is_an_error_and_the_others_are_read(
    news: News, fake: SendGridFake
) -> None:
    fake.next(Fault.status(403, "access forbidden"), path="/v3/suppression/bounces")
    fake.suppress("unsubscribes", PEOPLE[1], tomorrow())
    done = news("unsubscribes", "pull")
    assert done.exit_code == 1
    assert "sendgrid unsubscribes    1 read, 1 left the list" in done.output
    assert "give the key Suppressions (read access)" in done.output


def test_a_send_reads_first_who_left(news: News, fake: SendGridFake) -> None:
    fake.suppress("unsubscribes", PEOPLE[0], tomorrow())
    done = news(*SEND)
    assert done.exit_code == 0, done.output
    assert "sendgrid unsubscribes    1 read, 1 left the list" in done.output
    assert mailed(fake) == [PEOPLE[1]]


@pytest.mark.parametrize("command", [SEND, ("send", "--ready", "--yes")], ids=["send", "ready"])
def test_a_send_is_refused_if_a_place_cannot_be_read(
    news: News, fake: SendGridFake, command: tuple[str, ...]
) -> None:
    assert news("unsubscribes", "pull").exit_code == 0  # a good one lately does not replace it
    fake.next(Fault.status(500), path="/v3/suppression/spam_reports")
    done = news(*command)
    assert done.exit_code == 1 and "the people who left could not be read" in done.output
    assert mailed(fake) == []


def test_a_dry_run_of_a_send_opens_no_connection(news: News, fake: SendGridFake) -> None:
    assert news(*SEND, "--dry-run").exit_code == 0
    assert fake.connections == 0


def test_a_rehearsal_needs_no_pull(news: News, fake: SendGridFake) -> None:
    assert news(*SEND, "--provider", "outbox").exit_code == 0
    assert fake.connections == 0


def test_an_idle_run_of_send_ready_reads_nothing(news: News, fake: SendGridFake) -> None:
    assert news(*SEND).exit_code == 0
    before = len(fake.requests)
    done = news("send", "--ready", "--yes")
    assert done.exit_code == 0 and len(fake.requests) == before


def test_an_issue_with_errors_is_refused_without_a_pull(
    news: News, fake: SendGridFake, tmp_path: Path
) -> None:
    issue = samples.ISSUE.replace("Leek & potato", "TODO")
    (tmp_path / "issues" / "2026-04-27.yml").write_text(issue)
    assert news(*SEND).exit_code == 1
    assert fake.connections == 0


def test_resume_reads_first_too(news: News, fake: SendGridFake) -> None:
    assert news(*SEND, "--canary", "1").exit_code == 3
    fake.suppress("unsubscribes", PEOPLE[1], tomorrow())
    done = news("resume", "--issue", "2026-04-27", "--yes")
    assert "1 left the list" in done.output
    assert mailed(fake) == [PEOPLE[0]]


def test_cancel_reads_nothing(news: News, fake: SendGridFake) -> None:
    news(*SEND)
    before = [request for request in fake.requests if "suppression" in request.path]
    news("cancel", "--issue", "2026-04-27", "--yes")
    assert [request for request in fake.requests if "suppression" in request.path] == before


def test_a_send_is_refused_an_hour_after_the_pull(news: News, fake: SendGridFake, tmp_path: Path) -> None:
    """A person may answer the question late: between plan and start, the pull becomes too old."""
    age = pull.MAX_AGE + timedelta(minutes=1)

    def answer_late() -> None:
        with closing(sqlite3.connect(tmp_path / ".news" / "news.db")) as connection, connection:
            old = (datetime.now(UTC) - age).strftime("%Y-%m-%d %H:%M:%S.%f")
            connection.execute("update pull set pulled_at = ? where source = 'sendgrid bounces'", (old,))

    class LateAnswer(io.BytesIO):
        """Typed text that comes after an hour."""

        def read1(self, size: int | None = -1) -> bytes:
            answer_late()
            return super().read1(-1 if size is None else size)

    done = CliRunner().invoke(main, SEND[:-1], input=LateAnswer(b"2\n"))
    assert done.exit_code == 1 and "more than an hour ago" in done.output, done.output
    assert mailed(fake) == []


def test_without_a_place_the_command_says_so(news: News, tmp_path: Path) -> None:
    samples.write(tmp_path)
    done = news("unsubscribes", "pull")
    assert done.exit_code == 1 and "names no place" in done.output
