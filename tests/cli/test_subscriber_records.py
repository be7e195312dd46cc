"""`news subscribers show`, `stats`, `export` and `forget`, as people use them."""

import csv
import io
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, update

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.store.database import open_database
from newsletter.store.schema import chunk_table, delivery_event_table, subscriber_table
from tests import samples
from tests.store.sign_up_story import HOUR, Story

News = Callable[..., Result]
JOINED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LEFT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HEADER = "address,name,state,consent_at,consent_how,consent_source,changed_at,changed_how"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return samples.write(tmp_path)


@pytest.fixture
def news(folder: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Runs `news` in the sample newsletter's folder."""
    monkeypatch.chdir(folder)
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=typed, env={"COLUMNS": "80"})

    return run


def add(folder: Path, address: str, **values: object) -> None:
    row = {"address": address, "address_key": address.lower(), "state": "active", "consent_at": JOINED}
    row |= {"consent_how": "imported", "changed_at": JOINED, **values}
    with open_database(loader.load(folder, {})) as database, database.writing() as connection:
        connection.execute(insert(subscriber_table), row)


def test_show_has_everything_about_a_person(news: News, folder: Path) -> None:
    add(folder, "Ada@example.com", name="Ada Example", consent_source="list.csv")
    add(folder, "bo@example.com", state="bounced", changed_at=LEFT, changed_how="imported")
    assert news("send", "2026-04-27", "--yes").exit_code == 0
    with open_database(loader.load(folder, {})) as database, database.writing() as connection:
        connection.execute(update(chunk_table).values(state="refused", reason="550 no mailbox " * 9))
    shown = news("subscribers", "show", "ADA@example.com")
    assert shown.exit_code == 0 and max(map(len, shown.output.splitlines())) <= 80
    for line in (
        "  ON THE LIST SINCE 2026-01-02",
        "  Address      Ada@example.com",
        "  Name         Ada Example",
        "  State        active since 2026-01-02 03:04 UTC",
        "  Consent      2026-01-02 03:04 UTC, imported from list.csv",
        "  Number       1, in the unsubscribe links of this person",
    ):
        assert line in shown.output.splitlines()
    assert "  2026-04-27  outbox (rehearsal)  refused  20" in shown.output
    assert "\n      550 no mailbox 550" in shown.output
    record = json.loads(news("subscribers", "show", "ada@example.com", "--json").output)
    assert record["status"] == "subscriber" and record["subscriber"]["consent_at"] == JOINED.isoformat()
    assert [(one["issue"], one["outcome"]) for one in record["issues"]] == [("2026-04-27", "refused")]
    other = news("subscribers", "show", "bo@example.com").output
    assert "  OFF THE LIST: BOUNCED ON 2026-03-04\n" in other
    assert "bounced since 2026-03-04 05:06 UTC (imported)\n" in other
    assert "No issue was sent to this address.\n" in other


def test_show_answers_for_strangers_and_for_the_forgotten(news: News, folder: Path) -> None:
    stranger = news("subscribers", "show", "x@example.com")
    assert (stranger.exit_code, "  NOT KNOWN HERE\n" in stranger.output) == (1, True)
    as_json = news("subscribers", "show", "x@example.com", "--json")
    assert (as_json.exit_code, json.loads(as_json.output)["status"]) == (1, "unknown")
    news("subscribers", "forget", "x@example.com", "--yes")
    forgotten = news("subscribers", "show", "X@example.com")
    assert forgotten.exit_code == 0 and "  WAS FORGOTTEN ON 20" in forgotten.output
    wrong = news("subscribers", "show", "nobody")
    assert wrong.exit_code == 1 and '"nobody" is not an email address' in wrong.output


