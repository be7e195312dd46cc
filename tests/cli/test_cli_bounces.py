"""`news bounces pull`: what it prints, and its exit codes."""

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.bounces import show_pulled
from newsletter.cli.main import main
from newsletter.services.pull_bounces import PulledBounces
from newsletter.store.database import open_database
from newsletter.store.delivery_events import Recorded
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import reports, samples
from tests.cli.summary import row
from tests.reports import Sent

NOTHING = Recorded(0, 0, 0, 0, 0)


def folder(tmp_path: Path, *contents: bytes) -> Path:
    newsletter = samples.newsletter(tmp_path, extra="bounces: {maildir: bounces}\n")
    for name in ("new", "cur"):
        (tmp_path / "bounces" / name).mkdir(parents=True)
    with open_database(newsletter) as database:
        long_ago = samples.NOW.replace(year=2000)
        Subscribers(database, lambda: long_ago).add(parse_subscriber("ada@example.com")[0])
    for number, content in enumerate(contents):
        (tmp_path / "bounces" / "new" / str(number)).write_bytes(content)
    return tmp_path


def news(folder: Path, *arguments: str) -> tuple[int, str]:
    environment = {"NEWS_SECRET_KEY": samples.SECRET, "NO_COLOR": "1", "COLUMNS": "80"}
    result = CliRunner().invoke(main, ["-C", str(folder), *arguments], env=environment)
    return result.exit_code, result.output


def test_numbers_are_printed_and_no_address(tmp_path: Path) -> None:
    at = samples.NOW
    here = folder(
        tmp_path, reports.postfix(Sent(1), at), reports.postfix(Sent(1), at, "4.1.1", action="delayed")
    )
    rows = [
        row("Bounced", "1", "the address accepts no mail"),
        row("No failure", "1", "a delay, or nothing about a reader"),
    ]
    changed = row("Changed", "1", "subscriber has another state")
    would = "\n".join(["", "  DRY RUN: 2 REPORTS READ, NOTHING CHANGED", "", *rows])
    tried = news(here, "bounces", "pull", "--dry-run")
    assert tried == (0, f"{would}\n{row('Changed', '1', 'subscriber would have another state')}\n")
    assert news(here, "subscribers", "list") == (0, "ada@example.com\tactive\n")
    did = "\n".join(["", "  2 REPORTS READ", "", *rows])
    assert news(here, "bounces", "pull") == (0, f"{did}\n{changed}\n")
    assert news(here, "subscribers", "list") == (0, "ada@example.com\tbounced\n")
    assert news(here, "bounces", "pull") == (0, "\n  NO NEW REPORTS\n\n")


def test_all_numbers_fit_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    kinds = Counter({"complained": 2, "unsubscribed": 1, "bounced": 1204, "soft": 31})
    unused = Counter({"no_failure": 12, "not_ours": 3, "malformed": 1})
    show_pulled(PulledBounces(1254, kinds, unused, Recorded(1200, 28, 10, 1180, 4), True), dry_run=False)  # type: ignore[arg-type]
    shown = capsys.readouterr().out
    assert shown.splitlines() == [
        "",
        "  1,254 REPORTS READ",
        "",
        row("Complained", "2", "reported the mail as spam"),
        row("Unsubscribed", "1", "through their mail provider"),
        row("Bounced", "1,204", "the address accepts no mail"),
        row("Soft", "31", "may pass; three in a row over seven days stop the mail"),
        row("No failure", "12", "a delay, or nothing about a reader"),
        row("Not ours", "3", "without a valid link or Message-ID of this newsletter"),
        row("Malformed", "1", "cannot be understood"),
        row("Known", "28", "were read before"),
        row("Not here", "10", "about people who are not in the store any more"),
        row("Ended", "4", "sign-ups whose confirmation mail came back"),
        row("Changed", "1,180", "subscribers have another state"),
        "",
        "  More reports wait:",
        "      news bounces pull",
    ]
    assert max(map(len, shown.splitlines())) <= 80


def test_a_mailbox_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    samples.write(tmp_path, extra="bounces: {maildir: missing}\n")
    code, shown = news(tmp_path, "bounces", "pull")
    assert code == 1 and "missing: error: is not a maildir" in shown and "bounces.maildir" in shown
    samples.write(tmp_path)
    code, shown = news(tmp_path, "bounces", "pull")
    assert code == 1 and "`bounces` is missing" in shown


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{}", "needs either `maildir` or `imap`"),
        ("{maildir: a, imap: {host: imap.example.com, username: b}}", "needs either `maildir` or `imap`"),
        ("{imap: {host: imap.example.com, username: b, security: none}}", "would send the password in clear"),
        ("{imap: {host: imap.example.com}}", "username"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, written: str, problem: str) -> None:
    samples.write(tmp_path, extra=f"bounces: {written}\n")
    code, shown = news(tmp_path, "bounces", "pull")
    assert code == 1 and problem in " ".join(shown.split())
