"""The content of messages to the mailbox: tokens in many forms, and hostile messages without any."""

import random
import time
from email.header import Header

import pytest

from newsletter.mail.incoming_mail import IncomingMail, read_mail

TOKEN = "2.12." + "0123456789abcdef" * 2
OTHER = "7." + "f" * 32
CONFIRM = "c.5." + "89abcdef01234567" * 2


def letter(subject: str = "hello", body: str = "", **headers: str) -> bytes:
    lines = {"From": "Ada <ada@example.com>", "To": "leave@example.com", "Subject": subject, **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value)
    return f"{head}\r\n{body}\r\n".encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(letter(f"unsubscribe {TOKEN}"), id="as-linked"),
        pytest.param(letter(f"Re: Unsubscribe {TOKEN.upper()}."), id="answered"),
        pytest.param(letter(f"unsubscribe%20{TOKEN}"), id="not-decoded"),
        pytest.param(letter(f"unsubscribe\r\n {TOKEN}"), id="folded"),
        pytest.param(letter(f"unsubscribe {TOKEN[:20]}\r\n {TOKEN[20:]}"), id="folded-in-the-token"),
        pytest.param(letter(Header(f"unsubscribe {TOKEN}", "utf-8").encode()), id="base64"),
        pytest.param(
            letter(f"=?utf-8?q?unsubscribe_{TOKEN[:9]}?=\r\n =?utf-8?q?{TOKEN[9:]}?="), id="divided"
        ),
        pytest.param(letter(f"=?x-none?q?unsubscribe_{TOKEN}?="), id="unknown-charset"),
        pytest.param(letter(f"\U0001f44b unsubscribe {TOKEN}"), id="emoji"),
        pytest.param(letter(To=f"leave+{TOKEN}@example.com"), id="plus"),
        pytest.param(letter(Delivered_To=f"leave+{TOKEN}@example.com"), id="plus-delivered"),
        pytest.param(letter(body=f"{TOKEN}"), id="body"),
        pytest.param(letter(body=f"\r\n\r\nunsubscribe {TOKEN}\r\n-- \r\nAda"), id="body-with-word"),
        pytest.param(
            letter(body=f"<div>unsubscribe {TOKEN}</div>", Content_Type="text/html; charset=utf-8"), id="html"
        ),
        pytest.param(
            letter(
                body=f"unsubscribe {TOKEN[:30]}=\r\n{TOKEN[30:]}",
                Content_Type="text/plain",
                Content_Transfer_Encoding="quoted-printable",
            ),
            id="quoted-printable",
        ),
        pytest.param(
            letter(f"unsubscribe {TOKEN}", Auto_Submitted="auto-generated", body="by Gmail"),
            id="by-a-program",
        ),
    ],
)
def test_a_token_is_found(content: bytes) -> None:
    mail = read_mail(content)
    assert mail.leave_tokens == (TOKEN,) and mail.automatic != "replied"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(letter(f"unsubscribe {TOKEN[:-1]}"), id="short"),
        pytest.param(letter(f"unsubscribe {TOKEN}0"), id="long"),
        pytest.param(letter(f"confirm {CONFIRM}"), id="confirm"),
        pytest.param(letter("Re: Soup", body=f"Nice!\r\n\r\n> unsubscribe {TOKEN}"), id="quoted"),
        pytest.param(
            letter("Re: Soup", body=f"Nice!\r\n-----Original Message-----\r\nunsubscribe {TOKEN}"),
            id="quoted-by-outlook",
        ),
        pytest.param(letter("Re: Soup", body="a\r\n" * 5 + TOKEN), id="further-down"),
        pytest.param(letter("Re: Soup", body=f"see https://example.com/{TOKEN}"), id="in-a-link"),
        pytest.param(letter(From=f"{TOKEN} <ada@example.com>"), id="from"),
    ],
)
def test_what_is_no_request_has_no_token(content: bytes) -> None:
    assert read_mail(content).leave_tokens == ()


def test_every_token_is_named() -> None:
    """Two valid ones are a question for a person."""
    assert read_mail(letter(f"{TOKEN} {OTHER}")).leave_tokens == (TOKEN, OTHER)


def test_the_test_token_is_recognised() -> None:
    assert read_mail(letter("unsubscribe test")).is_test and not read_mail(letter("a test")).is_test