def test_show_has_the_sign_up_the_consents_and_the_mail(news: News, folder: Path) -> None:
    with open_database(loader.load(folder, {})) as database:
        story = Story(database)
        ada = story.joined()
        story.wait(2 * HOUR)
        story.ask()
        story.deliver()
        story.leave(ada)
        story.wait(2 * HOUR)
        story.ask(wording="Other words.")
        story.ask("bo@example.com", wording="Other words.")
        report = {"digest": b"1", "source": "sendgrid", "kind": "soft", "at": story.now, "status": "4.2.2"}
        story.write(lambda one: one.execute(insert(delivery_event_table), report | {"subscriber_id": ada}))
    shown = news("subscribers", "show", "ada@example.com").output
    assert max(map(len, shown.splitlines())) <= 80
    assert (
        "  Sign-up      asked 2026-05-04 14:00 UTC, sign-up form; not confirmed, the link\n"
        "               works until 2026-05-11 14:00 UTC\n"
        "  Wording      Other words.\n"
    ) in shown
    assert shown.endswith("""
  Consent    How               When (UTC)
  asked      sign-up form      2026-05-04 09:00
      Words of the form: One mail a week, until you unsubscribe.
  confirmed  sign-up form      2026-05-04 10:00
  left       unsubscribe page  2026-05-04 12:00

  Other mail  State     When (UTC)
  already     accepted  2026-05-04 12:00
  confirm     waiting   2026-05-04 14:00

  Report  From      Issue  Code   When (UTC)
  soft    sendgrid  -      4.2.2  2026-05-04 14:00
""")
    record = json.loads(news("subscribers", "show", "ada@example.com", "--json").output)
    assert [event["change"] for event in record["consents"]] == ["asked", "confirmed", "left"]
    assert (record["sign_up"]["wording"], record["deliveries"][0]["status"]) == ("Other words.", "4.2.2")
    assert [mail["kind"] for mail in record["service_mails"]] == ["already", "confirm"]
    waiting = news("subscribers", "show", "bo@example.com")
    assert waiting.exit_code == 0 and "  NOT CONFIRMED YET, ASKED ON 2026-05-04\n" in waiting.output
    as_json = json.loads(news("subscribers", "show", "bo@example.com", "--json").output)
    assert (as_json["status"], as_json["subscriber"]) == ("pending", None)
    asked = news("subscribers", "forget", "bo@example.com", typed="0\n")
    assert "  bo@example.com: signed up, and has not confirmed\n" in asked.output
    assert news("subscribers", "forget", "bo@example.com", "--yes").output == "bo@example.com is forgotten\n"
    assert "ada@example.com" in news("subscribers", "export", "-").stdout
    assert "bo@example.com" not in news("subscribers", "export", "-").stdout


def test_stats_count(news: News, folder: Path) -> None:
    assert "  NOBODY GETS THE NEWSLETTER\n" in news("subscribers", "stats").output
    add(folder, "ada@example.com", consent_at=datetime.now(UTC))
    add(folder, "bo@mail.example")
    add(folder, "cy@example.com", state="unsubscribed", changed_at=datetime.now(UTC))
    shown = news("subscribers", "stats").output
    assert max(map(len, shown.splitlines())) <= 80
    assert "  2 PEOPLE GET THE NEWSLETTER\n" in shown and "\n  Unsubscribed 1\n" in shown
    month = f"  {datetime.now(UTC):%Y-%m}              1        1  +"
    assert month in shown and "Pending" not in shown
    assert "  Month           Joined     Left  + joined, - left\n" in shown
    assert "    imported                                2   100%\n" in shown
    assert "    mail.example                            1    50%\n" in shown
    with open_database(loader.load(folder, {})) as database:
        story = Story(database)
        story.now = datetime.now(UTC)
        story.ask("di@example.com")
    assert "\n  Pending      1          have not confirmed yet\n" in news("subscribers", "stats").output
    numbers = json.loads(news("subscribers", "stats", "--json").output)
    assert (
        numbers["states"]["active"] == 2
        and numbers["states"]["pending"] == 1
        and len(numbers["months"]) == 12
    )
    assert numbers["domains"][0] == {"domain": "example.com", "active": 1}


def test_the_export_has_all_states_dates_and_reasons(news: News, folder: Path) -> None:
    add(folder, "Ada@example.com", name='Ada "The Boss", Doe', consent_source="list.csv")
    add(folder, "bo@example.com", state="complained", changed_at=LEFT, changed_how="imported")
    add(folder, "+cy@example.com", name="=1+1", consent_source="a\x1b[2Jb.csv")
    wrote = news("subscribers", "export", "people.csv")
    assert wrote.stdout == "Wrote 3 subscribers to people.csv (2 active, 1 complained).\n"
    assert wrote.stderr.startswith("note: 1 subscriber of the file gets no mail: import it only into a tool")
    file = folder / "people.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes().decode()
    assert content.count("\r\n") == content.count("\n") == 4 and "\x1b" not in content
    rows = list(csv.reader(io.StringIO(content, newline=""), strict=True))
    ada = ["Ada@example.com", 'Ada "The Boss", Doe', "active", "2026-01-02T03:04:05.678901Z", "imported"]
    assert rows[0] == HEADER.split(",")
    assert rows[1] == [*ada, "list.csv", "2026-01-02T03:04:05.678901Z", ""]
    assert rows[2][2:4] + rows[2][6:] == ["complained", ada[3], "2026-03-04T05:06:07Z", "imported"]
    assert rows[3][:2] == ["'+cy@example.com", "'=1+1"]
    printed = news("subscribers", "export", "-")
    assert printed.stdout_bytes.decode() == content
    assert printed.stderr.startswith("Wrote 3 subscribers (2 active, 1 complained).\n")
    only = news("subscribers", "export", "-", "--state", "active")
    assert only.stdout.count("\n") == 3 and "no mail" not in only.stderr


