"""The command line, as people use it: what it prints, what it asks, what it answers with."""

import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.errors import SendRefused
from newsletter.sending.hold_policy import SendTimings
from newsletter.services.open_send import open_service
from tests import samples
from tests.cli.summary import row
from tests.fakes.sendgrid import Fault, SendGridFake
from tests.fakes.smtp import CLOSE, SILENCE, ScriptedSmtp
from tests.forks import ForkServer
from tests.watched import Process

News = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "subscribers.csv").write_text("address,name\nada@example.com,Ada\nbo@example.com,Bo\n")
    return samples.write(tmp_path)


@pytest.fixture
def news(folder: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Runs `news` in the sample newsletter's folder, in an environment of its own."""
    monkeypatch.chdir(folder)
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "SENDGRID_API_KEY", "SMTP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, typed: str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, input=typed, env=environment)

    return run


def outbox(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted((folder / "outbox" / "new").glob("*.eml"))]


def settings(folder: Path, extra: str) -> None:
    samples.write(folder, extra=extra)


def test_the_main_job(news: News, folder: Path) -> None:
    assert news("check").output.startswith("issues/2026-04-27.yml: no problems found (1")
    assert "Added        2          active" in news("subscribers", "import", "subscribers.csv").output
    sent = news("send", "--issue", "2026-04-27", "--yes")
    assert sent.exit_code == 0
    assert "\n  REHEARSED FOR ALL 2\n" in sent.output
    assert len(outbox(folder)) == 2
    again = news("send", "--issue", "2026-04-27", "--yes")
    assert (again.exit_code, len(outbox(folder))) == (0, 2)
    assert "No recipient is waiting; nothing was sent now.\n" in again.output
    assert "\n  REHEARSED FOR ALL 2\n" in again.output


def test_a_rehearsal_says_where_its_mail_is_and_that_it_is_gone(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    assert news("send", "2026-04-27", "--yes").stderr == "No mail left this machine: it is in outbox/new/.\n"
    (folder / "outbox" / "new").rename(folder / "outbox" / "away")
    (folder / "outbox" / "cur").rmdir()
    (folder / "outbox" / "away").rename(folder / "outbox" / "cur")
    assert news("send", "2026-04-27", "--yes").stderr == "No mail left this machine: it is in outbox/cur/.\n"
    shutil.rmtree(folder / "outbox")
    gone = news("send", "2026-04-27", "--yes")
    assert "\n  REHEARSED FOR ALL 2\n" in gone.stdout
    assert gone.stderr == (
        "No mail left this machine. It was in outbox/ and was deleted there.\n"
        "To see it again:\n  news preview, or news render\n"
    )


def test_a_rehearsal_that_delivers_nothing_names_no_mail(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    (folder / "outbox").mkdir()
    (folder / "outbox" / "tmp").write_text("a file where a folder should be")
    failed = news("send", "2026-04-27", "--yes")
    assert failed.exit_code == 3 and failed.stderr.endswith("\nNo mail left this machine.\n")
    assert "\n  NOT FINISHED: 0 ACCEPTED, 2 CERTAINLY UNSENT\n" in failed.stdout


def test_a_send_shows_what_it_is_and_asks(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    refused = news("send", "--issue", "2026-04-27", typed="3\n")
    assert refused.exit_code == 1
    lines = refused.output.splitlines()
    assert lines[:2] == ["", "  The Soup Letter · 2026-04-27"]
    for line in (
        "  Subject      Leek & potato",
        "  Preheader    A soup for the first cold evening of the year.",
        "  From         The Soup Letter <soup@example.com>",
        "  Through      outbox (outbox/)",
        row("Recipients", "2"),
        row("Undo", "none", "no mail leaves this machine"),
        row("Tracking", "off"),
        row("Checks", "no problems"),
        "  This is a rehearsal: no mail leaves this machine.",
        "  Type the number of recipients to continue: 3",
        "error: that is not the number of recipients; nothing was sent",
        "    run it again and type 2, or look first: add --dry-run to the same command",
    ):
        assert line in lines
    assert outbox(folder) == []
    assert news("send", "--issue", "2026-04-27", typed="2\n").exit_code == 0
    assert len(outbox(folder)) == 2


def test_a_dry_run_is_advised_where_it_shows_the_same_plan(news: News) -> None:
    news("subscribers", "import", "subscribers.csv")
    refused = news("send", "2026-04-27", "--provider", "outbox", typed="7\n")
    assert "look first: add --dry-run to the same command\n" in refused.output
    news("send", "2026-04-27", "--canary", "1", "--yes")
    resumed = news("resume", "2026-04-27", typed="7\n")
    assert "run it again and type 1\n" in resumed.output, "news send shows no plan of it"


def test_no_answer_is_no(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    refused = news("send", "--issue", "2026-04-27", typed="")
    assert (refused.exit_code, outbox(folder)) == (1, [])
    assert refused.stderr.endswith(
        "\nerror: the question was not answered; nothing was sent\n    for automation: --yes\n"
    )


def test_ctrl_c_during_a_test_is_no_refusal(news: News, folder: Path) -> None:
    """The first test has left, and the second perhaps."""

    class Interrupting(ScriptedSmtp):
        def _reply(self, connection: object, reply: str) -> bool:
            if reply.startswith("250 2.0.0 queued") and len(self.messages) == 2:
                os.kill(os.getpid(), signal.SIGINT)
                return False
            return super()._reply(connection, reply)

    with Interrupting() as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        tests = [part for name in "abc" for part in ("--to", f"{name}@example.com")]
        sent = news("send", "2026-04-27", "--yes", *tests)
    assert sent.exit_code == 3, sent.output
    assert "a@example.com: accepted" in sent.output
    assert "b@example.com: error: interrupted; this test was perhaps sent" in sent.stderr
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    ("typed", "what"), [("n\n", "the answer was no"), ("", "the question was not answered")]
)
def test_a_test_that_is_not_confirmed_is_not_sent(typed: str, what: str, news: News, folder: Path) -> None:
    refused = news("send", "2026-04-27", "--to", "me@example.com", typed=typed)
    assert (refused.exit_code, outbox(folder)) == (1, [])
    assert f"error: {what}; nothing was sent\n" in refused.stderr


def test_the_plan_says_where_the_notes_of_the_checks_are(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    noted = samples.ISSUE.replace("outside", "outside outside")
    samples.write(folder, extra="checks: {doubled-words: note}\n", issue=noted)
    planned = news("send", "2026-04-27", "--dry-run").output
    assert row("Checks", "1 note", "news check 2026-04-27 shows the notes") in planned.splitlines(), planned


def test_a_rehearsal_is_marked_and_has_nothing_to_cancel(news: News) -> None:
    news("subscribers", "import", "subscribers.csv")
    news("send", "2026-04-27", "--yes")
    assert "2026-04-27  outbox (rehearsal)  " in news("status").output
    cancelled = news("cancel", "2026-04-27")
    assert cancelled.exit_code == 0
    assert cancelled.output.startswith("This was a rehearsal: no mail left this machine, so there is nothing")


def test_a_dry_run_sends_nothing_and_needs_no_answer(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    settings(folder, "provider: smtp\nsmtp: {port: 1}\n")
    dry = news("send", "--issue", "2026-04-27", "--dry-run")
    assert (dry.exit_code, dry.output.splitlines()[-1]) == (0, "This was a dry run: nothing was sent.")
    assert "never sent" in news("status", "--issue", "2026-04-27").output


def test_a_test_goes_to_one_address_and_not_into_the_ledger(news: News, folder: Path) -> None:
    tested = news("send", "--issue", "2026-04-27", "--to", "me@example.com", "--yes")
    assert (tested.exit_code, tested.output.splitlines()[-2]) == (0, "Accepted.")
    (message,) = outbox(folder)
    assert b"To: me@example.com" in message and b"Subject: [Test] Leek & potato" in message
    assert b"https://soup.example.com/leave/test>" in message
    assert "never sent" in news("status", "--issue", "2026-04-27").output


def test_a_test_goes_to_every_address_that_is_named(news: News, folder: Path) -> None:
    to = ("--to", "me@example.com", "--to", "you@example.com", "--to", "ME@example.com")
    tested = news("send", "2026-04-27", *to, "--yes")
    assert tested.exit_code == 0
    assert "to me@example.com, you@example.com, through outbox." in tested.output
    assert [line for line in tested.output.splitlines() if line.endswith(": accepted")] == [
        "me@example.com: accepted",
        "you@example.com: accepted",
    ]
    assert sorted(re.search(rb"(?m)^To: (.*)", mail)[1] for mail in outbox(folder)) == [
        b"me@example.com",
        b"you@example.com",
    ]


def test_a_test_that_fails_for_one_of_several_names_them_and_exits_with_3(news: News, folder: Path) -> None:
    to = ("--to", "me@example.com", "--to", "you@example.com")
    with ScriptedSmtp({"RCPT": ["550 no such user", "250 ok"]}) as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        tested = news("send", "2026-04-27", *to, "--yes")
    assert tested.exit_code == 3
    assert "me@example.com: error: refused: 550 no such user" in tested.output
    assert "you@example.com: accepted" in tested.output
    assert len(server.messages) == 1


def test_tests_are_sent_to_all_addresses_or_none_where_one_is_no_address(news: News, folder: Path) -> None:
    refused = news("send", "2026-04-27", "--to", "me@example.com", "--to", "me@example", "--yes")
    assert refused.exit_code == 1 and "is not an email address" in refused.output
    assert outbox(folder) == []


def test_a_send_says_that_an_issue_is_a_draft(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    assert "draft" not in news("send", "2026-04-27", "--dry-run").output
    samples.write(folder, issue=samples.ISSUE.replace("ready: true", "ready: false"))
    shown = news("send", "2026-04-27", "--dry-run").output
    assert shown.startswith("\n  The Soup Letter · 2026-04-27 · draft (ready: false)\n")


@pytest.mark.parametrize("nobody", ["", " ", "me@example"])
def test_a_test_to_nobody_is_not_a_send_to_everybody(nobody: str, news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    refused = news("send", "--issue", "2026-04-27", "--to", nobody, "--yes")
    assert refused.exit_code == 1 and "is not an email address" in refused.output
    assert outbox(folder) == []


def test_the_number_that_was_agreed_to_is_the_number_that_is_sent(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    with open_service(loader.load(folder, {"NEWS_SECRET_KEY": samples.SECRET})) as sending:
        prepared = sending.prepare("2026-04-27")
        plan = sending.plan(prepared)
        news("subscribers", "add", "late@example.com")
        with pytest.raises(SendRefused, match="the list has changed: 3 recipients now"):
            sending.start(plan)
        assert sending.queries.sends() == []
        assert sending.start(sending.plan(prepared)).send.recipients == 3


def test_an_issue_is_named_by_its_date_or_its_file(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    news("send", "--issue", "issues/2026-04-27.yml", "--yes")
    assert "  REHEARSED FOR ALL 2\n" in news("status", "--issue", "issues/2026-04-27.yml").output
    assert news("status", "--issue", "the last one").exit_code == 2
    assert news("send", "--ready", "--issue", "2026-04-72", "--yes").exit_code == 1


MARKDOWN = """\
---
subject: Leek & potato
preheader: A soup for the first cold evening of the year.
ready: {ready}
---

## Soups

### [Leek and potato soup](https://soup.example.com/leek)

Cut, {cook}, blend.
"""


def test_an_issue_in_markdown_is_rendered_checked_and_sent(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    file = folder / "issues" / "2026-05-04.md"
    file.write_text(MARKDOWN.format(ready="true", cook="cook [[first_name]]"), "utf-8")
    for command in (("check",), ("send", "--issue", "2026-05-04", "--yes")):
        refused = news(*command)
        assert refused.exit_code == 1
        assert (
            "issues/2026-05-04.md:11: " in refused.output
            and "[[first_name]] is not a known" in refused.output
        )
    file.write_text(MARKDOWN.format(ready="true", cook="cook"), "utf-8")
    assert news("check", "issues/2026-05-04.md").exit_code == 0
    assert news("render", "2026-05-04", "-o", "out").exit_code == 0
    assert "Cut, cook, blend." in (folder / "out" / "2026-05-04.txt").read_text("utf-8")
    assert news("send", "--issue", "2026-05-04", "--yes").exit_code == 0
    assert len(outbox(folder)) == 2
    assert "  REHEARSED FOR ALL 2\n" in news("status", "--issue", "issues/2026-05-04.md").output


def test_only_an_issue_in_markdown_that_says_ready_is_due(news: News, folder: Path) -> None:
    (folder / "issues" / "2026-04-27.yml").unlink()
    file = folder / "issues" / "2026-05-04.md"
    for ready, due in (("true", ["2026-05-04"]), ("false", []), ("false\npublished: true", [])):
        file.write_text(MARKDOWN.format(ready=ready, cook="cook"), "utf-8")
        result = news("status", "--due", "--json")
        assert json.loads(result.stdout) == due
    assert "2026-05-04.md:5: error: published does not belong in the front matter" in result.stderr
    assert "only `ready: true` means that the issue may be sent" in result.stderr


def test_an_issue_in_yaml_beside_its_twin_in_markdown_is_not_sent(news: News, folder: Path) -> None:
    (folder / "issues" / "2026-04-27.md").write_text(MARKDOWN.format(ready="true", cook="cook"), "utf-8")
    for command in (("check",), ("render",), ("send", "--ready"), ("send", "--issue", "2026-04-27", "--yes")):
        refused = news(*command)
        assert refused.exit_code == 1
        assert "2026-04-27.yml and 2026-04-27.md are both the issue of 2026-04-27" in refused.output
    assert outbox(folder) == []


def test_an_issue_with_errors_is_not_sent(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    samples.write(folder, issue=samples.ISSUE.replace("Cut, cook", "Cut [[first_name]], cook"))
    refused = news("send", "--issue", "2026-04-27", "--yes")
    assert refused.exit_code == 1
    assert "issues/2026-04-27.yml:12: error: [[first_name]] is not a known placeholder" in refused.output
    assert outbox(folder) == []


def test_a_broken_issue_is_an_answer_with_every_problem(news: News, folder: Path) -> None:
    samples.write(
        folder,
        issue=samples.ISSUE.replace("https://soup.example.com/leek", "htps://x").replace("ready", "raedy"),
    )
    for command in (["check"], ["render"], ["send", "--issue", "2026-04-27", "--yes"]):
        broken = news(*command)
        assert broken.exit_code == 1
        told = broken.output.replace("error: ", "")
        assert "issues/2026-04-27.yml:3: raedy" in told
        assert 'issues/2026-04-27.yml:9: stories[0].link is not a web address ("htps://x' in told


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["send"], id="send-what"),
        pytest.param(["status", "--json"], id="json-of-what"),
        pytest.param(["send", "--ready", "--to", "me@example.com"], id="test-of-what"),
        pytest.param(["send", "--issue", "2026-04-27", "--provider", "pigeon"], id="unknown-provider"),
        pytest.param(["status", "--list", "unknown"], id="list-of-what"),
        pytest.param(["new", "someday"], id="no-date"),
        pytest.param(["sned"], id="no-such-command"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], news: News) -> None:
    assert news(*arguments).exit_code == 2


def test_nobody_on_the_list_is_refused(news: News) -> None:
    empty = news("send", "--issue", "2026-04-27", "--yes")
    assert empty.exit_code == 1 and "nobody on the list" in empty.output
    assert "news subscribers import" in empty.output


def test_no_newsletter_here(news: News, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    nothing = news("-C", "elsewhere", "check")
    assert nothing.exit_code == 1 and "there is no newsletter in this folder" in nothing.output


def test_render_writes_three_files_the_same_each_time(news: News, folder: Path) -> None:
    assert news("render", "2026-04-27", "-o", "one").exit_code == 0
    assert news("render", "issues/2026-04-27.yml", "-o", "two").exit_code == 0
    for suffix in ("html", "txt", "eml"):
        first, second = (folder / part / f"2026-04-27.{suffix}" for part in ("one", "two"))
        assert first.read_bytes() == second.read_bytes() != b""
    assert not (folder / ".news").exists()


def test_render_writes_below_the_current_folder(
    news: News, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert news("-C", "..", "render", "-o", "one").exit_code == 0
    assert (tmp_path / "elsewhere" / "one" / "2026-04-27.html").is_file()


def test_render_into_a_place_that_cannot_be(news: News, folder: Path) -> None:
    (folder / "taken").write_text("a file")
    refused = news("render", "-o", "taken/build")
    assert refused.exit_code == 1 and "cannot be written" in refused.output


def test_new_starts_an_issue_and_never_over_one(news: News, folder: Path) -> None:
    assert news("new", "2026-05-04").exit_code == 0
    written = (folder / "issues" / "2026-05-04.yml").read_text()
    assert 'heading: "Hello"' in written and 'heading: "How"' in written
    assert news("new", "2026-05-04").exit_code == 1
    assert (folder / "issues" / "2026-05-04.yml").read_text() == written


@pytest.mark.parametrize(("word", "days"), [("today", 0), ("Tomorrow", 1), ("monday", None)])
def test_new_takes_a_word_for_its_day(word: str, days: int | None, news: News, folder: Path) -> None:
    before = date.today()
    assert news("new", word).exit_code == 0
    days = 7 - before.weekday() if days is None else days
    path = folder / "issues" / f"{before + timedelta(days=days)}.yml"
    assert path.exists() or date.today() != before  # a test at midnight


@pytest.mark.parametrize("word", ["2026-02-30", "4 May", "mondays", ""])
def test_new_says_which_days_it_takes(word: str, news: News) -> None:
    refused = news("new", word)
    assert refused.exit_code == 2
    assert "is not a date; write it as 2026-05-04, today, tomorrow or monday" in refused.output
    assert "name the date of the issue: 2026-05-04, today" in news("new").output


def test_import_names_each_line_that_is_no_use(news: News, folder: Path) -> None:
    (folder / "list.csv").write_text(
        "\ufeffE-Mail;Name;City\r\nada@example.com;Ada;Rome\r\nnobody;N;Rome\r\nADA@example.com;Ada;Rome\r\n"
        "x@example.com;X\r\ny@example.com;Y;Rome;Italy\r\n",
        newline="",
    )
    imported = news("subscribers", "import", "list.csv")
    assert imported.exit_code == 1
    assert "list.csv:1: note: the column `City` is not imported" in imported.output
    assert 'list.csv:3: error: "nobody" is not an email address' in imported.output
    assert "list.csv:4: ADA@example.com is in the files twice" in imported.output
    assert "list.csv:6: error: the line has 4 fields, the header has 3" in imported.output
    assert table(imported) == [
        "5 ROWS READ",
        "Added 2 active",
        "Known 1 twice in the files",
        "Refused 2 not valid",
    ]


def test_a_dry_run_of_an_import_shows_the_same_table_and_changes_nothing(news: News, folder: Path) -> None:
    (folder / "list.csv").write_text("address\nada@example.com\nbo@example.com\nnobody\n")
    (folder / "more.csv").write_text("address,status\ncy@example.com,subscribed\ndy@example.com,gone\n")
    command = ("subscribers", "import", "list.csv", "more.csv", "--map", "state=status")
    assert "no column `status`" in news(*command).output
    (folder / "list.csv").write_text(
        "address,status\nada@example.com,active\nbo@example.com,bounced\nnobody,\n"
    )
    tried = news(*command, "--dry-run")
    assert table(tried)[0] == "DRY RUN, NOTHING CHANGED: 5 ROWS READ"
    assert news("subscribers", "list").output == ""
    imported = news(*command)
    assert table(imported)[1:] == table(tried)[1:-1]
    assert table(imported) == [
        "5 ROWS READ",
        "Added 3 2 active, 1 bounced",
        "Kept out 1 with an unknown state",
        "Refused 1 not valid",
    ]
    assert 'more.csv:3: dy@example.com is kept out: the state "gone" is not known' in imported.output
    assert (tried.exit_code, imported.exit_code) == (1, 1)


def test_an_import_of_the_standard_input(news: News, folder: Path) -> None:
    command = [sys.executable, "-m", "newsletter", "subscribers"]
    imported = subprocess.run([*command, "import", "-"], input=b"zoe@example.com\n", capture_output=True)
    assert b"Added        1" in imported.stdout, imported.stderr
    shown = subprocess.run([*command, "show", "zoe@example.com"], capture_output=True, text=True)
    assert "imported from standard input" in " ".join(shown.stdout.split())


def test_an_import_brings_nobody_back_who_was_removed(news: News, folder: Path) -> None:
    (folder / "list.csv").write_text("address\nada@example.com\n")
    assert news("subscribers", "import", "list.csv").exit_code == 0
    news("subscribers", "remove", "ada@example.com")
    again = news("subscribers", "import", "list.csv")
    assert (
        "list.csv:2: ada@example.com is kept out: this person has left here, and stays off the list"
        in again.output
    )
    assert table(again) == ["1 ROW READ", "Kept out 1 off the list here"]
    assert again.exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            ["--map", "status"], "write --map FIELD=COLUMN; the fields are address, name", id="no-field"
        ),
        pytest.param(["--map", "mood=x"], "write --map FIELD=COLUMN", id="unknown-field"),
        pytest.param(["--map", "name=a", "--map", "name=b"], "--map name may be given only once", id="twice"),
        pytest.param(["--as", "active"], "'active' is not one of", id="state"),
        pytest.param(["--date-format", "%d"], "does not tell year, month and day", id="date-format"),
    ],
)
def test_options_of_an_import_that_mean_nothing(
    options: list[str], message: str, news: News, folder: Path
) -> None:
    (folder / "list.csv").write_text("address\nada@example.com\n")
    refused = news("subscribers", "import", "list.csv", *options)
    assert refused.exit_code in (1, 2)
    assert message in refused.output


def table(imported: Result) -> list[str]:
    """Return the table of an import, a row a line, with one blank between its cells."""
    lines = [" ".join(line.split()) for line in imported.stdout.splitlines()]
    return list(filter(None, lines))


def test_subscribers_come_and_go(news: News) -> None:
    assert news("subscribers", "add", "ada@example.com", "--name", "Ada").output == "ada@example.com added\n"
    assert "on the list already" in news("subscribers", "add", "ADA@example.com").output
    assert "is unsubscribed now" in news("subscribers", "remove", "ada@example.com").output
    assert "was unsubscribed already" in news("subscribers", "remove", "ada@example.com").output
    assert "stays off the list" in news("subscribers", "import", "subscribers.csv").output
    assert news("subscribers", "add", "ada@example.com").exit_code == 1
    listed = news("subscribers", "list").output.splitlines()
    assert listed == ["ada@example.com\tunsubscribed\tAda", "bo@example.com\tactive\tBo"]
    assert news("subscribers", "add", "ada@example.com", "--again").exit_code == 0
    assert len(news("subscribers", "list", "--state", "active").output.splitlines()) == 2


def test_several_are_removed_and_a_wrong_one_keeps_nobody_on_the_list(news: News) -> None:
    news("subscribers", "import", "subscribers.csv")
    wrong = ("nobody@example.com", "nobody")
    removed = news("subscribers", "remove", "ada@example.com", *wrong, "BO@example.com")
    assert removed.exit_code == 1
    assert "ada@example.com is unsubscribed now" in removed.output
    assert "nobody@example.com is not on the list" in removed.output
    assert '"nobody" is not an email address' in removed.output
    assert "BO@example.com is unsubscribed now" in removed.output
    assert news("subscribers", "list", "--state", "active").output == ""
    assert news("subscribers", "remove", "ada@example.com", "bo@example.com").exit_code == 0
    assert news("subscribers", "remove").exit_code == 2


def test_a_row_without_a_name_ends_with_its_state(news: News) -> None:
    news("subscribers", "add", "ada@example.com")
    assert news("subscribers", "list").output == "ada@example.com\tactive\n"


@pytest.fixture
def short_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let recipients that were put off wait for a moment only."""
    timings = partial(SendTimings, first_back_off=timedelta(seconds=0.05))
    monkeypatch.setattr("newsletter.services.send.SendTimings", timings)


@pytest.mark.usefixtures("short_back_off")
def test_what_is_unknown_is_named_and_not_sent_again(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    with ScriptedSmtp({".": [CLOSE, "250 ok"]}) as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        sent = news("send", "--issue", "2026-04-27", "--yes")
        again = news("send", "--issue", "2026-04-27", "--yes")
    assert sent.exit_code == again.exit_code == 3
    for output in (sent.output, again.output):
        assert "\n  SENT, BUT 1 IS UNKNOWN\n" in output
        unknown = next(line for line in output.splitlines() if line.startswith("  Unknown"))
        assert unknown.startswith(row("Unknown", "1", "1 × no reply to the message"))
        assert row("Accepted", "1") in output.splitlines()
        assert "\n      news status 2026-04-27 --list unknown\n" in output
        assert "\n      news resolve 2026-04-27 --assume sent|unsent [ADDRESS]…\n" in output
    assert len(server.messages) == 1
    listed = news("status", "--issue", "2026-04-27", "--list", "unknown").output
    assert listed.startswith("ada@example.com\tno reply to the message")
    assert news("status", "--issue", "2026-04-27", "--list", "accepted").output == "bo@example.com\n"


def test_no_address_is_printed_while_sending(news: News, folder: Path) -> None:
    """It may be the public log of a workflow; `status --list` names people where the operator asks for it."""
    news("subscribers", "import", "subscribers.csv")
    refusals = [f"550 5.1.1 <{who}@example.com>: Recipient address rejected" for who in ("ada", "bo")]
    with ScriptedSmtp({"RCPT": refusals}) as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        sent = news("send", "--issue", "2026-04-27", "--yes")
    assert "Recipient address rejected" not in sent.stderr, "the summary has the reason"
    assert row("Refused", "2", "2 × 550 5.1.1 <recipient>: Recipient address rejected") in sent.stdout
    assert "ada@" not in sent.output and "bo@" not in sent.output
    assert "<ada@example.com>" in news("status", "--issue", "2026-04-27", "--list", "refused").output


def test_sendgrid_down_is_waiting_and_goes_on(news: News, folder: Path) -> None:
    news("subscribers", "import", "subscribers.csv")
    with SendGridFake() as fake:
        settings(folder, f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\n")
        missing = news("send", "--issue", "2026-04-27", "--yes")
        assert (missing.exit_code, "SENDGRID_API_KEY: error: is not set" in missing.output) == (1, True)
        fake.next(Fault.status(401, "unauthorized"))
        refused = news("send", "--issue", "2026-04-27", "--yes", SENDGRID_API_KEY=fake.key)
        assert (refused.exit_code, "the API key is not valid" in refused.output) == (1, True)
        assert "never sent" in news("status", "--issue", "2026-04-27").output
        fake.next(Fault.status(401, "unauthorized"), path="/v3/mail/send")
        down = news("send", "--issue", "2026-04-27", "--yes", SENDGRID_API_KEY=fake.key)
        assert (down.exit_code, row("Waiting", "2", "certainly unsent") in down.stdout) == (3, True)
        assert "\n  NOT FINISHED: 0 ACCEPTED, 2 CERTAINLY UNSENT\n" in down.stdout
        assert "not sent: 401" in down.output
        up = news("send", "--issue", "2026-04-27", "--yes", SENDGRID_API_KEY=fake.key)
        assert up.exit_code == 0
        assert [fake.accepted(one) for one in ("ada@example.com", "bo@example.com")] == [1, 1]
        assert fake.key not in missing.output + down.output + up.output


def test_in_ci_a_ledger_that_would_vanish_is_refused(news: News, folder: Path) -> None:
    settings(folder, "provider: smtp\nsmtp: {port: 1}\n")
    refused = news("send", "--issue", "2026-04-27", "--yes", CI="true")
    assert refused.exit_code == 1
    assert (
        "would be deleted together with this CI machine" in refused.output
        and "NEWS_DATABASE_URL" in refused.output
    )


def test_ready_sends_what_is_due_oldest_first(news: News, folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    draft = samples.ISSUE.replace("ready: true", "ready: false")
    samples.write(folder, name="2026-05-04", issue=samples.ISSUE.replace("Leek", "Pea"))
    samples.write(folder, name="2026-05-11", issue=draft)
    samples.write(folder, name="2999-01-07")
    with ScriptedSmtp() as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        assert news("status", "--due").output == "2026-04-27\n2026-05-04\n"
        assert news("status", "--due", "--json").output == '["2026-04-27", "2026-05-04"]\n'
        assert news("send", "--ready", "--issue", "2026-04-27", "--yes").exit_code == 0
        assert "No issue is due" in news("send", "--ready", "--issue", "2026-04-27", "--yes").output
        assert news("status", "--due", "--json").output == '["2026-05-04"]\n'
        assert news("send", "--ready", "--yes").exit_code == 0
        assert news("status", "--due", "--json").output == "[]\n"
        assert "No issue is due" in news("send", "--ready", "--yes").output
    subjects = [re.search(rb"Subject: (.*)\r", message)[1] for message in server.messages]
    assert subjects == [b"Leek & potato", b"Pea & potato"]
    table = news("status").output
    assert table.splitlines()[0].split() == ["Issue", "Through", "Started", "(UTC)", "Accepted"]
    assert table.splitlines()[3:] == ["The state of this newsletter is in .news/"]
    assert len(table.splitlines()) == 4 and max(map(len, table.splitlines())) <= 80


def test_ready_counts_every_issue_that_is_due_also_when_one_is_named(news: News, folder: Path) -> None:
    """As send.yml does it: a new database must not mail a whole archive, one job at a time."""
    news("subscribers", "add", "ada@example.com")
    for day in ("04", "11", "18"):
        samples.write(folder, name=f"2026-05-{day}")
    refused = news("send", "--ready", "--issue", "2026-05-18", "--yes")
    assert refused.exit_code == 1 and "4 issues are marked ready" in refused.output
    assert outbox(folder) == []


def test_without_a_key_nothing_is_claimed(news: News, folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    refused = news("send", "--issue", "2026-04-27", "--yes", NEWS_SECRET_KEY="short")
    assert refused.exit_code == 1
    assert "never sent" in news("status", "--issue", "2026-04-27").output


def test_a_database_that_fails_in_the_middle_is_no_refusal(news: News, folder: Path) -> None:
    """Something has left by then: exit code 3, not 1."""
    news("subscribers", "import", "subscribers.csv")

    class Spoiling(ScriptedSmtp):
        def _reply(self, connection: object, reply: str) -> bool:
            if reply.startswith("250 2.0.0 queued") and len(self.messages) == 1:
                with sqlite3.connect(folder / ".news" / "news.db") as database:
                    database.execute("drop table attempt")
                database.close()
            return super()._reply(connection, reply)

    with Spoiling() as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        spoilt = news("send", "--issue", "2026-04-27", "--yes")
    assert spoilt.exit_code == 3
    assert "no such table" in spoilt.output
    assert spoilt.output.endswith("The send stopped. See its status:\n  news status 2026-04-27\n")


def test_ready_passes_over_a_broken_file_but_not_in_silence(news: News, folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    samples.write(folder, name="2026-05-04", issue="subject: [")
    due = news("status", "--due", "--json")
    assert (due.exit_code, due.stdout) == (1, '["2026-04-27"]\n')
    sent = news("send", "--ready", "--yes")
    assert sent.exit_code == 3, "something went out, and something could not"
    assert "issues/2026-05-04.yml:" in sent.output
    assert len(outbox(folder)) == 1
    assert news("send", "--ready", "--yes").exit_code == 1


def test_ready_with_a_sent_and_a_refused_issue_is_incomplete(news: News, folder: Path) -> None:
    """Exit code 1 would say that nothing was sent."""
    news("subscribers", "add", "ada@example.com")
    samples.write(folder, name="2026-05-04")
    sent = news("send", "--ready", typed="1\n")
    assert "the question was not answered; nothing was sent" in sent.output
    assert (sent.exit_code, len(outbox(folder))) == (3, 1)


def test_ready_refuses_a_whole_archive(news: News, folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    for day in ("04", "11", "18"):
        samples.write(folder, name=f"2026-05-{day}")
    refused = news("send", "--ready", "--yes")
    assert refused.exit_code == 1 and "--at-most 4" in refused.output
    assert outbox(folder) == []
    assert news("send", "--ready", "--yes", "--at-most", "4").exit_code == 0
    assert len(outbox(folder)) == 4


def test_a_sent_issue_that_is_edited_is_left_alone_by_ready(news: News, folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    with ScriptedSmtp() as server:
        extra = f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n"
        settings(folder, extra)
        news("send", "--ready", "--yes")
        samples.write(folder, extra=extra, issue=samples.ISSUE.replace("Cut", "Chop"))
        after = news("send", "--ready", "--yes")
        assert (after.exit_code, "No issue is due" in after.output) == (0, True)
        refused = news("send", "--issue", "2026-04-27", "--yes")
        assert (refused.exit_code, "with different content" in refused.output) == (1, True)
    assert len(server.messages) == 1


def test_the_secret_is_made_once_and_for_nobody_else(news: News, folder: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    news("send", "--issue", "2026-04-27", "--yes")
    secret = folder / ".news" / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", secret.read_text())
    assert [file.name for file in secret.parent.glob("secret*")] == ["secret"]


def test_what_is_nobodys_business_stays_out_of_git_and_of_sight(news: News, folder: Path) -> None:
    """Also in a newsletter of one's own, where nobody has written a .gitignore."""
    news("subscribers", "add", "ada@example.com")
    news("send", "--issue", "2026-04-27", "--yes")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    shown = subprocess.run(
        ["git", "status", "--short", "-uall"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    assert shown.split() == ["??", "issues/2026-04-27.yml", "??", "newsletter.yml", "??", "subscribers.csv"]
    for private in (".news", "outbox"):
        assert stat.S_IMODE((folder / private).stat().st_mode) == 0o700


def test_a_weak_secret_is_refused(news: News) -> None:
    news("subscribers", "add", "ada@example.com")
    refused = news("send", "--issue", "2026-04-27", "--yes", NEWS_SECRET_KEY="short")
    assert refused.exit_code == 1 and "openssl rand" in refused.output


def started(forks: ForkServer, folder: Path, *arguments: str) -> Process:
    """Start `news` as a process of its own in the sample newsletter."""
    environment = {**os.environ, "CI": "", "NO_COLOR": "1"}
    output_file = folder / f"output-{len(list(folder.glob('output-*')))}"
    return Process(forks, ["newsletter", "-C", str(folder), *arguments], environment, output_file)


class SlowSmtp(ScriptedSmtp):
    """Takes its time over each message, so that there is a middle to interrupt."""

    seconds = 0.05

    def _reply(self, connection: object, reply: str) -> bool:
        if reply.startswith("250 2.0.0 queued"):
            time.sleep(self.seconds)
        return super()._reply(connection, reply)


def fill(folder: Path, count: int) -> None:
    lines = "".join(f"reader{n}@example.com,Reader {n}\n" for n in range(count))
    (folder / "many.csv").write_text("address,name\n" + lines)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle_and_run_again(
    number: signal.Signals, news: News, folder: Path, forks: ForkServer
) -> None:
    count = 40
    fill(folder, count)
    assert news("subscribers", "import", "many.csv").exit_code == 0
    with SlowSmtp() as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        running = started(forks, folder, "send", "--issue", "2026-04-27", "--yes")
        wait_for(lambda: len(server.messages) >= 5)
        running.send_signal(number)
        code, output = running.exit_code(), running.output
        assert 5 <= len(server.messages) < count
        server.seconds = 0
        again = started(forks, folder, "send", "--issue", "2026-04-27", "--yes")
        code_again = again.exit_code()
    got = [re.search(rb"To: .*<(.*)>", message)[1].decode() for message in server.messages]
    assert len(got) == len(set(got)), "somebody got it twice"
    listed = news("status", "--issue", "2026-04-27", "--list", "unknown").output.splitlines()
    named = [line.partition("\t")[0] for line in listed]
    everybody = {f"reader{n}@example.com" for n in range(count)}
    assert everybody - set(got) <= set(named), "somebody is missing and not named"
    assert len(named) <= 4, "more than one a connection"
    assert code_again == (3 if named else 0), again.output
    if number != signal.SIGKILL:
        assert named == [] and code == 3
        assert "Stopping after the calls in flight" in output
        assert re.search(r"\n  STOPPED BY CTRL-C: \d+ ACCEPTED, \d+ CERTAINLY UNSENT\n", output)
        assert "\n  Continue (nobody gets it twice):\n      news resume 2026-04-27\n" in output


class SilentSmtp(ScriptedSmtp):
    """Takes three messages, and is silent about every one after them."""

    def _reply(self, connection: object, reply: str) -> bool:
        if reply.startswith("250 2.0.0 queued") and len(self.messages) > 3:
            return super()._reply(connection, SILENCE)
        return super()._reply(connection, reply)


def test_a_second_ctrl_c_stops_at_once_and_loses_nothing(news: News, folder: Path, forks: ForkServer) -> None:
    fill(folder, 40)
    news("subscribers", "import", "many.csv")
    with SilentSmtp() as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none, connections: 1}}\n")
        running = started(forks, folder, "send", "--issue", "2026-04-27", "--yes")
        wait_for(lambda: len(server.messages) > 3)
        running.send_signal(signal.SIGINT)
        wait_for(lambda: "Stopping after" in running.output)
        before = time.monotonic()
        running.send_signal(signal.SIGINT)
        code = running.exit_code()
        # The server is silent for longer than half a minute.
        assert time.monotonic() - before < 20, "it waits for the silent server"
    assert code == 3 and "Traceback" not in running.output
    assert running.output.endswith("The send stopped. See its status:\n  news status 2026-04-27\n")
    with ScriptedSmtp() as server:
        settings(folder, f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        resumed = news("resume", "--issue", "2026-04-27", "--yes")
        assert resumed.exit_code == 3, resumed.output
        assert len(server.messages) == 40 - 4
    status = news("status", "--issue", "2026-04-27").output
    assert "\n  SENT, BUT 1 IS UNKNOWN\n" in status
    assert row("Accepted", "39") in status.splitlines()


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert what()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--help"], "Publish an email newsletter", id="help"),
        pytest.param(["send", "--help"], "Exit codes: 0 all accepted; 1 refused to start", id="send"),
        pytest.param(["--version"], "news, version 0.1.0", id="version"),
    ],
)
def test_help_explains(arguments: list[str], words: str, news: News) -> None:
    found = news(*arguments)
    assert found.exit_code == 0 and words in found.output


@pytest.mark.parametrize("command", ["render", "review", "preview"])
def test_the_folder_for_files_is_relative_to_the_current_one(command: str, news: News) -> None:
    words = " ".join(news(command, "--help").output.split())
    assert "relative to the current" in words and "relative to the current" in news("--help").output


def test_no_short_help_is_cut(news: News) -> None:
    listed = news("--help").output.partition("Commands:")[2]
    assert "..." not in listed and "  serve  " in listed


def test_help_fits_80_columns(news: News) -> None:
    assert "..." not in news("--help").output.partition("Commands:")[2]


def test_schema_is_printed(news: News) -> None:
    assert '"$schema"' in news("schema").output


def test_a_preview_that_cannot_start_says_why(news: News) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = news("preview", "--port", str(taken.getsockname()[1]))
    assert refused.exit_code == 1 and "--port" in refused.output