@pytest.mark.parametrize(
    "headers",
    [
        {"To": f"join+{CONFIRM}@example.com"},
        {"Subject": f"Re: Please confirm [{CONFIRM}]"},
        {"Subject": f"confirm%20{CONFIRM}"},
        {"In_Reply_To": f"<{CONFIRM}@example.com>"},
        {"References": f"<1@example.com>\r\n <{CONFIRM}@example.com>"},
    ],
    ids=["plus", "subject", "not-decoded", "in-reply-to", "references"],
)
def test_an_answer_carries_the_token_of_a_sign_up(headers: dict[str, str]) -> None:
    mail = read_mail(letter(**{"subject": headers.pop("Subject", "Re: hello"), **headers}))
    assert mail.confirm_tokens == (CONFIRM,) and mail.leave_tokens == ()


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("subscribe", True),
        (" Subscribe! ", True),
        ("Re: subscribe", True),
        ("=?utf-8?q?subscribe?=", True),
        ("unsubscribe", False),
        ("subscribe me", False),
        ("", False),
    ],
)
def test_a_mail_asks_to_subscribe_by_its_subject(subject: str, expected: bool) -> None:
    assert read_mail(letter(subject)).asks_to_subscribe == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ""),
        ({"Auto_Submitted": "no"}, ""),
        ({"Auto_Submitted": "auto-generated"}, "generated"),
        ({"Auto_Submitted": "Auto-Replied (vacation)"}, "replied"),
        ({"Auto_Submitted": "auto-replied; type=vacation"}, "replied"),
        ({"Return_Path": "<>"}, "replied"),
        ({"Return_Path": "<ada@example.com>"}, ""),
        ({"List_Id": "<soup.example.com>"}, "replied"),
        ({"List_Unsubscribe": "<mailto:x@example.com>"}, "replied"),
        ({"Precedence": "Bulk"}, "replied"),
        ({"X_Autoreply": "yes"}, "replied"),
    ],
)
def test_messages_of_programs_are_told_apart(headers: dict[str, str], expected: str) -> None:
    assert read_mail(letter(f"unsubscribe {TOKEN}", **headers)).automatic == expected


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("ada@example.com", "ada@example.com"),
        ('"Eve, of" <eve@example.com>', "eve@example.com"),
        ("ada@example.com, eve@example.com", ""),
        ("", ""),
        ("ada@example.com\r\nFrom: eve@example.com", ""),
    ],
    ids=["plain", "comma", "two", "none", "two-headers"],
)
def test_a_sender_is_exactly_one_address(sender: str, expected: str) -> None:
    assert read_mail(letter("subscribe", From=sender)).sender == expected


HOSTILE = {
    "empty": b"",
    "no-header": b"\r\n\r\n\r\n",
    "zeros": b"\0" * 5000,
    "long-header": b"Subject: " + b"x" * 60_000 + b"\r\n\r\n",
    "long-encoded": b"Subject: " + b"=?utf-8?q?=41?= " * 4000 + b"\r\n\r\n",
    "many-headers": b"".join(b"X-%d: y\r\n" % number for number in range(4000)) + b"\r\n",
    "many-addresses": b"To: " + b"a@example.com, " * 4000 + b"\r\n\r\n",
    "open-comment": b"From: " + b"(" * 5000 + b"\r\n\r\n",
    "open-quote": b'From: "' + b"\\" * 5000 + b"\r\n\r\n",
    "bad-base64": b"Subject: =?utf-8?b?!!!?=\r\n\r\n",
    "no-boundary": b"Content-Type: multipart/mixed\r\n\r\nx",
    "deep": b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (number, number)
        for number in range(1000)
    ),
    "bad-charset": b"Content-Type: text/plain; charset=utf-9\r\n\r\n\xff",
    "bad-encoding": b"Content-Transfer-Encoding: base64\r\n\r\n%%%",
    "surrogates": "Subject: \ud800".encode("utf-8", "surrogatepass") + b"\r\n\r\n",
    "crlf": b"Subject: a\r\r\n\runsubscribe\n\r\n",
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<" * 20_000,
    "many-tokens": b"Subject: " + b" ".join(b"%d.%032x" % (n, n) for n in range(1, 200)) + b"\r\n\r\n",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_is_read_without_an_error(content: bytes) -> None:
    started = time.process_time()
    mail = read_mail(content)
    assert len(mail.leave_tokens) <= 20 and not mail.confirm_tokens
    assert time.process_time() - started < 2  # it takes milliseconds; parts within parts took seconds


def test_damaged_messages_are_read_without_an_error() -> None:
    chosen = random.Random(7)
    whole = letter(f"unsubscribe {TOKEN}", body="hello\r\n" * 20, Content_Type="multipart/mixed; boundary=x")
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(chosen.randrange(1, 20)):
            content[chosen.randrange(len(content))] = chosen.randrange(256)
        assert isinstance(read_mail(bytes(content)), IncomingMail)
