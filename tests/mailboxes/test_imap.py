"""A folder of an IMAP server: the messages that are read, their limits and flags."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from newsletter.errors import Unavailable
from newsletter.mailboxes.imap_connection import ImapLimits
from newsletter.mailboxes.model import MAX_MAIL_BYTES
from tests import reports
from tests.fakes.imap import ImapFake
from tests.mailboxes.imap_visits import opened
from tests.reports import Sent

AT = datetime(2026, 5, 4, 9, 30, 5, tzinfo=UTC)
REPORT = reports.postfix(Sent(1), AT)
REPORT_LIMITS = ImapLimits(bytes_each=MAX_MAIL_BYTES)


def test_messages_after_a_number_are_read_and_stay_unseen() -> None:
    with ImapFake() as fake:
        for text in (b"one", b"two", b"three"):
            fake.deliver(text, AT)
        with opened(fake) as folder:
            assert folder.validity == 7
            assert list(folder.fetch(folder.messages(1))) == [("2", b"two", AT), ("3", b"three", AT)]
            assert folder.messages(3) == []  # `4:*` finds message 3
        assert fake.unseen == [1, 2, 3]
        assert fake.commands[-1] == "LOGOUT"


def test_messages_are_marked_and_moved() -> None:
    with ImapFake() as fake:
        for text in (b"one", b"two", b"three"):
            fake.deliver(text)
        with opened(fake) as folder:
            folder.mark_read(["1", "3"])
            assert folder.messages(0, "UNSEEN") == [2]
            folder.move(["2"], "Züge & Co")
        assert fake.moved == {"Z&APw-ge &- Co": [b"two"]}


def test_reports_are_read_once() -> None:
    with ImapFake() as fake:
        first, second = fake.deliver(REPORT, AT), fake.deliver(REPORT, AT, "\\Flagged")
        fake.deliver(REPORT, AT, "\\Seen")
        deleted = fake.deliver(REPORT, AT, "\\Deleted")
        letter = fake.deliver(b"Subject: A letter\r\n\r\nmultipart/report\r\n", AT)
        with opened(fake) as folder:
            found = list(folder.unread_reports())
            assert found == [("1", REPORT, AT), ("2", REPORT, AT)]
            assert first.flags == set(), "reading marks nothing"
            folder.mark_read([mail.key for mail in found])
            assert list(folder.unread_reports()) == []
        assert first.flags == {"\\Seen"} and second.flags == {"\\Flagged", "\\Seen"}
        assert letter.flags == set() and deleted.flags == {"\\Deleted"} and fake.fetched == [1, 2]


def test_more_reports_than_a_search_returns_are_all_read() -> None:
    with ImapFake() as fake:
        for _ in range(25):
            fake.deliver(REPORT, AT)
        with opened(fake, ImapLimits(messages=10)) as folder:
            assert [int(mail.key) for mail in folder.unread_reports()] == list(range(1, 26))


@pytest.mark.parametrize(
    ("limits", "requests"),
    [pytest.param(ImapLimits(), 1, id="small"), pytest.param(REPORT_LIMITS, 3, id="large")],
)
def test_many_messages_are_read_in_several_requests(limits: ImapLimits, requests: int) -> None:
    with ImapFake() as fake:
        for _ in range(45):
            fake.deliver(REPORT, AT)
        with opened(fake, limits) as folder:
            assert [int(mail.key) for mail in folder.unread_reports()] == list(range(1, 46))
    assert sum(command.startswith("UID FETCH") for command in fake.commands) == requests


def test_limits_of_number_and_size() -> None:
    with ImapFake() as fake:
        for _ in range(120):
            fake.deliver(b"x" * 5000)
        with opened(fake, ImapLimits(messages=110, bytes_each=1000)) as folder:
            numbers = folder.messages()
            assert numbers == list(range(1, 111))
            assert {len(mail.content) for mail in folder.fetch(numbers)} == {1000}


@pytest.mark.parametrize("size", [500, 10 * 2**20, 20 * 2**20])
def test_a_message_of_any_size_may_be_asked_for(size: int) -> None:
    with ImapFake() as fake:
        fake.deliver(b"x" * 1000)
        with opened(fake, ImapLimits(bytes_each=size)) as folder:
            assert [len(mail.content) for mail in folder.fetch([1])] == [min(size, 1000)]


@pytest.mark.parametrize("messages", [1, 20])
def test_a_server_that_sends_more_than_asked_is_left(messages: int) -> None:
    with ImapFake(obeys_size=False) as fake:
        for _ in range(messages):
            fake.deliver(REPORT + b"x" * 4 * MAX_MAIL_BYTES, AT)
        with (
            pytest.raises(Unavailable, match="sends more than it was asked for"),
            opened(fake, REPORT_LIMITS) as folder,
        ):
            list(folder.unread_reports())


def test_content_over_the_limit_is_cut_off() -> None:
    with ImapFake(obeys_size=False) as fake:
        fake.deliver(b"x" * 5000)
        with opened(fake, ImapLimits(bytes_each=1000)) as folder:
            assert [len(mail.content) for mail in folder.fetch([1])] == [1000]


def test_lines_without_a_message_are_limited_too() -> None:
    lines = "\r\n".join(["* OK " + "x" * 100_000] * 20)
    with (
        ImapFake(script={"UID SEARCH": f"{lines}\r\nTAG OK done"}) as fake,
        pytest.raises(Unavailable, match="sends more"),
        opened(fake) as folder,
    ):
        folder.messages()


def test_a_folder_to_read_only_is_examined() -> None:
    with ImapFake(folder='INBOX."My bounces"') as fake:
        fake.deliver(REPORT, AT)
        with opened(fake, readonly=True, folder='INBOX."My bounces"') as folder:
            assert folder.validity == 7 and len(list(folder.unread_reports())) == 1
    assert 'EXAMINE "INBOX.\\"My bounces\\""' in fake.commands


@pytest.mark.parametrize("written", ["Rückläufer", "R&APw-ckl&AOQ-ufer"])
def test_a_folder_outside_ascii_has_a_name_in_modified_utf7(written: str) -> None:
    with ImapFake(folder="R&APw-ckl&AOQ-ufer") as fake, opened(fake, folder=written) as folder:
        assert folder.messages() == []


def test_a_number_after_the_content_is_found() -> None:
    with ImapFake(uid_last=True) as fake:
        fake.deliver(b"one", AT)
        with opened(fake) as folder:
            assert list(folder.fetch([1])) == [("1", b"one", AT)]


def test_the_time_of_arrival_is_in_utc() -> None:
    with ImapFake() as fake:
        fake.deliver(b"one", AT.astimezone(timezone(timedelta(hours=-7))))
        with opened(fake) as folder:
            (mail,) = folder.fetch([1])
    assert (mail.received_at, mail.received_at.tzinfo) == (AT, UTC)


def test_a_time_of_arrival_that_cannot_be_read_is_the_present() -> None:
    reply = '* 1 FETCH (UID 1 INTERNALDATE "yesterday" BODY[]<0> {3}\r\none)\r\nTAG OK done'
    before = datetime.now(UTC)
    with ImapFake(script={"UID FETCH": reply}) as fake, opened(fake) as folder:
        (mail,) = folder.fetch([1])
    assert before <= mail.received_at <= datetime.now(UTC)


def test_a_message_that_nobody_asked_for_is_left_out() -> None:
    reply = "* 1 FETCH (UID 9 BODY[]<0> {3}\r\none)\r\nTAG OK done"
    with ImapFake(script={"UID FETCH": reply}) as fake, opened(fake) as folder:
        assert list(folder.fetch([1])) == []


def test_a_message_that_was_deleted_is_left_out() -> None:
    with ImapFake() as fake:
        fake.deliver(b"one")
        with opened(fake) as folder:
            assert [mail.key for mail in folder.fetch([1, 2])] == ["1"]
