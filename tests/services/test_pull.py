"""The pull of those who left outside: once each, in pages, and never by a guess."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, SendRefused
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.mailboxes.imap_account import configured_account
from newsletter.mailboxes.imap_connection import ImapLimits
from newsletter.services import pull_mailbox
from newsletter.services.pull import PullReport, SourceResult, pull_unsubscribes
from newsletter.store import pulls
from newsletter.store.database import open_database
from newsletter.store.schema import pull_table, subscriber_table
from newsletter.store.subscribers import Subscribers
from newsletter.store.unsubscription import undo_leave
from newsletter.subscribers.address import parse
from tests import samples
from tests.fakes import imap, worker
from tests.fakes.imap import ImapFake
from tests.fakes.sendgrid import Fault, SendGridFake
from tests.fakes.worker import RunningWorker
from tests.required import need

BEFORE, CONSENT, AFTER = (datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2, 3))
PEOPLE = ("ada@example.com", "bo@example.com", "cy@example.com")
MINE = "soup.example.com"


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningWorker]:
    need(worker.absent())
    with worker.running() as started:
        yield started


@pytest.fixture(autouse=True)
def no_address_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert "@example.com" not in "".join(map(str, (record.__dict__ for record in caplog.records)))


def make(tmp_path: Path, extra: str, **environment: str) -> Newsletter:
    """Return a newsletter with PEOPLE, who have consented at CONSENT."""
    secrets = {
        "IMAP_PASSWORD": imap.PASSWORD,
        "IMAP_HOST": "127.0.0.1",
        "WORKER_TOKEN": worker.TOKEN,
        "WORKER_HOST": "127.0.0.1",
        "SENDGRID_API_KEY": "SG.fake",
    }
    newsletter = samples.newsletter(tmp_path, extra=f"list_id: {MINE}\n{extra}", **{**secrets, **environment})
    with open_database(newsletter) as database:
        for address in PEOPLE:
            Subscribers(database, lambda: CONSENT).add(parse(address))
    return newsletter


def by_mail(tmp_path: Path, fake: ImapFake) -> Newsletter:
    settings = f"host: 127.0.0.1, port: {fake.port}, security: none, username: {imap.USERNAME}"
    return make(tmp_path, f"pull: {{imap: {{{settings}}}}}\n")


def by_worker(tmp_path: Path, edge: RunningWorker) -> Newsletter:
    edge.database.connection.execute("delete from leave")
    return make(tmp_path, f"pull: {{worker: '{edge.url}'}}\n")


def by_sendgrid(tmp_path: Path, fake: SendGridFake, group: str = "") -> Newsletter:
    return make(tmp_path, f"pull: {{sendgrid: true}}\nsendgrid: {{host: '{fake.url}'}}\n{group}")


def token(person: int, secret: str = samples.SECRET, list_id: str = MINE) -> str:
    return UnsubscribeTokens(secret, list_id).token(person)


def states(newsletter: Newsletter) -> list[str]:
    with open_database(newsletter) as database:
        return [entry.state for entry in Subscribers(database).iter_all()]


def origins(newsletter: Newsletter) -> list[str]:
    with open_database(newsletter) as database, database.reading() as connection:
        return list(
            connection.scalars(select(subscriber_table.c.changed_how).order_by(subscriber_table.c.id))
        )


def positions(newsletter: Newsletter) -> dict[str, str]:
    with open_database(newsletter) as database, database.reading() as connection:
        return {row.source: row.position for row in connection.execute(select(pull_table))}


def only(report: PullReport) -> SourceResult:
    (result,) = report.results
    assert result.failure is None
    return result


def letter(subject: str, body: str = "", **headers: str) -> bytes:
    lines = {"From": "Ada <ada@example.com>", "To": "leave@example.com", "Subject": subject, **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value)
    return f"{head}\r\n{body}\r\n".encode()


# The mailbox


def test_a_mail_with_a_token_takes_its_subscriber_off_the_list(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter(f"unsubscribe {token(2)}"), AFTER)
        result = only(pull_unsubscribes(newsletter))
        assert (result.read, result.left, result.needs_person) == (1, 1, 0)
        assert fake.unseen == []
    assert states(newsletter) == ["active", "unsubscribed", "active"]
    assert origins(newsletter) == ["", "unsubscribe mail", ""]


def test_a_mail_without_a_valid_token_is_left_unread_for_a_person(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter("please remove me"), AFTER)
        fake.deliver(letter(f"unsubscribe {token(2, list_id='bread.example.com')}"), AFTER)
        fake.deliver(letter(f"unsubscribe {token(2, secret='another secret, and long enough')}"), AFTER)
        fake.deliver(letter(f"unsubscribe {token(1)} {token(2)}"), AFTER)
        fake.deliver(letter(f"Re: unsubscribe {token(2)}", Auto_Submitted="auto-replied"), AFTER)
        result = only(pull_unsubscribes(newsletter))
        assert (result.read, result.left, result.needs_person, result.automatic) == (5, 0, 4, 1)
        assert fake.unseen == [1, 2, 3, 4, 5]
    assert states(newsletter) == ["active"] * 3


def test_a_mail_that_a_person_has_opened_counts_too(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        pull_unsubscribes(newsletter)
        fake.deliver(letter(f"unsubscribe {token(1)}"), AFTER, "\\Seen")
        assert only(pull_unsubscribes(newsletter)).left == 1


def test_a_second_pull_reads_and_changes_nothing(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter(f"unsubscribe {token(1)}"), AFTER)
        fake.deliver(letter("hello"), AFTER)
        pull_unsubscribes(newsletter)
        result = only(pull_unsubscribes(newsletter))
        assert (result.read, result.left) == (0, 0)
    assert positions(newsletter) == {"imap": "7:2"}


def test_a_mailbox_with_new_numbers_is_read_again_and_revives_or_removes_nobody(tmp_path: Path) -> None:
    """Its UIDVALIDITY is another one, so that old messages come again; Ada has come back since."""
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter(f"unsubscribe {token(1)}"), AFTER)
        fake.deliver(letter(f"unsubscribe {token(2)}"), AFTER)
        pull_unsubscribes(newsletter)
        with open_database(newsletter) as database:
            Subscribers(database).add(parse(PEOPLE[0]), again=True)
        fake.validity = 8
        result = only(pull_unsubscribes(newsletter))
        assert (result.read, result.left) == (2, 0)
    assert states(newsletter) == ["active", "unsubscribed", "active"]


def test_a_request_before_the_present_consent_does_not_count(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter(f"unsubscribe {token(1)}"), BEFORE)
        assert only(pull_unsubscribes(newsletter)).left == 0


def test_a_dry_run_changes_nothing_here_and_there(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter(f"unsubscribe {token(1)}"), AFTER)
        assert only(pull_unsubscribes(newsletter, dry_run=True)).left == 1
        assert fake.unseen == [1] and 'EXAMINE "INBOX"' in fake.commands
    assert states(newsletter) == ["active"] * 3 and positions(newsletter) == {}


@pytest.mark.parametrize("pages", [1, 3])
def test_many_messages_come_in_pages(tmp_path: Path, pages: int) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        for _ in range(pages * pull_mailbox.PER_PAGE - 1):
            fake.deliver(b"\r\n")
        fake.deliver(letter(f"unsubscribe {token(3)}"), AFTER)
        result = only(pull_unsubscribes(newsletter))
        assert (result.read, result.left) == (pages * pull_mailbox.PER_PAGE, 1)


def test_a_visit_that_ends_early_continues_after_its_last_page(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter(f"unsubscribe {token(1)}"), AFTER)
        for _ in range(pull_mailbox.PER_PAGE):
            fake.deliver(b"\r\n")
        fake.deliver(letter(f"unsubscribe {token(2)}"), AFTER)
        fake.close_at("UID FETCH", 3)
        (result,) = pull_unsubscribes(newsletter).results
        assert result.failure and result.left == 1
        with open_database(newsletter) as database, database.reading() as connection:
            assert pulls.find_state(connection, "imap") == pulls.PullState(f"7:{pull_mailbox.PER_PAGE}")
        assert only(pull_unsubscribes(newsletter)).left == 1
    assert states(newsletter) == ["unsubscribed", "unsubscribed", "active"]


@pytest.mark.parametrize(
    "messages", [300, pytest.param(10_000, marks=pytest.mark.every_case)], ids=["some", "many"]
)
def test_more_messages_than_a_visit_lists_are_all_read(tmp_path: Path, messages: int) -> None:
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        account = configured_account(newsletter, "pull")
        assert account
        for _ in range(messages):
            fake.deliver(letter("hello"), AFTER)
        source = pull_mailbox.MailboxSource(account, None, limits=ImapLimits(messages=120))
        pages = list(source.pages(""))
    assert sum(page.needs_person for page in pages) == messages
    assert pages[-1].position == f"7:{messages}"


def test_a_visit_that_ends_before_the_commit_changes_nothing(tmp_path: Path) -> None:
    """The message may be marked as seen already: the next visit finds it by its number."""
    with ImapFake() as fake:
        newsletter = by_mail(tmp_path, fake)
        fake.deliver(letter(f"unsubscribe {token(1)}"), AFTER)
        fake.close_at("UID STORE", 1)
        (result,) = pull_unsubscribes(newsletter).results
        assert result.failure and result.left == 0 and positions(newsletter) == {}
        fake.stored[0].flags.add("\\Seen")
        assert only(pull_unsubscribes(newsletter)).left == 1


# The worker


def test_tokens_of_the_worker_are_verified_and_deleted_there(tmp_path: Path, edge: RunningWorker) -> None:
    newsletter = by_worker(tmp_path, edge)
    for one in (token(1), token(2, list_id="bread.example.com"), f"2.3.{'0' * 32}"):
        edge.put(one, int(AFTER.timestamp()))
    result = only(pull_unsubscribes(newsletter))
    assert (result.read, result.left, result.noise) == (3, 1, 2)
    assert states(newsletter) == ["unsubscribed", "active", "active"]
    assert edge.rows() == []


def test_a_wrong_key_deletes_no_token(tmp_path: Path, edge: RunningWorker) -> None:
    newsletter = by_worker(tmp_path, edge)
    edge.put(token(1, secret="another secret, and long enough"), int(AFTER.timestamp()))
    result = only(pull_unsubscribes(newsletter))
    assert (result.left, result.noise, len(edge.rows())) == (0, 1, 1)


def test_a_visit_that_ends_before_tokens_are_deleted_reads_them_again(
    tmp_path: Path, edge: RunningWorker
) -> None:
    newsletter = by_worker(tmp_path, edge)
    edge.put(token(1), int(AFTER.timestamp()))
    edge.database.next(None, Fault.html(500))
    (result,) = pull_unsubscribes(newsletter).results
    assert result.failure and result.left == 1 and len(edge.rows()) == 1
    again = only(pull_unsubscribes(newsletter))
    assert (again.read, again.left) == (1, 0) and edge.rows() == []


def test_a_worker_that_lost_its_table_is_read_from_the_beginning(tmp_path: Path, edge: RunningWorker) -> None:
    newsletter = by_worker(tmp_path, edge)
    for person, left in ((1, 1), (2, 1)):
        edge.database.connection.execute("delete from sqlite_sequence")
        edge.put(token(person), int(AFTER.timestamp()))
        assert only(pull_unsubscribes(newsletter)).left == left


def test_a_dry_run_deletes_no_token(tmp_path: Path, edge: RunningWorker) -> None:
    newsletter = by_worker(tmp_path, edge)
    edge.put(token(1), int(AFTER.timestamp()))
    assert only(pull_unsubscribes(newsletter, dry_run=True)).left == 1
    assert len(edge.rows()) == 1 and states(newsletter) == ["active"] * 3


def test_many_tokens_come_in_pages(tmp_path: Path, edge: RunningWorker) -> None:
    newsletter = by_worker(tmp_path, edge)
    for number in range(600):
        edge.put(f"2.{number + 10}.{'0' * 32}", 1)
    edge.put(token(3), int(AFTER.timestamp()))
    result = only(pull_unsubscribes(newsletter))
    assert (result.read, result.left, result.noise) == (601, 1, 600)
    assert edge.rows() == []


# SendGrid


def test_the_lists_of_sendgrid_give_the_states(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        fake.suppress("bounces", "Ada@Example.com", AFTER)
        fake.suppress("spam_reports", PEOPLE[1], AFTER)
        fake.suppress("unsubscribes", PEOPLE[2], AFTER)
        fake.suppress("unsubscribes", "stranger@example.com", AFTER)
        report = pull_unsubscribes(newsletter)
        assert report.left == 3 and not report.failures
        assert states(newsletter) == ["bounced", "complained", "unsubscribed"]
        assert pull_unsubscribes(newsletter).left == 0


def test_blocks_are_not_read(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        fake.suppress("blocks", PEOPLE[0], AFTER)
        pull_unsubscribes(newsletter)
        assert not [request.path for request in fake.requests if "blocks" in request.path]
    assert states(newsletter) == ["active"] * 3


def test_the_group_of_the_newsletter_is_read(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        text = (tmp_path / "newsletter.yml").read_text()
        own = 'unsubscribe: {url: "https://soup.example.com/leave/{token}", mailto: leave@example.com}'
        text = text.replace(own, "unsubscribe: {sendgrid_group: 7}\nprovider: sendgrid")
        (tmp_path / "newsletter.yml").write_text(text)
        newsletter = reloaded(tmp_path)
        fake.suppress_in_group(7, PEOPLE[0], AFTER)
        fake.suppress_in_group(8, PEOPLE[1], AFTER)
        fake.suppress_in_group(7, PEOPLE[2], BEFORE)
        assert pull_unsubscribes(newsletter).left == 1
    assert states(newsletter) == ["unsubscribed", "active", "active"]


def reloaded(folder: Path) -> Newsletter:
    environment = {"NEWS_SECRET_KEY": samples.SECRET, "SENDGRID_API_KEY": "SG.fake", **samples.KEY_HOSTS}
    return loader.load(folder, environment)


def test_an_entry_before_the_present_consent_does_not_count(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        fake.suppress("unsubscribes", PEOPLE[0], BEFORE)
        assert pull_unsubscribes(newsletter).left == 0


def test_nobody_comes_back_and_the_worst_state_stays(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        fake.suppress("spam_reports", PEOPLE[0], AFTER)
        pull_unsubscribes(newsletter)
        fake.suppressions.clear()
        fake.suppress("unsubscribes", PEOPLE[0], AFTER + timedelta(days=1))
        pull_unsubscribes(newsletter)
    assert states(newsletter)[0] == "complained"


def test_a_list_is_read_in_pages_and_next_time_from_where_it_ended(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        for number in range(450):
            fake.suppress("bounces", f"stranger{number}@example.com", AFTER)
        fake.suppress("bounces", PEOPLE[0], AFTER - timedelta(hours=1))
        assert pull_unsubscribes(newsletter).results[0].read == 451
        assert positions(newsletter)["sendgrid bounces"] == str(int(AFTER.timestamp()))
        fake.suppress("bounces", PEOPLE[1], AFTER + timedelta(days=9))
        pull_unsubscribes(newsletter)
        assert f"start_time={int(AFTER.timestamp()) - 86400}" in fake.requests[-4].path
    assert states(newsletter) == ["bounced", "bounced", "active"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.status(403), id="no-scope"),
        pytest.param(Fault.status(500), id="down"),
        pytest.param(Fault.html(200), id="html"),
        pytest.param(Fault.reset(), id="reset"),
        pytest.param(Fault.rate_limited(), id="rate-limited"),
    ],
)
def test_one_list_that_fails_does_not_stop_the_others(tmp_path: Path, fault: Fault) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        fake.suppress("unsubscribes", PEOPLE[2], AFTER)
        fake.next(fault, path="/v3/suppression/bounces")
        report = pull_unsubscribes(newsletter)
    assert [name for name, _ in report.failures] == ["sendgrid bounces"]
    assert report.failures[0][1].hint
    assert report.left == 1


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"email": 7, "created": 1},
        {"email": "ada@example.com", "created": "yesterday"},
        {"email": "ada@example.com", "created": 10**30},
        {"email": "x" * 10_000, "created": 1},
        {"email": "no address", "created": 1},
    ],
    ids=["empty", "number", "no-time", "far", "long", "no-address"],
)
def test_an_entry_that_makes_no_sense_is_left_out(tmp_path: Path, entry: dict[str, object]) -> None:
    with SendGridFake() as fake:
        newsletter = by_sendgrid(tmp_path, fake)
        fake.pages["/v3/suppression/bounces"] = [entry]
        fake.suppressions["bounces"] = (
            [{**entry, "created": entry.get("created", 1)}] if "email" in entry else []
        )
        fake.suppress("unsubscribes", PEOPLE[2], AFTER)
        assert pull_unsubscribes(newsletter).left == 1


# All of them


def test_without_a_place_there_is_nothing_to_pull(tmp_path: Path) -> None:
    with pytest.raises(SendRefused, match="names no place"):
        pull_unsubscribes(make(tmp_path, ""))


@pytest.mark.parametrize(
    ("extra", "environment", "words"),
    [
        pytest.param("{sendgrid: true}", {"SENDGRID_API_KEY": ""}, "SENDGRID_API_KEY", id="sendgrid"),
        pytest.param("{worker: 'https://a.example'}", {"WORKER_TOKEN": ""}, "WORKER_TOKEN", id="worker"),
        pytest.param("{worker: 'https://a.example'}", {}, "WORKER_HOST=a.example", id="other-worker"),
        pytest.param("{imap: {host: a.example, username: a}}", {}, "IMAP_HOST=a.example", id="other-host"),
    ],
)
def test_a_secret_that_is_missing_or_for_another_host_is_named(
    tmp_path: Path, extra: str, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        pull_unsubscribes(make(tmp_path, f"pull: {extra}\n", **environment))


def test_a_token_of_an_old_key_is_valid(tmp_path: Path, edge: RunningWorker) -> None:
    old = "an older secret that is long enough"
    edge.database.connection.execute("delete from leave")
    newsletter = make(tmp_path, f"pull: {{worker: '{edge.url}'}}\n", NEWS_SECRET_KEY_OLD=old)
    edge.put(token(1, secret=old), int(AFTER.timestamp()))
    assert only(pull_unsubscribes(newsletter)).left == 1


def test_a_person_who_took_back_an_unsubscription_stays(tmp_path: Path, edge: RunningWorker) -> None:
    newsletter = by_worker(tmp_path, edge)
    with open_database(newsletter) as database, database.writing() as connection:
        pulls.leave(connection, 1, "unsubscribe page", AFTER)
        assert undo_leave(connection, 1, AFTER + timedelta(days=1))
        connection.execute(update(subscriber_table).values(consent_at=CONSENT))
    edge.put(token(1), int(AFTER.timestamp()))
    assert only(pull_unsubscribes(newsletter)).left == 0
