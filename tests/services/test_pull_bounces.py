"""Reports from a mailbox, up to the states of subscribers: the proofs, the limits, and a second pull."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, Unavailable
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.services.open_state import change_database, open_to_read
from newsletter.services.pull_bounces import MAX_SECONDS, PulledBounces, pull_bounces
from newsletter.services.state import initialise
from newsletter.store import sign_ups
from newsletter.store.database import open_database
from newsletter.store.delivery_events import Recorded
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.schema import send_table, sign_up_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import reports, samples
from tests.fakes.imap import PASSWORD, USERNAME, ImapFake
from tests.machines import Machines
from tests.reports import Sent

NOW = datetime(2026, 5, 20, 9, 0, tzinfo=UTC)
JOINED = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = 5
MAILDIR = "bounces: {maildir: bounces}\n"
ISSUE = "2026-04-27"


def day(number: int) -> datetime:
    """Return a day after the issue of ISSUE."""
    return datetime(2026, 4, 27, 10, 0, tzinfo=UTC) + timedelta(days=number)


def add_people(newsletter: Newsletter) -> None:
    with open_database(newsletter) as database:
        subscribers = Subscribers(database, lambda: JOINED)
        for number in range(1, PEOPLE + 1):
            subscribers.add(parse_subscriber(f"reader{number}@example.com")[0])
        sent = {"issue": ISSUE, "list": "subscribers", "content_sha256": "", "provider": "smtp"}
        with database.writing() as connection:
            connection.execute(insert(send_table), {**sent, "recipients": PEOPLE, "started_at": day(0)})


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    loaded = samples.newsletter(tmp_path, extra=MAILDIR)
    for name in ("new", "cur", "tmp"):
        (tmp_path / "bounces" / name).mkdir(parents=True)
    add_people(loaded)
    return loaded


def deliver(newsletter: Newsletter, *contents: bytes) -> None:
    for content in contents:
        folder = newsletter.folder / "bounces"
        number = sum(1 for _ in folder.glob("*/*"))
        (folder / "new" / f"{number:06}.mx").write_bytes(content)


def states(newsletter: Newsletter) -> list[str]:
    with open_database(newsletter) as database:
        return [entry.state for entry in Subscribers(database).iter_all()]


def waiting(newsletter: Newsletter) -> int:
    return len(list((newsletter.folder / "bounces" / "new").iterdir()))


def test_reports_change_the_states(newsletter: Newsletter) -> None:
    deliver(
        newsletter,
        reports.postfix(Sent(1), day(0)),
        reports.complaint(Sent(2), day(1)),
        reports.gmail(Sent(3), day(0)),
        reports.postfix(Sent(4), day(0), "4.4.1", action="delayed"),
        b"Subject: A letter\r\n\r\nThank you.\r\n",
    )
    pulled = pull_bounces(newsletter, NOW)
    assert pulled == PulledBounces(
        reports=4,
        kinds={"bounced": 1, "complained": 1, "soft": 1},  # type: ignore[arg-type]
        unused={"no_failure": 1},  # type: ignore[arg-type]
        recorded=Recorded(3, 0, 0, 2, 0),
        has_more=False,
    )
    assert states(newsletter) == ["bounced", "complained", "active", "active", "active"]
    assert waiting(newsletter) == 1, "the letter stays where it is"
    with open_database(newsletter) as database:
        queries = LedgerQueries(database)
        (send,) = queries.sends()
        assert queries.reported(send) == {"bounced": 1, "complained": 1, "soft": 1}


def test_a_second_pull_reads_nothing_and_changes_nothing(newsletter: Newsletter) -> None:
    deliver(newsletter, reports.postfix(Sent(1), day(0)))
    pull_bounces(newsletter, NOW)
    assert pull_bounces(newsletter, NOW).reports == 0
    for file in (newsletter.folder / "bounces" / "cur").iterdir():
        file.rename(newsletter.folder / "bounces" / "new" / "again")
    assert pull_bounces(newsletter, NOW).recorded == Recorded(0, 1, 0, 0, 0)


def test_a_dry_run_tells_the_same_and_changes_nothing(newsletter: Newsletter) -> None:
    deliver(newsletter, reports.postfix(Sent(1), day(0)), reports.postfix(Sent(99), day(0)))
    tried = pull_bounces(newsletter, NOW, dry_run=True)
    assert states(newsletter) == ["active"] * PEOPLE and waiting(newsletter) == 2
    assert tried == pull_bounces(newsletter, NOW)
    assert tried.recorded == Recorded(1, 0, 1, 1, 0) and waiting(newsletter) == 0


def test_three_soft_bounces_over_a_week_stop(newsletter: Newsletter) -> None:
    for number, issue in enumerate(("2026-04-27", "2026-05-04", "2026-05-11")):
        assert states(newsletter)[0] == "active"
        deliver(newsletter, reports.gmail(Sent(1, issue), day(7 * number)))
        pull_bounces(newsletter, NOW)
    assert states(newsletter)[0] == "bounced"


OTHER_KEY = UnsubscribeTokens("another secret, also long enough", reports.LIST)
OTHER_LIST = UnsubscribeTokens(samples.SECRET, "bread.example.com")


@pytest.mark.parametrize(
    ("token", "digits"),
    [
        pytest.param(*OTHER_KEY.signed(1), id="another-key"),
        pytest.param(*OTHER_LIST.signed(1), id="another-list"),
        pytest.param("2.1." + "0" * 32, "0" * 24, id="made-up"),
        pytest.param("test", "f" * 24, id="test"),
        pytest.param("2.9999999999." + "0" * 32, "0" * 24, id="high"),
    ],
)
def test_a_report_without_a_valid_proof_is_not_believed(
    newsletter: Newsletter, token: str, digits: str
) -> None:
    true = Sent(1)
    content = reports.postfix(true, day(0)).replace(true.token.encode(), token.encode())
    deliver(newsletter, content.replace(true.message_id.split(".")[1][:24].encode(), digits.encode()))
    pulled = pull_bounces(newsletter, NOW)
    assert (pulled.reports, pulled.unused["not_ours"], pulled.recorded.stored) == (1, 1, 0)
    assert states(newsletter) == ["active"] * PEOPLE and waiting(newsletter) == 0


@pytest.mark.parametrize("version", [1, 2])
def test_the_message_id_alone_finds_the_subscriber(newsletter: Newsletter, version: int) -> None:
    content = reports.complaint(Sent(3), day(0), without=("List-Unsubscribe",))
    own = UnsubscribeTokens(samples.SECRET, reports.LIST).signed(3)[1]
    digits = UnsubscribeTokens(samples.SECRET, reports.LIST, version=version).signed(3)[1]
    deliver(newsletter, content.replace(own.encode(), digits.encode()))
    assert pull_bounces(newsletter, NOW).kinds == {"complained": 1}
    assert states(newsletter)[2] == "complained"


@pytest.mark.parametrize("without", [(), ("List-Unsubscribe",)], ids=["token", "message-id"])
def test_a_mail_that_an_old_key_signed_is_believed(newsletter: Newsletter, without: tuple[str, ...]) -> None:
    keys = {"NEWS_SECRET_KEY": samples.SECRET, "NEWS_SECRET_KEY_OLD": "an old one; long enough"}
    old = UnsubscribeTokens(keys["NEWS_SECRET_KEY_OLD"], reports.LIST)
    deliver(newsletter, reports.postfix(Sent(2, tokens=old), day(0), without=without))
    pull_bounces(loader.load(newsletter.folder, keys), NOW)
    assert states(newsletter)[1] == "bounced"


@pytest.mark.parametrize(("secret", "ended"), [(samples.SECRET, 1), ("another secret, also long enough", 0)])
def test_a_confirmation_mail_that_comes_back_ends_the_sign_up(
    newsletter: Newsletter, secret: str, ended: int
) -> None:
    with open_database(newsletter) as database, database.writing() as connection:
        sign_ups.ask(connection, parse_subscriber("ada@example.com")[0], "Yes.", "sign-up form", day(0))
        (sign_up_id,) = connection.scalars(select(sign_up_table.c.id))
    token = SignedLinks([secret], reports.LIST).confirm_token(sign_up_id)
    link = f"https://soup.example.com/confirm/{token[:20]}=\r\n{token[20:]}\r\n"
    text = f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{link}".encode()
    content = reports.postfix(Sent(1), day(0), without=("List-Unsubscribe", "Message-ID"))
    deliver(newsletter, content.replace(b"\r\n\r\nSoup.", b"\r\n" + text))
    pulled = pull_bounces(newsletter, NOW)
    assert (pulled.recorded.ended_sign_ups, pulled.unused["not_ours"]) == (ended, 1 - ended)
    with open_database(newsletter) as database, database.reading() as connection:
        assert len(connection.execute(select(sign_up_table)).all()) == 1 - ended


def test_several_message_ids_are_searched_at_once(newsletter: Newsletter) -> None:
    people = (5, 2, 1)
    deliver(newsletter, *(reports.complaint(Sent(n), day(0), without=("List-Unsubscribe",)) for n in people))
    assert pull_bounces(newsletter, NOW).kinds == {"complained": 3}
    assert states(newsletter) == ["complained", "complained", "active", "active", "complained"]


def test_a_number_that_no_database_has_is_nobodys(newsletter: Newsletter) -> None:
    deliver(newsletter, reports.postfix(Sent(2**31), day(0)))
    assert pull_bounces(newsletter, NOW).unused == {"not_ours": 1}


def test_the_issue_of_another_persons_message_id_does_not_count(newsletter: Newsletter) -> None:
    deliver(
        newsletter,
        reports.postfix(Sent(1), day(0)).replace(Sent(1).message_id.encode(), Sent(2).message_id.encode()),
    )
    pull_bounces(newsletter, NOW)
    assert states(newsletter)[:2] == ["bounced", "active"]
    with open_database(newsletter) as database:
        queries = LedgerQueries(database)
        assert queries.reported(queries.sends()[0]) == {}


def test_a_report_from_before_the_consent_or_of_the_future_is_harmless(newsletter: Newsletter) -> None:
    """The time of a report is its own date, but never later than its arrival."""
    deliver(
        newsletter,
        reports.postfix(Sent(1), JOINED - timedelta(days=1)),
        reports.postfix(Sent(2), NOW + timedelta(days=9999)),
    )
    pull_bounces(newsletter, NOW)
    assert states(newsletter)[:2] == ["active", "bounced"]
    with open_database(newsletter) as database:
        Subscribers(database).add(parse_subscriber("reader2@example.com")[0], again=True)
    deliver(newsletter, reports.gmail(Sent(2), day(0)))  # all events of this person are judged again
    assert pull_bounces(newsletter, NOW).recorded.stored == 1
    assert states(newsletter)[:2] == ["active", "active"]


def test_hostile_mails_do_not_keep_others_from_being_read(newsletter: Newsletter) -> None:
    report = b"Content-Type: multipart/report; boundary=b\r\n\r\n"
    deliver(
        newsletter, report, report + b"--b\r\n" * 1000, report + b"\xff\x00", reports.postfix(Sent(1), day(0))
    )
    pulled = pull_bounces(newsletter, NOW)
    assert (pulled.unused, pulled.kinds) == ({"malformed": 3}, {"bounced": 1})
    assert waiting(newsletter) == 0


def test_the_limits_leave_reports_for_the_next_pull(newsletter: Newsletter) -> None:
    deliver(newsletter, *(reports.postfix(Sent(number), day(0)) for number in (1, 2, 3)))
    times = iter([0.0, 1.0, MAX_SECONDS + 1])
    first = pull_bounces(newsletter, NOW, seconds=lambda: next(times))
    assert (first.reports, first.has_more, waiting(newsletter)) == (1, True, 2)
    second = pull_bounces(newsletter, NOW, most=1)
    assert (second.reports, second.has_more, waiting(newsletter)) == (1, True, 1)
    third = pull_bounces(newsletter, NOW, most=1)
    assert (third.reports, third.has_more, waiting(newsletter)) == (1, False, 0)
    assert states(newsletter)[:3] == ["bounced"] * 3


def test_a_newsletter_that_never_sent_believes_nothing(tmp_path: Path) -> None:
    loaded = loader.load(samples.write(tmp_path, extra=MAILDIR), {})
    for name in ("new", "cur"):
        (tmp_path / "bounces" / name).mkdir(parents=True)
    deliver(loaded, reports.postfix(Sent(1), day(0)))
    assert pull_bounces(loaded, NOW).unused == {"not_ours": 1}


def imap(folder: Path, fake: ImapFake, **environment: str) -> Newsletter:
    settings = f"{{host: 127.0.0.1, port: {fake.port}, security: none, username: {USERNAME}}}"
    return samples.newsletter(folder, extra=f"bounces: {{imap: {settings}}}\n", **environment)


HOST = {"IMAP_PASSWORD": PASSWORD, "IMAP_HOST": "127.0.0.1"}


def test_reports_from_an_imap_server(tmp_path: Path) -> None:
    with ImapFake() as fake:
        newsletter = imap(tmp_path, fake, **HOST)
        add_people(newsletter)
        report = fake.deliver(reports.postfix(Sent(1), day(0)), day(0))
        assert pull_bounces(newsletter, NOW, dry_run=True).kinds == {"bounced": 1}
        assert report.flags == set() and not any(c.startswith("SELECT") for c in fake.commands)
        assert pull_bounces(newsletter, NOW).kinds == {"bounced": 1}
        assert report.flags == {"\\Seen"}
        assert pull_bounces(newsletter, NOW).reports == 0
        assert states(newsletter)[0] == "bounced" and fake.fetched == [report.uid] * 2


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({}, "IMAP_PASSWORD: is not set"),
        ({"IMAP_PASSWORD": PASSWORD}, "IMAP_HOST is not set"),
        (
            {"IMAP_PASSWORD": PASSWORD, "IMAP_HOST": "imap.example.com"},
            "IMAP_PASSWORD is for imap.example.com",
        ),
        (
            {"IMAP_PASSWORD": PASSWORD, "IMAP_HOST": "127.0.0.1:993"},
            "IMAP_PASSWORD is for 127.0.0.1:993",
        ),
    ],
)
def test_the_password_goes_to_its_host_only(
    tmp_path: Path, environment: dict[str, str], problem: str
) -> None:
    with ImapFake() as fake:
        newsletter = imap(tmp_path, fake, **environment)
        with pytest.raises((ConfigError, Unavailable), match=problem):
            pull_bounces(newsletter, NOW)
        assert fake.commands == []


def test_an_imap_server_that_refuses_is_named_with_its_key(tmp_path: Path) -> None:
    with ImapFake(script={"LOGIN": "TAG NO wrong"}) as fake:
        newsletter = imap(tmp_path, fake, **HOST)
        with pytest.raises(Unavailable) as raised:
            pull_bounces(newsletter, NOW)
    assert raised.value.where == f"127.0.0.1:{fake.port}" and "`bounces.imap.username`" in raised.value.hint


def test_a_dotenv_of_a_branch_does_not_direct_the_password_elsewhere(tmp_path: Path) -> None:
    with ImapFake() as fake:
        imap(tmp_path, fake)
        (tmp_path / ".env").write_text("IMAP_HOST=127.0.0.1\n")
        with pytest.raises(ConfigError, match="IMAP_HOST is not set"):
            pull_bounces(loader.load(tmp_path, {"IMAP_PASSWORD": PASSWORD}), NOW)
        assert fake.commands == []


def test_without_a_mailbox_it_is_said_where_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`bounces` is missing"):
        pull_bounces(samples.newsletter(tmp_path), NOW)


def test_the_state_on_the_ref_is_saved_before_mails_are_marked(tmp_path: Path) -> None:
    machines = Machines(tmp_path / "machines", extra=MAILDIR)
    first = machines.newsletter(NEWS_SECRET_KEY=samples.SECRET)
    initialise(first, public=False)

    def add(database: Any) -> None:
        Subscribers(database, lambda: JOINED).add(parse_subscriber("reader1@example.com")[0])

    change_database(first, add)
    for name in ("new", "cur"):
        (first.folder / "bounces" / name).mkdir(parents=True)
    deliver(first, reports.postfix(Sent(1), day(0)))
    before = machines.commit()
    assert pull_bounces(first, NOW).recorded.changed_subscribers == 1
    assert machines.commit() != before
    second = machines.newsletter("second", NEWS_SECRET_KEY=samples.SECRET)
    with open_to_read(second) as state:
        assert [entry.state for entry in Subscribers(state.database).iter_all()] == ["bounced"]
