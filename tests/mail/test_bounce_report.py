"""The reports of mail servers: what each tells, and the proofs in it that a mail of ours is meant."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.bounce_report import Report, read_report
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from tests import reports, samples
from tests.reports import Sent

AT = datetime(2026, 4, 27, 9, 0, 1, tzinfo=UTC)
SENT = Sent(12)
DIGITS = SENT.message_id.split(".")[1].split("@")[0]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(reports.postfix(SENT, AT), "bounced", "5.1.1", id="postfix"),
        pytest.param(reports.postfix(SENT, AT, "4.4.1"), "soft", "4.4.1", id="postfix-gave-up"),
        pytest.param(reports.postfix(SENT, AT, "5.0.0"), "soft", "5.0.0", id="no-status"),
        pytest.param(reports.postfix(SENT, AT, "5.2.1 (disabled)"), "bounced", "5.2.1", id="comment"),
        pytest.param(reports.postfix(SENT, AT, "none"), "soft", "5.0.0", id="wrong-status"),
        pytest.param(reports.postfix(SENT, AT, "4.4.1", action="delayed"), None, None, id="delayed"),
        pytest.param(reports.postfix(SENT, AT, "2.0.0", action="relayed"), None, None, id="relayed"),
        pytest.param(reports.exchange(SENT, AT), "bounced", "5.1.10", id="exchange"),
        pytest.param(reports.exchange(SENT, AT, "5.4.1"), "soft", "5.4.1", id="exchange-denied"),
        pytest.param(reports.exchange(SENT, AT, "5.1.8"), "soft", "5.1.8", id="exchange-our-address"),
        pytest.param(reports.gmail(SENT, AT), "soft", "5.2.2", id="gmail-full"),
        pytest.param(reports.gmail(SENT, AT, "5.1.1"), "bounced", "5.1.1", id="gmail-unknown"),
        pytest.param(reports.complaint(SENT, AT), "complained", None, id="complaint"),
        pytest.param(reports.complaint(SENT, AT, "Fraud"), "complained", None, id="fraud"),
        pytest.param(reports.complaint(SENT, AT, "opt-out"), "unsubscribed", None, id="opt-out"),
        pytest.param(reports.complaint(SENT, AT, "not-spam"), None, None, id="not-spam"),
        pytest.param(reports.complaint(SENT, AT, "auth-failure"), None, None, id="auth-failure"),
    ],
)
def test_a_report_is_read(content: bytes, kind: str | None, status: str | None) -> None:
    report = read_report(content)
    assert report is not None
    assert (report.kind, report.status, report.at) == (kind, status, AT)
    assert report.tokens == (SENT.token,) and report.message_ids == (("2026-04-27", DIGITS),)
    assert "@" not in repr(report)


def test_line_ends_of_unix_are_read_too() -> None:
    content = reports.postfix(SENT, AT)
    assert read_report(content.replace(b"\r\n", b"\n")) == read_report(content)


def test_a_report_in_utf_8_is_read() -> None:
    """Read a report of RFC 6533, whose parts have other types."""
    content = reports.postfix(SENT, AT).replace(b"message/delivery-status", b"message/global-delivery-status")
    report = read_report(content.replace(b"message/rfc822", b"message/global"))
    assert report is not None and (report.kind, report.tokens) == ("bounced", (SENT.token,))


def test_a_mail_that_a_server_forwards_to_several_is_bad_only_for_all() -> None:
    good = "Final-Recipient: rfc822; other@example.com\r\nAction: {}\r\nStatus: {}\r\n\r\n"
    content = reports.postfix(SENT, AT)
    for action, status, kind in (
        ("delivered", "2.0.0", "soft"),
        ("failed", "4.2.2", "soft"),
        ("failed", "5.1.1", "bounced"),
    ):
        more = good.format(action, status).encode()
        report = read_report(content.replace(b"Final-Recipient", more + b"Final-Recipient", 1))
        assert report is not None and report.kind == kind


@pytest.mark.parametrize("version", [1, 2])
def test_a_token_is_found_in_an_address_to_write_to(version: int) -> None:
    """Read a header in which the token follows the digits of an encoded blank."""
    token = UnsubscribeTokens(samples.SECRET, reports.LIST, version=version).token(12)
    header = (
        f"List-Unsubscribe: <mailto:leave@example.com?subject=unsubscribe%20{token}>\r\nReceived: ".encode()
    )
    content = reports.postfix(SENT, AT, without=("List-Unsubscribe",)).replace(b"Received: ", header)
    report = read_report(content)
    assert report is not None and report.tokens == (token,)


def test_a_token_may_be_in_the_address_of_the_report() -> None:
    content = reports.postfix(SENT, AT, without=("List-Unsubscribe", "Message-ID"))
    assert read_report(content) == Report("bounced", "5.1.1", (), (), AT)
    to = f"To: bounce+{SENT.token}@example.com".encode()
    report = read_report(content.replace(b"To: bounces@example.com", to))
    assert report is not None and report.tokens == (SENT.token,)


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Apr 2026 09:00:00 +0000", "Mon, 27 Apr 9999999 09:00:00"]
)
def test_a_report_without_a_valid_date_is_read(date: str) -> None:
    content = reports.postfix(SENT, AT).replace(
        b"Date: Mon, 27 Apr 2026 09:00:01 +0000", f"Date: {date}".encode()
    )
    report = read_report(content)
    assert report is not None and report.at is None and report.kind == "bounced"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Content-Type: multipart/report\r\n\r\nno parts",
        b"From: ada@example.com\r\nSubject: Thank you\r\n\r\nfor the soup",
        reports.postfix(SENT, AT).replace(b"message/delivery-status", b"text/plain"),
        reports.postfix(SENT, AT).replace(b"multipart/report", b"multipart/mixed"),
    ],
    ids=["empty", "no-parts", "letter", "no-status", "mixed"],
)
def test_another_mail_is_no_report(content: bytes) -> None:
    assert read_report(content) is None


def nested(depth: int) -> bytes:
    head = b"".join(
        b'Content-Type: multipart/report; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(depth)
    )
    return head + b"line\r\n" * 50_000


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nested": lambda: nested(2_000),
    "rfc822": lambda: (
        b"Content-Type: multipart/report; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" * 8_000
    ),
    "blocks": lambda: reports.postfix(SENT, AT).replace(
        b"Action: failed", b"Action: failed\r\n\r\n" * 30_000
    ),
    "digits": lambda: reports.postfix(SENT, AT).replace(SENT.token.encode(), b"1" * 200_000),
    "headers": lambda: reports.postfix(SENT, AT).replace(
        b"Received: ", b"List-Unsubscribe: <>\r\n" * 20_000 + b"Received: "
    ),
    "folded": lambda: reports.postfix(SENT, AT).replace(b"Date: ", b"Date: " + b"a\r\n " * 60_000),
    "boundary": lambda: b"Content-Type: multipart/report; boundary=" + b"=" * 500_000,
    "parameters": lambda: b"Content-Type: multipart/report" + b"; a*0*=x" * 60_000,
    "quotes": lambda: b'Content-Type: multipart/report; a="' + b";" * 400_000,
    "folded-quotes": lambda: b'Content-Type: multipart/report; a="' + b"\r\n ;" * 120_000,
    "quotes-inside": lambda: reports.postfix(SENT, AT).replace(
        b"message/rfc822\r\n", b'message/rfc822; a="' + b"\r;" * 200_000 + b"\r\n"
    ),
    "encoded": lambda: reports.postfix(SENT, AT).replace(b"5.1.1", b"=?utf-8?q?" + b"=" * 400_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_report_takes_little_time(name: str) -> None:
    content = HOSTILE[name]()[: 512 * 1024]
    begin = time.process_time()
    read_report(content)
    assert time.process_time() - begin < 10, "a mail of this size takes a tenth of a second"


REPORTS = [kind(SENT, AT) for kind in (reports.postfix, reports.exchange, reports.gmail, reports.complaint)]
CHANGES = st.lists(
    st.tuples(st.integers(0, 2500), st.integers(0, 60), st.binary(max_size=20)), min_size=1, max_size=5
)


@given(st.sampled_from(REPORTS), CHANGES)
def test_no_mail_raises(report: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    """Read reports in which parts are replaced by bytes of any kind."""
    content = bytearray(report)
    for start, length, replacement in changes:
        content[start : start + length] = replacement
    read_report(bytes(content))
