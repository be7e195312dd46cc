"""Tests of messages: headers that cannot be broken, parts that arrive as they were written, CR LF lines."""

import email
import re
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from newsletter.mail.message import Recipient
from newsletter.mail.mime import MimeTemplate
from newsletter.render.model import Rendered
from newsletter.subscribers.model import Subscriber
from newsletter.yamlfile.fields import Line
from tests import samples

HEADERS = [
    "To",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "From",
    "Subject",
    "Date",
    "List-Id",
    "MIME-Version",
    "Content-Type",
]
HOSTILE = [
    pytest.param("A subject\n", id="yaml-block-ends-in-newline"),
    pytest.param("=?utf-8?q?=0D=0ABcc:_victim@example.com?=", id="encoded-word-with-crlf"),
    pytest.param("Hello\r\nBcc: victim@example.com", id="crlf"),
    pytest.param("Hello\nBcc: victim@example.com\n\nbody", id="lf-and-body"),
    pytest.param("Hello\rBcc: victim@example.com", id="bare-cr"),
    pytest.param("Hello\u2028Bcc: victim@example.com", id="line-separator"),
    pytest.param("Hello\x85Bcc: victim@example.com", id="next-line"),
    pytest.param("Hello\x00\x0bthere", id="control-characters"),
    pytest.param('"' * 480, id="quotes-that-double"),
    pytest.param('"; Bcc: <victim@example.com>, "', id="quotes"),
]


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def content(part: EmailMessage) -> str:
    """Return a part's text as the recipient's mail program decodes it, with LF line ends."""
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def filled(mailing: samples.Mailing, *people: Subscriber) -> bytes:
    (first, *_) = samples.batch(mailing, *people).recipients
    return MimeTemplate(mailing).fill(first)


def test_headers_of_a_message(tmp_path: Path) -> None:
    message = parsed(filled(replace(samples.mailing(tmp_path), date=samples.NOW)))
    assert message["From"] == "The Soup Letter <soup@example.com>"
    assert message["To"] == "Ada Example <ada@example.com>"
    assert message["Reply-To"] == "cook@example.com"
    assert message["Subject"] == "Leek & potato"
    assert message["Date"] == "Mon, 04 May 2026 09:00:00 +0000"
    assert message["List-Id"] == "The Soup Letter <the-soup-letter.example.com>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = r"2\.1\.[0-9a-f]{32}"
    https, mailto = str(message["List-Unsubscribe"]).split(", ")
    assert re.fullmatch(rf"<https://soup\.example\.com/leave/{token}>", https)
    assert re.fullmatch(rf"<mailto:leave@example\.com\?subject=unsubscribe%20{token}>", mailto)
    assert not message.defects


def test_text_comes_first_and_both_parts_arrive_as_rendered(tmp_path: Path) -> None:
    mailing = samples.mailing(tmp_path)
    message = parsed(filled(mailing))
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    url = str(message["List-Unsubscribe"]).partition(">")[0][1:]
    assert content(text) == mailing.rendered.text.replace("[[unsubscribe_url]]", url)
    assert content(html) == mailing.rendered.html.replace("[[unsubscribe_url]]", url)


def test_message_id_is_stable_for_an_issue_and_a_recipient(tmp_path: Path) -> None:
    mailing = samples.mailing(tmp_path)
    ada, bo = Subscriber(1, "ada@example.com"), Subscriber(2, "bo@example.com")
    assert parsed(filled(mailing, ada))["Message-ID"] == parsed(filled(mailing, ada))["Message-ID"]
    others = {
        parsed(filled(mailing, ada))["Message-ID"],
        parsed(filled(mailing, bo))["Message-ID"],
        parsed(filled(replace(mailing, issue="2026-05-04"), ada))["Message-ID"],
    }
    assert len(others) == 3
    assert all(
        re.fullmatch(r"<2026-\d\d-\d\d\.[0-9a-f]{24}@example\.com>", message_id) for message_id in others
    )


def test_the_content_hash_of_a_started_send_stays_as_it_is() -> None:
    """A send that an older version started is resumed only if its content has the same hash."""
    assert samples.plain_mailing().sha256 == (
        "6cabb595d786e42ac1e090e4f5bafef8fb509c15a5932c0aa3578257d62159bb"
    )


def test_no_address_can_be_read_from_a_message_id(tmp_path: Path) -> None:
    """Use a key: the id of an address cannot be guessed, and another newsletter's id differs."""
    mailing = samples.mailing(tmp_path)
    ada = Subscriber(1, "ada@example.com")
    ours = samples.Personalizer(mailing, samples.SECRET)(ada).message_id
    theirs = samples.Personalizer(mailing, "another secret of another one")(ada).message_id
    assert "ada" not in ours and ours != theirs


def test_a_test_is_marked_and_never_the_same_message_twice() -> None:
    first = replace(samples.plain_mailing().as_test(), date=samples.NOW)
    message = parsed(filled(first))
    assert message["Subject"] == "[Test] Soup"
    assert message["X-News-Test"] == "yes"
    later = replace(first, date=samples.NOW.replace(hour=10))
    assert parsed(filled(later))["Message-ID"] != message["Message-ID"]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("place", ["subject", "sender", "recipient"])
def test_a_header_value_cannot_be_broken_out_of(hostile: str, place: str) -> None:
    mailing = samples.plain_mailing(
        subject=hostile if place == "subject" else "Soup",
        name=hostile if place == "sender" else "The Soup Letter",
    )
    name = hostile if place == "recipient" else "Ada"
    raw = filled(mailing, Subscriber(1, "ada@example.com", name))
    assert_intact(raw)
    clean = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", hostile).split())
    shown = {
        "subject": decoded(raw, "Subject"),
        "sender": decoded(raw, "From").rpartition("<")[0].strip(),
        "recipient": decoded(raw, "To").rpartition("<")[0].strip(),
    }[place]
    assert " ".join(shown.replace('\\"', '"').strip().split()).strip('"') == clean.strip('"')