def test_an_export_replaces_no_other_file(news: News, folder: Path) -> None:
    add(folder, "ada@example.com")
    (folder / "mine.csv").write_text("address\nx@example.com\n")
    refused = news("subscribers", "export", "mine.csv")
    assert refused.exit_code == 1 and "mine.csv: error: there is such a file already" in refused.stderr
    assert "--force" in refused.stderr
    assert (folder / "mine.csv").read_text() == "address\nx@example.com\n"
    assert news("subscribers", "export", "mine.csv", "--force").exit_code == 0
    assert news("subscribers", "export", "mine.csv").exit_code == 0, "an earlier export is replaced"
    missing = news("subscribers", "export", "none/people.csv")
    assert missing.exit_code == 1 and "none/people.csv: error: cannot be written" in missing.stderr
    assert sorted(path.name for path in folder.iterdir() if path.suffix == ".part") == []


def test_an_export_reads_back_into_the_same_states_and_dates(news: News, folder: Path) -> None:
    add(folder, "Ada@example.com", name='Ada "The Boss", Doe')
    add(folder, "+bo@example.com", name="=1+1")
    for state in ("unsubscribed", "bounced", "complained"):
        add(folder, f"{state}@example.com", state=state, changed_at=LEFT, changed_how="asked by mail")

    def people() -> list[list[str]]:
        rows = csv.reader(io.StringIO(news("subscribers", "export", "-").stdout, newline=""))
        # Who never left has no date of a departure.
        return [[*row[:4], "" if row[2] == "active" else row[6]] for row in rows]

    before = people()
    assert news("subscribers", "export", "people.csv").exit_code == 0
    for file in loader.load(folder, {}).state.glob("news.db*"):
        file.unlink()
    assert news("subscribers", "import", "people.csv").exit_code == 0
    assert people() == before


def test_forget_shows_who_it_is_and_asks(news: News, folder: Path) -> None:
    add(folder, "ada@example.com")
    refused = news("subscribers", "forget", "ADA@example.com", "x@example.com", typed="1\n")
    assert refused.exit_code == 1
    assert "  ada@example.com: active, in 0 sends\n  x@example.com: not known here\n" in refused.output
    assert "nobody was forgotten" in refused.output
    assert news("subscribers", "list").output == "ada@example.com\tactive\n"
    assert news("subscribers", "forget", "ada@example.com", typed="").exit_code == 1
    done = news("subscribers", "forget", "ada@example.com", "x@example.com", typed="2\n")
    assert done.exit_code == 0
    assert done.output.endswith(
        "ada@example.com is forgotten\nx@example.com was never here; no import adds it from now on\n"
    )
    again = news("subscribers", "forget", "ada@example.com", "ADA@example.com", "--yes")
    assert (again.exit_code, again.output) == (0, "ada@example.com was forgotten already\n")
    wrong = news("subscribers", "forget", "bo@example.com", "nobody", "--yes")
    assert wrong.exit_code == 1 and "is not an email address" in wrong.output
    assert "  NOT KNOWN HERE\n" in news("subscribers", "show", "bo@example.com").output


def test_the_lists_of_a_send_answer_for_the_forgotten(news: News, folder: Path) -> None:
    add(folder, "ada@example.com")
    add(folder, "bo@example.com")
    news("send", "2026-04-27", "--yes")
    assert "1 mail deleted from outbox/\n" in news("subscribers", "forget", "ada@example.com", "--yes").output
    assert news("status", "2026-04-27", "--list", "accepted").output == "(forgotten)\nbo@example.com\n"
    assert news("status", "2026-04-27", "--csv", "people.csv").exit_code == 0
    assert "(forgotten),accepted," in (folder / "people.csv").read_text()
    assert "REHEARSED FOR ALL 2" in news("status", "2026-04-27").output
    assert "  2 recipients" not in news("resume", "2026-04-27", "--yes").output


@pytest.mark.parametrize("name", ["newsletter.yml", ".news/news.db", "issues/2026-04-27.yml"])
def test_an_export_never_replaces_a_file_of_the_newsletter(name: str, news: News, folder: Path) -> None:
    add(folder, "ada@example.com")
    before = (folder / name).read_bytes()
    refused = news("subscribers", "export", name, "--force")
    assert refused.exit_code == 1
    assert "of the newsletter itself" in refused.output
    assert (folder / name).read_bytes() == before