def assert_intact(raw: bytes) -> None:
    """Assert that every header occurs once and in order, and that lines end in CR LF and are not too long."""
    head, _, _ = raw.partition(b"\r\n\r\n")
    names = re.findall(rb"(?m)^([A-Za-z-]+):", head)
    assert [name.decode() for name in names] == HEADERS
    assert b"Bcc" not in b"".join(re.findall(rb"(?mi)^bcc:", head))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw), "a bare CR or LF"
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


def decoded(raw: bytes, header: str) -> str:
    """Return a header's value as a program decodes it that knows only RFC 2047."""
    value = email.message_from_bytes(raw)[header]
    return "".join(
        part.decode(charset or "ascii") if isinstance(part, bytes) else part
        for part, charset in email.header.decode_header(value)
    )


def display_name(raw: bytes, header: str) -> str:
    """Return the name in an address header; the standard library would put spaces between encoded words."""
    name = decoded(raw, header).rpartition("<")[0].strip()
    quoted = str(email.message_from_bytes(raw)[header]).startswith('"')
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if quoted else name


LINE: TypeAdapter[str] = TypeAdapter(Line)


def valid_line(text: str) -> bool:
    try:
        LINE.validate_python(text)
    except ValidationError:
        return False
    return True


LINES = st.text(min_size=1, max_size=90).map(str.strip).filter(valid_line)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(subject=LINES, sender=LINES, recipient=LINES)
def test_every_valid_header_value_arrives_unchanged(subject: str, sender: str, recipient: str) -> None:
    raw = filled(samples.plain_mailing(subject, sender), Subscriber(1, "ada@example.com", recipient))
    assert_intact(raw)
    message = parsed(raw)
    assert message["Subject"] == subject
    assert display_name(raw, "From") == sender
    assert display_name(raw, "To") == recipient
    assert message["To"].addresses[0].addr_spec == "ada@example.com"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    text=st.text(
        alphabet=st.characters(
            exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
        )
    )
)
def test_any_text_survives_quoted_printable(text: str) -> None:
    written = f"{text}[[unsubscribe_url]]{text}\n.\n..\nFrom here\n"
    raw = filled(samples.plain_mailing(text=written, html=f"<p>{text}</p>\n"))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    part, _ = parsed(raw).iter_parts()
    url = str(parsed(raw)["List-Unsubscribe"])[1:-1]
    assert content(part) == written.replace("[[unsubscribe_url]]", url)
    assert all(
        len(line) <= 76 for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n") if line.endswith(b"=")
    )


def test_values_are_escaped_in_html_and_plain_in_text() -> None:
    mailing = samples.plain_mailing(html="<p>Hello [[name]]</p>\n", text="Hello [[name]]\n")
    text, html = parsed(filled(mailing, Subscriber(1, "ada@example.com", '<&">'))).iter_parts()
    assert content(text) == 'Hello <&">\n'
    assert content(html) == "<p>Hello &lt;&amp;&quot;&gt;</p>\n"


def test_a_recipient_without_a_name_is_greeted_by_the_label() -> None:
    mailing = samples.plain_mailing(text="Hello [[name]]\n")
    text, _ = parsed(filled(mailing, Subscriber(1, "ada@example.com"))).iter_parts()
    assert content(text) == "Hello reader\n"
    assert parsed(filled(mailing, Subscriber(1, "ada@example.com")))["To"] == "ada@example.com"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"rendered": Rendered("Soup", "A soup.", "<p>other</p>", "text")}, id="html"),
        pytest.param({"sender": ("Another", "soup@example.com")}, id="sender"),
        pytest.param({"unsubscribe_url": "https://other.example.com/{token}"}, id="unsubscribe"),
        pytest.param({"track_opens": True}, id="tracking"),
    ],
)
def test_content_is_known_by_its_hash(change: dict[str, object]) -> None:
    mailing = samples.plain_mailing()
    assert replace(mailing, **change).sha256 != mailing.sha256
    assert replace(mailing, date=samples.NOW.replace(year=2027)).sha256 == mailing.sha256


@pytest.mark.parametrize(
    ("ways", "link"),
    [
        ({"unsubscribe_url": "https://a.example/{token}"}, "https://a.example/TOKEN"),
        (
            {"unsubscribe_url": "https://a.example/{token}", "unsubscribe_mailto": "leave@example.com"},
            "https://a.example/TOKEN",
        ),
        (
            {"unsubscribe_mailto": "leave+me@example.com"},
            "mailto:leave%2Bme@example.com?subject=unsubscribe%20TOKEN",
        ),
        ({"unsubscribe_mailto": "leave@example.com", "sendgrid_group": 7}, ""),
    ],
    ids=["page", "page-and-mail", "mail", "group"],
)
def test_the_link_in_the_mail_leads_to_the_page_or_writes_a_mail(ways: dict[str, Any], link: str) -> None:
    none = {"unsubscribe_url": None, "unsubscribe_mailto": None}
    mailing = replace(samples.plain_mailing(), **{**none, **ways})
    recipient = Recipient(1, "ada@example.com", "Ada", "<1@example.com>", "TOKEN")
    assert mailing.value("unsubscribe_url")(recipient) == link


def test_mail_alone_promises_no_one_click() -> None:
    mailing = replace(samples.plain_mailing(), unsubscribe_url=None, unsubscribe_mailto="leave@example.com")
    assert mailing.personal_headers() == {
        "List-Unsubscribe": "<mailto:leave@example.com?subject=unsubscribe%20{token}>"
    }
